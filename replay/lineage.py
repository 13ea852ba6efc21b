"""The family of a log: what it was made from, and what was made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from replay.models import Run

MAX_SHOWN = 20  # replays in a panel; the sentence counts all of them


@dataclass(frozen=True)
class Family:
    """``run`` is the attempt that became the log, if it is a replay; ``siblings`` came from the same log."""

    run: Run | None
    siblings: list[Run] = field(default_factory=list)
    replays: list[Run] = field(default_factory=list)

    @property
    def parent_id(self) -> UUID | None:
        return self.run.parent_id if self.run else None

    @property
    def is_empty(self) -> bool:
        return self.run is None and not self.replays

    @property
    def sentence(self) -> str:
        """``Replayed 3 times; the last one succeeded.``; "" where it never was."""
        return told(self.replays)

    @property
    def shown_replays(self) -> list[Run]:
        """The latest ones, newest first."""
        return self.replays[: -MAX_SHOWN - 1 : -1]

    @property
    def shown_siblings(self) -> list[Run]:
        return self.siblings[: -MAX_SHOWN - 1 : -1]


def family(workspace_id: int, log_id: UUID) -> Family:
    """The family of a log, in at most three statements."""
    runs = Run.objects.light().select_related("person")
    run = runs.of_logs(workspace_id, [log_id]).first()
    replays = list(runs.of_parents(workspace_id, [log_id]))
    siblings: list[Run] = []
    if run and run.parent_id:
        siblings = [each for each in runs.of_parents(workspace_id, [run.parent_id]) if each != run]
    return Family(run, siblings, replays)


def told(replays: list[Run]) -> str:
    """How often, and how the last one went. ``replays`` oldest first."""
    if not replays:
        return ""
    count = len(replays)
    times = {1: "once", 2: "twice"}.get(count, f"{count:,} times")
    which = "it" if count == 1 else "the last one"
    return f"Replayed {times}; {which} {_ENDS[Run.State(replays[-1].state)]}."


_ENDS = {
    Run.State.PENDING: "is waiting",
    Run.State.RUNNING: "is running",
    Run.State.SUCCEEDED: "succeeded",
    Run.State.FAILED: "failed",
    Run.State.STOPPED: "was stopped",
    Run.State.UNKNOWN: "has no known outcome",
    Run.State.SKIPPED: "was skipped",
}

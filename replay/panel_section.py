"""What pages show of replays: the button of a log, its family in the panel, the lines of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from logs.explorer import presentation
from logs.explorer.presentation import Row
from logs.extension_types import LogAction
from logs.models import Log
from portkey_logs.accounts.models import Workspace
from replay import lineage
from replay.eligibility import Verdict
from replay.models import Batch, Run


@dataclass(frozen=True)
class Button:
    """Replay. ``url`` is where it leads; ``reason`` says why it does not, or what will be asked there."""

    log_id: str
    url: str
    allowed: bool
    reason: str


@dataclass(frozen=True)
class Member:
    """A run of the family, in words."""

    url: str
    state: str
    words: str
    target: str
    by: str
    created_at: datetime
    error: str


@dataclass(frozen=True)
class Shown:
    """``parent_url`` is there for a replay; ``sentence`` for a log that was replayed."""

    sentence: str
    is_replay: bool
    parent_url: str
    by: str = ""
    replays: list[Member] = field(default_factory=list)
    siblings: list[Member] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """One log of a batch and what came of it; each None where there is no such log (any more)."""

    run: Run
    original: Row | None
    replay: Row | None
    compare_url: str  # "" where there is nothing to compare

    @property
    def outcome(self) -> str:
        """``same``, ``changed``, or the state where there is no more to say."""
        return self.run.result or self.run.state

    @property
    def words(self) -> str:
        return self.run.get_result_display() or self.run.get_state_display()


def action(workspace: Workspace, log_id: UUID, verdict: Verdict) -> LogAction:
    """The button, and what JSON says of it."""
    url = reverse("playground", args=[workspace.slug]) + f"?log={log_id}"
    told = {"allowed": verdict.allowed, "reason": verdict.reason or None, "needs_key": verdict.needs_key}
    return LogAction("replay/button.html", Button(str(log_id), url, verdict.allowed, verdict.reason), told)


def family(workspace: Workspace, log: Log) -> Shown | None:
    """None for a log that has none."""
    found = lineage.family(workspace.pk, log.id)
    if found.is_empty:
        return None
    parent = found.parent_id
    return Shown(
        sentence=found.sentence,
        is_replay=found.run is not None,
        parent_url=_address(workspace, parent) if parent else "",
        by=_by(found.run) if found.run else "",
        replays=_members(workspace, found.shown_replays),
        siblings=_members(workspace, found.shown_siblings),
    )


def _members(workspace: Workspace, runs: Iterable[Run]) -> list[Member]:
    return [
        Member(
            url=_address(workspace, run.log_id),
            state=run.state,
            words=Run.State(run.state).label,
            target=run.label or run.aim.label,
            by=_by(run),
            created_at=run.created_at,
            error=run.error,
        )
        for run in runs
    ]


def _by(run: Run) -> str:
    return run.person.display_name if run.person else "somebody who left"


def lines(workspace: Workspace, batch: Batch) -> list[Line]:
    """What a batch holds, in the order of its logs, in two statements."""
    runs = list(batch.runs.light().order_by("id"))
    ids = {id for run in runs for id in (run.parent_id, run.log_id) if id}
    logs = Log.objects.in_workspace(workspace).filter(id__in=ids).for_list()
    rows = {log.id: presentation.row(log, _address(workspace, log.id)) for log in logs}
    return [_line(workspace, run, rows) for run in runs]


def _line(workspace: Workspace, run: Run, rows: Mapping[UUID, Row]) -> Line:
    original = rows.get(run.parent_id) if run.parent_id else None
    replay = rows.get(run.log_id)
    both = reverse("compare", args=[workspace.slug]) + f"?a={run.parent_id}&b={run.log_id}"
    return Line(run, original, replay, both if original and replay else "")


def _address(workspace: Workspace, log_id: UUID) -> str:
    return reverse("log_detail", args=[workspace.slug, log_id])

"""The button of a log, and its family in the panel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from logs.extensions import Action
from logs.models import Log
from portkey_logs.accounts.models import Workspace
from replay import lineage
from replay.eligibility import Verdict
from replay.models import Run


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


def action(workspace: Workspace, log_id: UUID, verdict: Verdict) -> Action:
    """The button, and what JSON says of it."""
    url = reverse("playground", args=[workspace.slug]) + f"?log={log_id}"
    told = {"allowed": verdict.allowed, "reason": verdict.reason or None, "needs_key": verdict.needs_key}
    return Action("replay/button.html", Button(str(log_id), url, verdict.allowed, verdict.reason), told)


def family(workspace: Workspace, log: Log) -> Shown | None:
    """None for a log that has none."""
    found = lineage.family(workspace.pk, log.id)
    if found.is_empty:
        return None
    parent = found.parent_id
    return Shown(
        sentence=found.sentence,
        is_replay=found.run is not None,
        parent_url=reverse("log_detail", args=[workspace.slug, parent]) if parent else "",
        by=_by(found.run) if found.run else "",
        replays=_members(workspace, found.shown_replays),
        siblings=_members(workspace, found.shown_siblings),
    )


def _members(workspace: Workspace, runs: Iterable[Run]) -> list[Member]:
    return [
        Member(
            url=reverse("log_detail", args=[workspace.slug, run.log_id]),
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

"""What else happened there: the other logs of a log's trace, and around its time those of its user, and those that
asked for the very same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from logs.explorer import presentation
from logs.models import Log
from logs.querysets import LogQuerySet
from logs.storage.body_storage import same_request
from logs.storage.time_budget import within
from portkey_logs.accounts.models import Workspace
from portkey_logs.lib import uuid7

TRACE_MOST = 50  # what is read as a timeline; a longer trace is a list
USER_MOST = 10
SAME_MOST = 10
SAME_CANDIDATES = 100  # requests of the same length, whose bodies are compared: no index has bodies
AROUND = timedelta(minutes=10)
BUDGET_MS = 100  # each of them: nobody waits for what they did not ask for
DEEPEST = 5  # steps that are indented; the panel has no room for more


@dataclass(frozen=True)
class Step:
    """A log of the timeline. ``x`` and ``width`` are hundredths of the time that all of them took."""

    log: Log
    depth: int  # how many of the spans above it are shown too
    after: str  # the first of them
    x: float
    width: float


@dataclass(frozen=True)
class Related:
    """All in the order of time. ``trace`` has the log itself, and is empty where there is no other."""

    trace: Sequence[Step]
    has_more: bool  # in the trace, before or after those
    of_user: Sequence[Log]  # of other traces
    same: Sequence[Log]  # with the same model, and a request that is the same to the byte

    @property
    def others(self) -> int:
        return max(len(self.trace) - 1, 0)


def related(workspace: Workspace, log: Log) -> Related:
    logs = Log.objects.in_workspace(workspace).for_list()
    of_trace = _nearest(logs.filter(trace_id=log.trace_id), log, TRACE_MOST)
    of_user: list[Log] = []
    if log.user:
        around = logs.filter(user=log.user).since(log.created_at - AROUND).until(log.created_at + AROUND)
        of_user = _nearest(around.exclude(trace_id=log.trace_id), log, USER_MOST)[:USER_MOST]
    has_more = len(of_trace) > TRACE_MOST
    shown = sorted([log, *of_trace[:TRACE_MOST]], key=lambda each: each.id)
    return Related(
        trace=timeline(shown) if of_trace else [],
        has_more=has_more,
        of_user=sorted(of_user, key=lambda each: each.id),
        same=sorted(_same(logs, log), key=lambda each: each.id),
    )


def _same(logs: LogQuerySet, log: Log) -> list[Log]:
    if not log.request_bytes:
        return []
    around = logs.filter(model=log.model).since(log.created_at - AROUND).until(log.created_at + AROUND)
    alike = around.filter(request_type=log.request_type, request_bytes=log.request_bytes)
    candidates = _nearest(alike, log, SAME_CANDIDATES)
    if not candidates:
        return []
    same = within(BUDGET_MS, same_request(log.workspace_id, log.id, [each.id for each in candidates])) or []
    return [each for each in candidates if each.id in same][:SAME_MOST]


def timeline(logs: Sequence[Log]) -> list[Step]:
    """The logs, which are in the order of time, with their places in it and below their parent spans."""
    starts = [uuid7.time_ms(log.id) for log in logs]
    first = starts[0]
    whole = max(start + (log.latency_ms or 0) for start, log in zip(starts, logs, strict=True)) - first or 1
    parents = {log.span_id: log.parent_span_id for log in logs if log.span_id}
    return [
        Step(
            log=log,
            depth=_depth(log, parents),
            after=f"+{presentation.duration(start - first)}",
            x=round(100 * (start - first) / whole, 2),
            width=round(100 * (log.latency_ms or 0) / whole, 2),
        )
        for start, log in zip(starts, logs, strict=True)
    ]


def _depth(log: Log, parents: dict[str, str | None]) -> int:
    depth, span = 0, log.parent_span_id
    while span in parents and depth < DEEPEST:  # which also ends where spans name each other
        depth, span = depth + 1, parents[span]
    return depth


def _nearest(logs: LogQuerySet, log: Log, most: int) -> list[Log]:
    """The logs nearest in time to this one, without it: the nearest first, one more than ``most`` if there are more."""
    sides = (logs.older_than(log.id).newest_first(), logs.newer_than(log.id).oldest_first())
    found = within(BUDGET_MS, chain.from_iterable(side[: most + 1] for side in sides)) or []
    return sorted(found, key=lambda each: abs(each.id.int - log.id.int))[: most + 1]

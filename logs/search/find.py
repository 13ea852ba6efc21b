"""Searching the bodies of a selection: the index of words names candidates, newest first, and each is looked at before
it counts. All of it within a budget; what was not looked at is said, never passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import batched
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from logs import ids
from logs.budget import within
from logs.search import documents
from logs.search.documents import Source
from logs.search.words import Query, Span, hashed

if TYPE_CHECKING:
    from logs.models import Log
    from logs.querysets import LogQuerySet

MAX_BODIES = 2_000  # that are looked at, as many as fit into the budget where they are small
STEP = 500  # candidates that are fetched at once: several pages, should filters let few of them pass
# Logs without their words yet, the newest of which are looked at as they are: those of some seconds in a busy
# installation, where the worker is not behind. More would take the budget from those that are indexed.
MAX_WAITING = 300
COUNT_CAP = 10_000  # of what was left out
FIRST_WINDOW = timedelta(hours=1)
WINDOW_GROWTH = 4  # 1 h, 4 h, 16 h …: a common word is found in the first, a rare one costs few lists in the others

# Materialised: with a limit in sight the planner would walk the newest rows and compare the words of each.
CANDIDATES = """
WITH candidate AS MATERIALIZED (
    SELECT id FROM log_terms WHERE workspace_id = %s AND id >= %s AND id < %s AND terms @> %s::int4[]
) SELECT id FROM candidate ORDER BY id {direction} LIMIT %s"""
_CANDIDATES_AND_PARTIAL = CANDIDATES.replace("terms @> %s::int4[]", "(terms @> %s::int4[] OR is_partial)")
_WAITING = """
SELECT id FROM index_queue WHERE workspace_id = %s AND id >= %s AND id < %s ORDER BY id {direction} LIMIT %s"""
_PARTIAL = """
SELECT id FROM log_terms WHERE workspace_id = %s AND id >= %s AND id < %s AND is_partial LIMIT %s"""


@dataclass(frozen=True)
class Match:
    """Where a log has what was searched for: on which side, and the words around it."""

    side: str
    spans: list[Span]

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


@dataclass
class Findings:
    """What a search found, and how far it can be trusted. Numbers of logs are exact up to COUNT_CAP."""

    query: Query
    rows: list[Log] = field(default_factory=list)
    matches: dict[UUID, Match] = field(default_factory=dict)
    reached: UUID | None = None  # everything up to here was searched; None: everything there is
    looked_at: int = 0  # bodies
    waiting: int = 0  # not indexed yet, and left out
    waiting_from: UUID | None = None  # the first of them
    partial: int = 0  # indexed in part, so that a match in the rest of them was not found

    @property
    def waiting_time(self) -> datetime | None:
        return _moment(self.waiting_from) if self.waiting_from else None


def find(
    logs: LogQuerySet,
    query: Query,
    start: UUID | None,
    wanted: int,
    *,
    newer: bool = False,
    budget_ms: int,
    everything: bool = False,
) -> Findings:
    """At most ``wanted`` logs of the selection that match, from ``start`` on (not included): older ones, the newest
    first, or newer ones, the oldest first. ``everything``: logs that are indexed in part are looked at, all of them."""
    return _Search(logs, query, start, wanted, newer, budget_ms, everything).run()


def check(query: Query, logs: Sequence[Log]) -> dict[UUID, Match]:
    """Those of a few logs of one workspace that match, looked at without the index."""
    if not logs:
        return {}
    found = documents.read(connection, logs[0].workspace_id, [_source(log) for log in logs])
    return {document.id: Match(*document.snippet(query)) for document in found if document.matches(query)}


class _Search:
    def __init__(
        self,
        logs: LogQuerySet,
        query: Query,
        start: UUID | None,
        wanted: int,
        newer: bool,
        budget_ms: int,
        everything: bool,
    ) -> None:
        if logs.workspace_id is None:
            raise ValueError("a search is in one workspace")
        self.logs = logs.newest_first() if not newer else logs.oldest_first()
        self.workspace_id = logs.workspace_id
        self.terms = [hashed(word, self.workspace_id) for word in query.words]
        self.wanted, self.newer, self.everything = wanted, newer, everything
        self.direction = "ASC" if newer else "DESC"
        self.deadline = monotonic() + budget_ms / 1000
        self.low, self.high = _bounds(logs, start, newer)
        self.found = Findings(query, reached=self.low if newer else self.high)
        self.waiting: list[UUID] = []

    def run(self) -> Findings:
        self.waiting = self._waiting()
        if self._search():
            self.found.reached = None
        self._account()
        return self.found

    def _search(self) -> bool:
        """Look through window after window; whether that was all there is."""
        statement = _CANDIDATES_AND_PARTIAL if self.everything else CANDIDATES
        for low, high in self._windows():
            while low < high:
                candidates = self._ids(statement, low, high, self.terms, STEP)
                if candidates is None:
                    return False
                end = high if self.newer else low
                if len(candidates) == STEP:  # there may be more, behind the last
                    end = _after(candidates[-1]) if self.newer else candidates[-1]
                area = (low, end) if self.newer else (end, high)
                waiting = [id for id in self.waiting if area[0] <= id < area[1]]
                together = list(dict.fromkeys(merge(candidates, waiting, reverse=not self.newer)))
                for some in batched(together, documents.BATCH_LOGS):
                    if not self._look_at(some):
                        return False
                self.found.reached = end
                low, high = (end, high) if self.newer else (low, end)
        return True

    def _look_at(self, candidates: Sequence[UUID]) -> bool:
        """Look through the bodies of those that the filters let pass; whether there is time and need for more."""
        found = self.found
        selected = within(self._left_ms(), self.logs.among(candidates))
        if selected is None:
            return False
        sources = [_source(log) for log in selected]
        for log, document in zip(selected, documents.read(connection, self.workspace_id, sources), strict=True):
            found.looked_at += 1
            if document.matches(found.query):
                found.rows.append(log)
                found.matches[log.id] = Match(*document.snippet(found.query))
            found.reached = _after(log.id) if self.newer else log.id
            if len(found.rows) == self.wanted:
                return False
            if found.looked_at >= MAX_BODIES or monotonic() > self.deadline:
                return False
        found.reached = _after(candidates[-1]) if self.newer else candidates[-1]
        return True

    def _windows(self) -> Iterator[tuple[UUID, UUID]]:
        """The time to search in widening parts, beginning at the start."""
        low, high = self.low, self.high
        span = int(FIRST_WINDOW.total_seconds() * 1000)
        while low < high:
            if self.newer:
                edge = min(ids.floor(min(ids.time_ms(low) + span, ids.MAX_MS)), high)
                yield low, edge
                low = edge
            else:
                # What lies ahead (clocks of senders) is in the first one: it is no part of its width.
                newest = min(ids.time_ms(high), ids.ms_of(timezone.now()))
                edge = max(ids.floor(max(newest - span, 0)), low)
                yield edge, high
                high = edge
            span *= WINDOW_GROWTH

    def _waiting(self) -> list[UUID]:
        """The logs to be looked at without the index; where more wait, the first that is left out."""
        waiting = self._ids(_WAITING, self.low, self.high, MAX_WAITING + 1) or []
        if len(waiting) > MAX_WAITING:
            self.found.waiting_from = waiting.pop()
        return waiting

    def _account(self) -> None:
        """Count what was left out of the time that was searched."""
        found = self.found
        low, high = self.low, self.high
        if found.reached is not None:
            low, high = (low, found.reached) if self.newer else (found.reached, high)
        if found.waiting_from is not None and low <= found.waiting_from < high:
            area = (found.waiting_from, high) if self.newer else (low, _after(found.waiting_from))
            found.waiting = len(self._ids(_WAITING, *area, COUNT_CAP + 1) or [found.waiting_from])
        else:
            found.waiting_from = None
        if not self.everything:
            found.partial = len(self._ids(_PARTIAL, low, high, COUNT_CAP + 1) or [])

    def _ids(self, statement: str, *values: Any) -> list[UUID] | None:
        """The ids that a statement finds, or None where the time ran out."""

        def rows() -> Iterator[UUID]:
            with connection.cursor() as cursor:
                cursor.execute(statement.format(direction=self.direction), [self.workspace_id, *values])
                yield from (id for (id,) in cursor.fetchall())

        return within(self._left_ms(), rows())

    def _left_ms(self) -> int:
        """A little even where nothing is left: the account belongs to the answer, and each page must get on."""
        return max(int((self.deadline - monotonic()) * 1000), 50)


def _source(log: Log) -> Source:
    return Source(log.id, log.request_type, log.stream, log.request_bytes + log.response_bytes)


def _bounds(logs: LogQuerySet, start: UUID | None, newer: bool) -> tuple[UUID, UUID]:
    """The ids to search: from the first up to, not including, the second."""
    now = timezone.now()
    low = ids.floor(ids.ms_of(now - timedelta(days=settings.RETENTION_DAYS + 1)))  # nothing older is kept
    high = ids.floor(ids.ms_of(now + timedelta(days=2)))  # nothing later is accepted
    if logs.lowest is not None:
        low = max(low, logs.lowest)
    if logs.highest is not None:
        high = min(high, logs.highest)
    if start is not None and newer:
        low = max(low, _after(start))
    elif start is not None:
        high = min(high, start)
    return low, high


def _after(id: UUID) -> UUID:
    return UUID(int=id.int + 1)


def _moment(id: UUID) -> datetime:
    return datetime.fromtimestamp(ids.time_ms(id) / 1000, UTC)

"""Searching the bodies of a selection, newest first: the words of logs name candidates, and each is looked at before it
counts. All of it within a budget; what was not looked at is said, never passed over.

The first logs of the selection have their words compared one by one. That fills a page where the words are common, and
is all there is where the filters are selective. From there on the index of words is asked, which is quick for rare
words, and reads a day's worth of them for others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import merge
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from logs.storage import partitions
from logs.storage.partitions import DAY_MS
from logs.storage.search import documents
from logs.storage.search.documents import Source
from logs.storage.time_budget import within
from portkey_logs.lib import uuid7
from portkey_logs.lib.search_words import Query, Span, hashed

if TYPE_CHECKING:
    from logs.models import Log
    from logs.querysets import LogQuerySet

MAX_BODIES = 2_000  # that are looked at, as many as fit into the budget where they are small
# Logs of the selection whose words are compared before the index is asked: some 10 ms, and a page of 50 is full where
# one in 20 has the words.
MAX_COMPARED = 1_000
COMPARE_MS = 100  # that filters without an index may take to find so many
STEP = MAX_BODIES  # candidates that are fetched at once
FIRST = 100  # of them that are looked at before the others are filtered: mostly they fill the page
# Logs without their words yet, the newest of which are looked at as they are: those of some seconds in a busy
# installation, where the worker is not behind. More would take the budget from those that are indexed.
MAX_WAITING = 300
COUNT_CAP = 10_000  # of what was left out
# Of the parts in which the index is asked. It has no order within a partition: less than a day costs a rare word as
# much. Only where it is unknown whether the words are rare, an hour comes first, which can be read by its ids.
FIRST_MS, UNKNOWN_MS = DAY_MS, DAY_MS // 24
GROWTH = 4  # 1, 4, 16, … days: few statements for a rare word, few candidates too many for another

# Compared row by row: as a condition of a join the planner would ask the index, however common the words are.
_COMPARED = """
SELECT id, has_words, number FROM (
    SELECT first.id, row_number() OVER (ORDER BY first.id {direction}) AS number, (
        SELECT terms @> %s::int4[] OR (is_partial AND %s) FROM log_terms
        WHERE workspace_id = %s AND log_terms.id = first.id AND log_terms.id >= %s AND log_terms.id < %s
    ) AS has_words FROM ({selection}) first
) compared WHERE has_words OR number = %s ORDER BY number"""
# Materialised: with a limit in sight the planner would walk the newest rows and compare the words of each.
CANDIDATES = """
WITH candidate AS MATERIALIZED (
    SELECT id FROM log_terms WHERE workspace_id = %s AND id >= %s AND id < %s AND terms @> %s::int4[]
) SELECT id FROM candidate ORDER BY id {direction} LIMIT %s"""
_CANDIDATES_AND_PARTIAL = CANDIDATES.replace("terms @> %s::int4[]", "(terms @> %s::int4[] OR is_partial)")
_WAITING = """
SELECT id FROM index_queue WHERE workspace_id = %s AND id >= %s AND id < %s ORDER BY id {direction} LIMIT %s"""
LAST = UUID(int=(1 << 128) - 1)  # a cursor may be any id
_SOURCE = ("id", "request_type", "stream", "request_bytes", "response_bytes")
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


def check(query: Query, logs: Sequence[Log], budget_ms: int) -> tuple[dict[UUID, Match], bool]:
    """Those of a few logs of one workspace that match, looked at in their order without the index, and whether there
    was time for all of them."""
    if not logs:
        return {}, True
    deadline = monotonic() + budget_ms / 1000
    matches: dict[UUID, Match] = {}
    for document in documents.read(connection, logs[0].workspace_id, [_source(log) for log in logs]):
        if document.matches(query):
            matches[document.id] = Match(*document.snippet(query))
        if monotonic() > deadline:
            return matches, document.id == logs[-1].id
    return matches, True


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
        # Everything up to here was searched, and is to be up to there.
        self.at, self.end = (self.low, self.high) if newer else (self.high, self.low)
        self.found = Findings(query)
        self.waiting: list[UUID] = []

    def run(self) -> Findings:
        self.waiting = self._waiting()
        self.found.reached = None if self._search() else self.at
        if self.found.matches:
            self.found.rows = list(self.logs.among(list(self.found.matches)))
        self._account()
        return self.found

    def _search(self) -> bool:
        """Look through one part of the time after the other; whether that was all there is."""
        for candidates, end in self._parts():
            low, high = self._rest(until=end)
            waiting = [id for id in self.waiting if low <= id < high]
            together = list(dict.fromkeys(merge(candidates, waiting, reverse=not self.newer)))
            for some in (together[:FIRST], together[FIRST:]):
                if some and not self._look_at(some):
                    return False
            self.at = end
            if monotonic() > self.deadline:
                break
        return self._is_done()

    def _parts(self) -> Iterator[tuple[Sequence[UUID], UUID]]:
        """Candidates, and up to where these are all there are: each part begins where the search is then."""
        compared = self._compared()
        if compared:
            yield compared
        statement = _CANDIDATES_AND_PARTIAL if self.everything else CANDIDATES
        span_ms = FIRST_MS if compared else UNKNOWN_MS
        while not self._is_done():
            edge = self._edge(span_ms)
            candidates = self._ids(statement, *self._rest(until=edge), self.terms, STEP)
            if candidates is None:
                return
            if len(candidates) == STEP:  # there may be more, behind the last
                yield candidates, self._behind(candidates[-1])
            else:
                yield candidates, edge
                span_ms *= GROWTH

    def _compared(self) -> tuple[Sequence[UUID], UUID] | None:
        """Those of the first logs of the selection that have the words; None where the filters need too long."""
        low, high = self._rest()
        first = self.logs.filter(id__gte=low, id__lt=high).values_list("id")[:MAX_COMPARED]
        selection, params = first.query.sql_with_params()
        compared = self._fetch(
            _COMPARED.format(direction=self.direction, selection=selection),
            [self.terms, self.everything, self.workspace_id, low, high, *params, MAX_COMPARED],
            min(self._left_ms(), COMPARE_MS),
        )
        if compared is None:
            return None
        is_cut = bool(compared) and compared[-1][2] == MAX_COMPARED
        end = self._behind(compared[-1][0]) if is_cut else self.end
        return [id for id, has_words, _ in compared if has_words], end

    def _look_at(self, candidates: Sequence[UUID]) -> bool:
        """Look through the bodies of those that the filters let pass; whether there is time and need for more."""
        found = self.found
        selected = within(self._left_ms(), self.logs.among(candidates).values_list(*_SOURCE))
        if selected is None:
            return False
        sources = [Source(id, type, stream, asked + answered) for id, type, stream, asked, answered in selected]
        for document in documents.read(connection, self.workspace_id, sources):
            found.looked_at += 1
            if document.matches(found.query):
                found.matches[document.id] = Match(*document.snippet(found.query))
            self.at = self._behind(document.id)
            if len(found.matches) == self.wanted:
                return False
            if found.looked_at >= MAX_BODIES or monotonic() > self.deadline:
                return False
        self.at = self._behind(candidates[-1])
        return True

    def _rest(self, *, until: UUID | None = None) -> tuple[UUID, UUID]:
        """What is not searched yet, or the next part of it: ids from the first up to, not including, the second."""
        until = until or self.end
        return (self.at, until) if self.newer else (until, self.at)

    def _is_done(self) -> bool:
        low, high = self._rest()
        return low >= high

    def _behind(self, id: UUID) -> UUID:
        """The end of a part that has this log last."""
        return _after(id) if self.newer else id

    def _edge(self, span_ms: int) -> UUID:
        """Where a part so wide ends: one of days at midnight (UTC), as partitions do, others at a full hour."""
        unit = DAY_MS if span_ms >= DAY_MS else UNKNOWN_MS
        if self.newer:
            edge_ms = (uuid7.time_ms(self.at) + span_ms) // unit * unit
            return min(uuid7.floor(min(edge_ms, uuid7.MAX_MS)), self.high)
        # What lies ahead (clocks of senders) is in the first one: it is no part of its width.
        newest = min(uuid7.time_ms(self.at), uuid7.ms_of(timezone.now()))
        edge_ms = -(-(newest - span_ms) // unit) * unit
        return max(uuid7.floor(max(edge_ms, 0)), self.low)

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
        found = self._fetch(statement.format(direction=self.direction), [self.workspace_id, *values], self._left_ms())
        return None if found is None else [id for (id,) in found]

    def _fetch(self, statement: str, values: Sequence[Any], ms: int) -> list[Any] | None:
        """The rows of a statement, or None where it took longer than ``ms``."""

        def rows() -> Iterator[Any]:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                yield from cursor.fetchall()

        return within(ms, rows())

    def _left_ms(self) -> int:
        """A little even where nothing is left: the account belongs to the answer, and each page must get on."""
        return max(int((self.deadline - monotonic()) * 1000), 50)


def _source(log: Log) -> Source:
    return Source(log.id, log.request_type, log.stream, log.request_bytes + log.response_bytes)


def _bounds(logs: LogQuerySet, start: UUID | None, newer: bool) -> tuple[UUID, UUID]:
    """The ids to search: from the first up to, not including, the second."""
    now = timezone.now()
    low = uuid7.floor(partitions.oldest_kept(uuid7.ms_of(now)))
    high = uuid7.floor(uuid7.ms_of(now + timedelta(days=2)))  # nothing later is accepted
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
    return UUID(int=min(id.int + 1, LAST.int))


def _moment(id: UUID) -> datetime:
    return datetime.fromtimestamp(uuid7.time_ms(id) / 1000, UTC)

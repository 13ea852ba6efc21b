"""Pages of the list: keyset by id, newest first. Never OFFSET, never an uncapped COUNT."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

from django.utils import timezone

from logs.models import Log
from logs.querysets import LogQuerySet
from logs.storage import partitions
from logs.storage.search.find import Findings, find
from logs.storage.time_budget import within
from portkey_logs.lib import uuid7
from portkey_logs.lib.search_words import Query

PAGE_SIZE = 50
WALK_BUDGET_MS = 300  # what a person does not notice as a wait
FIRST_WINDOW = timedelta(hours=1)
WINDOW_GROWTH = 4  # 1 h, 4 h, 16 h …: eight windows cover 30 days
COUNT_CAP = 10_000
COUNT_BUDGET_MS = 300
SEARCH_BUDGET_MS = 500  # a person who searches waits that long without wondering
BESIDE_BUDGET_MS = 100  # to find the matches beside an open log, each: nobody waits for arrows


class BadCursor(ValueError):
    """The cursor is none that we gave out."""


@dataclass(frozen=True)
class Cursor:
    """Where a page starts: beside the log ``id``, on its older or its newer side."""

    id: UUID
    newer: bool = False

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """None for an empty text; raises BadCursor."""
        if not text:
            return None
        try:
            return cls(UUID(text.removeprefix("newer-")), newer=text.startswith("newer-"))
        except ValueError as error:
            raise BadCursor(text) from error

    def __str__(self) -> str:
        return f"newer-{self.id}" if self.newer else str(self.id)


@dataclass
class Page:
    """Rows, newest first. ``searched_back_to`` is set where the budget ended before the search did.

    ``findings`` says what a search in bodies found, and what it left out.
    """

    rows: list[Log] = field(default_factory=list)
    older: Cursor | None = None
    newer: Cursor | None = None
    searched_back_to: datetime | None = None
    findings: Findings | None = None


def fetch_page(
    logs: LogQuerySet,
    cursor: Cursor | None = None,
    *,
    size: int = PAGE_SIZE,
    from_index: bool = True,
    budget_ms: int | None = None,
) -> Page:
    """One page of ``logs``. Filters that no index answers are walked in widening windows under a budget, and bodies
    are searched under one; ``budget_ms`` is for whoever has more time than a person."""
    if logs.search is not None:
        return _fetch_found(logs, logs.search, cursor, size, budget_ms)
    if from_index:
        rows, reached = list(_beside(logs, cursor)[: size + 1]), None
    else:
        rows, reached = _walk(logs, cursor, size + 1, budget_ms or WALK_BUDGET_MS)
    return _newer_page(rows, size, reached) if cursor and cursor.newer else _page(rows, cursor, size, reached)


def _page(rows: list[Log], cursor: Cursor | None, size: int, reached: UUID | None) -> Page:
    """The page of what was found from the cursor on, newest first; ``reached`` as of ``_walk``."""
    more, rows = len(rows) > size, rows[:size]
    page = Page(rows)
    if more:
        page.older = Cursor(rows[-1].id)
    elif reached is not None:
        page.older = Cursor(reached)
        page.searched_back_to = datetime.fromtimestamp(uuid7.time_ms(reached) / 1000, UTC)
    if cursor:
        page.newer = Cursor(rows[0].id if rows else cursor.id, newer=True)
    return page


def _newer_page(rows: list[Log], size: int, reached: UUID | None) -> Page:
    """As ``_page``, of what was found oldest first."""
    more, rows = len(rows) > size, rows[:size][::-1]
    beyond = rows[0].id if more else reached
    page = Page(rows, newer=Cursor(beyond, newer=True) if beyond else None)
    if rows:
        page.older = Cursor(rows[-1].id)
    return page


def _fetch_found(logs: LogQuerySet, query: Query, cursor: Cursor | None, size: int, budget_ms: int | None) -> Page:
    """One page of a search in bodies."""
    newer = cursor is not None and cursor.newer
    findings = find(
        logs,
        query,
        cursor.id if cursor else None,
        size + 1,
        newer=newer,
        budget_ms=budget_ms or SEARCH_BUDGET_MS,
        everything=budget_ms is not None,
    )
    rows, reached = findings.rows, findings.reached
    page = _newer_page(rows, size, reached) if newer else _page(rows, cursor, size, reached)
    page.findings = findings
    return page


def _beside(logs: LogQuerySet, cursor: Cursor | None) -> LogQuerySet:
    """The logs on the cursor's side, in the order in which one walks from there."""
    if cursor is None:
        return logs.newest_first()
    return logs.newer_than(cursor.id).oldest_first() if cursor.newer else logs.older_than(cursor.id).newest_first()


def _walk(logs: LogQuerySet, cursor: Cursor | None, wanted: int, budget_ms: int) -> tuple[list[Log], UUID | None]:
    """Rows found in the order of the walk, and the id as far as which everything was searched (None: to the end)."""
    now = timezone.now()
    oldest_ms = partitions.oldest_kept(uuid7.ms_of(now))
    latest_ms = uuid7.ms_of(now + timedelta(days=2))  # nothing later is accepted
    newer = cursor is not None and cursor.newer
    at = min(cursor.id, uuid7.floor(latest_ms)) if cursor else uuid7.floor(latest_ms)
    direction, end, ahead = (1, uuid7.floor(latest_ms), "id__lte") if newer else (-1, uuid7.floor(oldest_ms), "id__gte")
    deadline = monotonic() + budget_ms / 1000
    span_ms = int(FIRST_WINDOW.total_seconds() * 1000)
    rows: list[Log] = []
    while at < end if newer else at > end:
        edge = uuid7.floor(min(max(uuid7.time_ms(at) + direction * span_ms, oldest_ms), latest_ms))
        window = _beside(logs, Cursor(at, newer)).filter(**{ahead: edge})
        left_ms = int((deadline - monotonic()) * 1000)
        found = within(left_ms, window[: wanted - len(rows)]) if left_ms > 0 else None
        if found is None:
            return rows, at
        rows += found
        if len(rows) >= wanted:
            break
        at, span_ms = edge, span_ms * WINDOW_GROWTH
    return rows, None


def capped_count(logs: LogQuerySet) -> int | None:
    """How many logs, at most COUNT_CAP + 1 ("10,000+"); None where it would take longer than its budget."""
    if logs.search is not None:
        return None  # to count them is to look at all of them
    counted = within(COUNT_BUDGET_MS, logs.order_by().values_list("id")[: COUNT_CAP + 1])
    return None if counted is None else len(counted)


def neighbours(logs: LogQuerySet, id: UUID, *, from_index: bool) -> tuple[UUID | None, UUID | None]:
    """The ids of the next older and the next newer log of the selection, as far as the budget finds them."""
    if logs.search is not None:
        beside = [
            find(logs, logs.search, id, 1, newer=newer, budget_ms=BESIDE_BUDGET_MS).rows for newer in (False, True)
        ]
        (older_id, newer_id) = (rows[0].id if rows else None for rows in beside)
        return older_id, newer_id
    older = fetch_page(logs, Cursor(id), size=1, from_index=from_index).rows
    budget = None if from_index else WALK_BUDGET_MS
    newer = logs.newer_than(id).oldest_first()[:1]
    found = list(newer) if budget is None else within(budget, newer) or []
    return older[0].id if older else None, found[0].id if found else None

"""What has arrived since somebody last looked. Logs come late, with ids older than what a reader has seen: whatever
follows them goes by the time of their receipt, looks back a little, and knows again what it has seen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from logs.explorer.pagination import SEARCH_BUDGET_MS
from logs.models import Log
from logs.querysets import LogQuerySet
from logs.storage.search.find import Match, check
from logs.storage.time_budget import within

OVERLAP = timedelta(seconds=30)  # between the time of receipt and the commit that makes a log visible
LONGEST = timedelta(minutes=5)  # whoever was away for longer loads the list anew
MOST = 100  # rows of one answer: two pages, more are not read one by one
KNOWN_MOST = 400  # ids of the overlap that an address has room for
KNOWN_LENGTH = 8  # their last hexadecimal digits, random ones
BUDGET_MS = 300  # as the walk of a page; it is asked again and again


@dataclass
class Arrivals:
    """Logs that were not known, newest first; ``has_more``: these may not be all. ``until`` is where to go on."""

    until: datetime
    rows: list[Log] = field(default_factory=list)
    matches: dict[UUID, Match] = field(default_factory=dict)
    has_more: bool = False


def since(logs: LogQuerySet, moment: datetime, known: Collection[str]) -> Arrivals:
    """The logs of the selection that arrived after ``moment``, a little before it included, without the known ones."""
    now = timezone.now()
    arrivals = Arrivals(now, has_more=now - moment > LONGEST)
    recent = logs.received_after(max(moment, now - LONGEST) - OVERLAP)[: MOST + len(known) + 1]
    found = within(BUDGET_MS, recent)
    rows = [log for log in found or [] if log.id.hex[-KNOWN_LENGTH:] not in known]
    arrivals.has_more |= found is None or len(rows) > MOST
    rows = rows[:MOST]
    if logs.search is not None:
        arrivals.matches, looked_at_all = check(logs.search, rows, SEARCH_BUDGET_MS)
        arrivals.has_more |= not looked_at_all
        rows = [log for log in rows if log.id in arrivals.matches]
    arrivals.rows = sorted(rows, key=lambda log: log.id, reverse=True)
    return arrivals


# Whoever inserts logs locks ``log`` first and reads the clock then (``ingest.storage``).
_WRITES_FROM_BEFORE = """
SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_stat_activity AS writer USING (pid)
    WHERE locktype = 'relation' AND relation = 'log'::regclass AND mode = 'RowExclusiveLock' AND granted
        AND pg_locks.database = writer.datid AND writer.datname = current_database() AND pid <> pg_backend_pid()
        AND coalesce(writer.xact_start <= %s, true) -- not told of the sessions of other roles
)
"""


def all_visible(moment: datetime) -> bool:
    """Whether each log that was received up to a moment of the past, by the database's clock, can be seen or never
    will be: no transaction is open that may have given a log such a time."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITES_FROM_BEFORE, [moment])
        (still_written,) = cursor.fetchone()
    return not still_written

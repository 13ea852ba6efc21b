"""Partitions of the log tables by time: the id is a UUIDv7, so a range of ids is a range of time.

No DEFAULT partition: with one, "the newest 50" would have to open every partition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations import CreateModel
from django.db.utils import OperationalError
from psycopg.errors import LockNotAvailable

from portkey_logs.lib import uuid7

DAY_MS = 24 * 3600 * 1000
AHEAD_DAYS = 7  # a worker that is down over a long week-end does no harm
FUTURE_MS = DAY_MS  # clocks of senders are wrong by hours (time zones), not by days
DAILY_UP_TO_DAYS = 60  # beyond, planning time grows with the number of partitions: weeks
MONDAY_MS = 4 * DAY_MS  # the epoch was a Thursday: weeks start on the Monday after it
FOREVER_MS = 1 << 48  # the end of a UUIDv7's time

TABLES = ("log", "log_body", "log_terms")
_LOCK = 0x706C6F67_01  # advisory lock: one process at a time makes or drops partitions
# What ``LIKE`` does not copy. Each label must be in the statistics, or the planner walks the list for rare ones.
# Those of hashed words would take a minute a day to gather and tell nothing: searches name their index.
_STATISTICS = {
    "log": "ALTER COLUMN labels SET STATISTICS 1000",
    "log_terms": "ALTER COLUMN terms SET STATISTICS 0",
}


class CreatePartitionedModel(CreateModel):
    """CreateModel whose table is ``PARTITION BY RANGE (id)``; it has no partition yet."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):  # type: ignore[no-untyped-def]
        template = schema_editor.sql_create_table
        schema_editor.sql_create_table = template + " PARTITION BY RANGE (id)"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = template


class Partition(NamedTuple):
    """One partition: ids of events from ``start_ms`` up to, not including, ``end_ms`` (UTC)."""

    name: str
    start_ms: int
    end_ms: int


def accepted_window(now_ms: int) -> tuple[int, int]:
    """The event times (UTC, ms) a log may have now: within retention, at most a day ahead."""
    return now_ms - settings.RETENTION_DAYS * DAY_MS, now_ms + FUTURE_MS


def oldest_kept(now_ms: int) -> int:
    """The event time (UTC, ms) before which there are no logs: a partition, a week at most, goes as a whole."""
    return now_ms - (settings.RETENTION_DAYS + 7) * DAY_MS


def existing(cursor: CursorWrapper, table: str) -> list[Partition]:
    """The partitions of ``table``, oldest first."""
    cursor.execute(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass AND NOT i.inhdetachpending",
        [table],
    )
    found = []
    for name, bounds in cursor.fetchall():
        match = re.fullmatch(r"FOR VALUES FROM \((.+)\) TO \((.+)\)", bounds)
        if match is None:
            raise ValueError(f"{name} is not a partition by range: {bounds}")
        found.append(Partition(name, _bound_ms(match[1]), _bound_ms(match[2])))
    return sorted(found, key=lambda partition: partition.start_ms)


def ensure(connection: BaseDatabaseWrapper, from_ms: int, to_ms: int) -> None:
    """Make the partitions that events from ``from_ms`` to ``to_ms`` (UTC, both included) need.

    Does nothing where they exist; any number of processes may call it at once. Only new tables
    are locked against readers: a table is made first and attached then. ``connection``, here and below, is
    this thread's own.
    """
    width = _width_ms()
    starts = range(_floor(from_ms, width), to_ms + 1, width)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if not any(_missing(cursor, table, starts, width) for table in TABLES):
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for table in TABLES:
            for start, end in _missing(cursor, table, starts, width):  # asked again: now nobody else makes them
                _create(cursor, table, start, end)


def ensure_for(connection: BaseDatabaseWrapper, times_ms: Iterable[int]) -> None:
    """Make the partitions of these event times (UTC, ms), and none for the time between them."""
    width = _width_ms()
    for start in sorted({_floor(ms, width) for ms in times_ms}):
        ensure(connection, start, start + width - 1)


def ahead(connection: BaseDatabaseWrapper, now_ms: int) -> None:
    """Make today's partitions and those of the next days, so that no insert has to wait for one."""
    ensure(connection, now_ms, now_ms + AHEAD_DAYS * DAY_MS)


def drop_expired(connection: BaseDatabaseWrapper, now_ms: int) -> list[str]:
    """Drop the partitions that lie wholly before the retention; returns their names.

    One that is in use just then is left for the next call: waiting for it would make every other query wait.
    """
    horizon = now_ms - settings.RETENTION_DAYS * DAY_MS
    with connection.cursor() as cursor:
        expired = [(table, p) for table in TABLES for p in existing(cursor, table) if p.end_ms <= horizon]
    dropped = []
    for table, partition in expired:
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
                cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {partition.name}")
                cursor.execute(f"DROP TABLE {partition.name}")
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
        else:
            dropped.append(partition.name)
    return dropped


def _width_ms() -> int:
    return DAY_MS if settings.RETENTION_DAYS <= DAILY_UP_TO_DAYS else 7 * DAY_MS


def _floor(ms: int, width: int) -> int:
    """The start of the day or of the week (Monday) that ``ms`` is in."""
    offset = MONDAY_MS if width > DAY_MS else 0
    return (ms - offset) // width * width + offset


def _missing(cursor: CursorWrapper, table: str, starts: Iterable[int], width: int) -> list[tuple[int, int]]:
    """The spans without a partition; one is shorter where older partitions of another width reach into it."""
    partitions = existing(cursor, table)
    missing = []
    for start in starts:
        end = start + width
        inside = [p for p in partitions if p.start_ms < end and p.end_ms > start]
        for partition in inside:
            if partition.start_ms > start:
                missing.append((start, partition.start_ms))
            start = partition.end_ms
        if start < end:
            missing.append((start, end))
    return missing


def _create(cursor: CursorWrapper, table: str, start_ms: int, end_ms: int) -> None:
    name = f"{table}_p{datetime.fromtimestamp(start_ms / 1000, UTC):%Y%m%d}"
    cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
    if table in _STATISTICS:
        cursor.execute(f"ALTER TABLE {name} {_STATISTICS[table]}")
    cursor.execute(
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
        [str(uuid7.floor(start_ms)), str(uuid7.floor(end_ms))],
    )


def _bound_ms(text: str) -> int:
    if text == "MINVALUE":
        return 0
    if text == "MAXVALUE":
        return FOREVER_MS
    return uuid7.time_ms(UUID(text.strip("'")))

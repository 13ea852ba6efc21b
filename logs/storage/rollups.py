"""Sums over time, so that charts and totals never read logs.

A writer appends the sums of each batch in the batch's own transaction; the worker folds the rows of one
bucket into one per key; a reader adds up whatever is there, folded or not. So the sums are exact at any
moment, and no writer ever waits for another one's row.

Months are read from days: what is folded in a short bucket is added to its day in the same statement. So a day
is its row in the table of days and what is not folded yet, and that too is exact at any moment.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import DataError, IntegrityError, InternalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from logs.llm.vocabulary import FROM_CACHE
from logs.record import LogRecord
from portkey_logs.lib import uuid7

logger = logging.getLogger(__name__)

QUARTER_MS = 15 * 60 * 1000
HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS

# Latency steps: each is 10% wider than the one before, so its geometric middle is at most 4.9% away
# from any value inside. 227 of them reach past the 24 days that fit the column.
STEP_GROWTH = 1.1
STEP_STARTS = [STEP_GROWTH**i for i in range(227)]

# Folding rewrites a bucket, so a busy one waits until it has twice the rows that it needs, and at least these: a row
# is then rewritten a few times in all, not once a round. A finished one is folded at once.
FOLD_ROWS = 500
FOLD_BUCKETS = 200  # per call and table, so that the worker comes round to its other duties
FOLD_AGAIN = timedelta(minutes=15)  # for a bucket that could not be folded: rare enough not to flood the log
_failed: dict[str, dict[tuple[int, datetime], datetime]] = {}  # table -> (workspace, bucket) -> until when it waits

_METADATA = "meta."
SEPARATOR = "\x1f"  # between the parts of an option's value; no header can hold it

type Rows = Iterable[tuple[tuple[Any, ...], tuple[Any, ...]]]  # (key, sums)


class RollupTable(NamedTuple):
    """A rollup table: its columns after workspace and bucket that make the key, and those that add up.

    ``rows`` gives the rows of one record; the declared metadata keys of its workspace are its second argument.
    ``spans``: the rows also say when their first and their last log was.
    """

    table: str
    bucket_ms: int
    keys: dict[str, str]  # name -> PostgreSQL type
    sums: dict[str, str]
    rows: Callable[[LogRecord, Collection[str]], Rows]
    spans: bool = True

    @property
    def aggregates(self) -> dict[str, str]:
        """Each column that folding combines, and how."""
        ends = {"first_at": "min", "last_at": "max"} if self.spans else {}
        return dict.fromkeys(self.sums, "sum") | ends

    @property
    def columns(self) -> dict[str, str]:
        """All columns as a writer fills them, with their types."""
        fixed = {"workspace_id": "int8", "id": "uuid", "bucket": "timestamptz", "folded": "bool"}
        ends = {"first_at": "timestamptz", "last_at": "timestamptz"} if self.spans else {}
        return fixed | self.keys | self.sums | ends

    @property
    def days(self) -> RollupTable:
        """The same by days: every folded row of the short buckets is in it."""
        return self._replace(table=f"{self.table}_day", bucket_ms=DAY_MS)


def latency_step(ms: int) -> int:
    """The number of the step that a latency (ms) is in: 0 for less than 1 ms, see STEP_GROWTH."""
    return bisect_right(STEP_STARTS, ms)


def step_bounds(step: int) -> tuple[float, float]:
    """A step's latencies: from (included) and to (excluded), ms."""
    low = STEP_STARTS[step - 1] if step else 0.0
    high = STEP_STARTS[step] if step < len(STEP_STARTS) else float("inf")
    return low, high


def costs(record: LogRecord) -> tuple[Decimal, Decimal]:
    """Cents spent and cents saved: an answer out of the cache costs nothing and saves its price."""
    cost = record.cost or Decimal(0)
    if record.gateway.cache_status in FROM_CACHE:
        return Decimal(0), cost
    return cost, Decimal(0)


def metadata_dimension(key: str) -> str:
    """The dimension of a declared metadata key."""
    return _METADATA + key


def metadata_key(dimension: str) -> str:
    """The metadata key that a dimension is about; empty for the others."""
    return dimension.removeprefix(_METADATA) if dimension.startswith(_METADATA) else ""


def option_value(option_path: str, config: str | None) -> str:
    """The value of the dimension ``option``: which option of which config (None: one without a slug) served."""
    return f"{option_path}{SEPARATOR}{config or ''}"


def option_of(value: str) -> tuple[str, str | None]:
    """The option's path and its config's slug; turns ``option_value`` around."""
    path, _, config = value.partition(SEPARATOR)
    return path, config or None


def is_option_path(path: str) -> bool:
    """Whether it is one as gateways give it; anybody may send a header."""
    return re.fullmatch(r"config(\.targets\[\d{1,3}\])*", path) is not None


def _core(record: LogRecord, metadata_keys: Collection[str]) -> Rows:
    gateway = record.gateway
    key = (
        record.provider,
        record.model,
        record.request_type,
        record.status_code,
        record.is_success,
        gateway.cache_status,
        gateway.retry_status,
        gateway.retry_count,
        gateway.fallback_status,
        gateway.loadbalance_status,
    )
    yield key, _sums(record)


def _dimensions(record: LogRecord, metadata_keys: Collection[str]) -> Rows:
    path = record.gateway.option_path
    values = {
        "user": record.user,
        "config": record.config,
        "prompt": record.prompt,
        "api_key": None if record.api_key_id is None else str(record.api_key_id),
        "virtual_key": record.virtual_key,
        "error_type": record.error_type,
        "option": None if path is None else option_value(path, record.config),
        **{metadata_dimension(key): record.metadata.get(key) for key in metadata_keys},
    }
    from_cache = record.gateway.cache_status in FROM_CACHE
    sums = (*_sums(record), int(not record.is_success), int(from_cache))
    return [((name, value), sums) for name, value in values.items() if value is not None]


def _latency(record: LogRecord, metadata_keys: Collection[str]) -> Rows:
    if record.latency_ms is not None:
        yield (record.model, latency_step(record.latency_ms)), (1,)


def _sums(record: LogRecord) -> tuple[Any, ...]:
    """In the order of _SUMS."""
    return (
        1,
        record.input_tokens or 0,
        record.output_tokens or 0,
        record.total_tokens or 0,
        *costs(record),
        int(record.cost is None),
        record.latency_ms or 0,
        int(record.latency_ms is not None),
    )


_SUMS = {
    "requests": "int8",
    "input_tokens": "int8",
    "output_tokens": "int8",
    "total_tokens": "int8",
    "cost_spent": "numeric",
    "cost_saved": "numeric",
    "unpriced": "int8",
    "latency_ms": "int8",
    "latency_requests": "int8",
}
CORE = RollupTable(
    "rollup_core",
    QUARTER_MS,
    {
        "provider": "text",
        "model": "text",
        "request_type": "varchar",
        "status_code": "int2",
        "is_success": "bool",
        "cache_status": "varchar",
        "retry_status": "varchar",
        "retry_count": "int2",
        "fallback_status": "varchar",
        "loadbalance_status": "varchar",
    },
    _SUMS,
    _core,
)
DIM = RollupTable(
    "rollup_dim",
    HOUR_MS,
    {"dimension": "text", "value": "text"},
    _SUMS | {"failures": "int8", "cache_hits": "int8"},
    _dimensions,
)
LATENCY = RollupTable(
    "rollup_latency", HOUR_MS, {"model": "text", "step": "int2"}, {"requests": "int8"}, _latency, spans=False
)
ROLLUPS = (CORE, DIM, LATENCY)


def declared_keys(cursor: CursorWrapper, records: Iterable[LogRecord]) -> dict[int, set[str]]:
    """The metadata keys that are rolled up, by workspace, of the workspaces of these records."""
    cursor.execute(
        "SELECT workspace_id, key FROM metadata_key WHERE workspace_id = ANY(%s)",
        [list({record.workspace_id for record in records})],
    )
    found: dict[int, set[str]] = {}
    for workspace_id, key in cursor.fetchall():
        found.setdefault(workspace_id, set()).add(key)
    return found


def deltas(
    rollup: RollupTable, records: Sequence[LogRecord], metadata_keys: Mapping[int, Collection[str]]
) -> list[tuple[Any, ...]]:
    """The rows to append for these records: one per key, in the order of ``rollup.columns``.

    ``metadata_keys`` are the declared ones by workspace, see ``declared_keys``.
    """
    totals: dict[tuple[Any, ...], tuple[list[Any], int, int]] = {}
    for record in records:
        time_ms = uuid7.time_ms(record.id)
        bucket = time_ms // rollup.bucket_ms * rollup.bucket_ms
        for key, sums in rollup.rows(record, metadata_keys.get(record.workspace_id, ())):
            full_key = (record.workspace_id, bucket, *key)
            if known := totals.get(full_key):
                total, first, last = known
                added = [a + b for a, b in zip(total, sums, strict=True)]
                totals[full_key] = added, min(first, time_ms), max(last, time_ms)
            else:
                totals[full_key] = list(sums), time_ms, time_ms
    return [
        (workspace_id, uuid7.uuid7(), _utc(bucket), False, *key, *sums, *((_utc(first), _utc(last)) * rollup.spans))
        for (workspace_id, bucket, *key), (sums, first, last) in totals.items()
    ]


def fold(connection: BaseDatabaseWrapper, now: datetime) -> int:
    """Fold the buckets that are worth it; returns how many. Safe beside any number of writers.

    Each bucket is one transaction of its own. Rows appended meanwhile are not seen by it and stay for the next. A
    bucket that cannot be folded (a sum that fits no column) holds up no other: it is logged, and tried again later.
    """
    folded = 0
    for rollup in ROLLUPS:
        for table, statement in (
            (rollup, _fold_statement(rollup, rollup.days)),
            (rollup.days, _fold_statement(rollup.days)),
        ):
            failed = _failed.setdefault(table.table, {})
            with connection.cursor() as cursor:
                buckets = _to_fold(cursor, table, now, {key for key, until in failed.items() if now < until})
            for key in buckets:
                try:
                    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                        cursor.execute(statement, key)
                except (DataError, IntegrityError, InternalError):
                    failed[key] = now + FOLD_AGAIN
                    logger.exception("%s cannot fold (workspace, bucket) %s, which reads slowly", table.table, key)
                else:
                    failed.pop(key, None)
                    folded += 1
    return folded


def _to_fold(
    cursor: CursorWrapper, rollup: RollupTable, now: datetime, but: Collection[tuple[int, datetime]]
) -> list[tuple[int, datetime]]:
    """The buckets that are worth it, the oldest first, without ``but``."""
    current = now - timedelta(milliseconds=rollup.bucket_ms)
    cursor.execute(
        f"SELECT workspace_id, bucket FROM {rollup.table} AS new WHERE NOT folded GROUP BY 1, 2"  # noqa: S608
        f" HAVING bucket < %s OR count(*) >= %s AND count(*) >= (SELECT count(*) FROM {rollup.table} AS old"
        " WHERE old.workspace_id = new.workspace_id AND old.bucket = new.bucket AND old.folded)"
        " ORDER BY bucket LIMIT %s",
        [current, FOLD_ROWS, FOLD_BUCKETS + len(but)],
    )
    return [key for key in cursor.fetchall() if key not in but][:FOLD_BUCKETS]


def _fold_statement(rollup: RollupTable, days: RollupTable | None = None) -> str:
    """One row per key in place of all of a bucket's rows; those that were not folded before are added to the day."""
    keys, values = ", ".join(rollup.keys), ", ".join(rollup.aggregates)
    combined = ", ".join(f"{how}({name})" for name, how in rollup.aggregates.items())
    up = (
        f", up AS (INSERT INTO {days.table} (workspace_id, id, bucket, folded, {keys}, {values})"  # noqa: S608
        f" SELECT workspace_id, gen_random_uuid(), date_bin('1 day', bucket, 'epoch'), false, {keys}, {combined}"
        f" FROM gone WHERE NOT folded GROUP BY workspace_id, bucket, {keys})"
        if days
        else ""
    )
    return (
        f"WITH gone AS (DELETE FROM {rollup.table} WHERE workspace_id = %s AND bucket = %s RETURNING *){up}"  # noqa: S608
        f" INSERT INTO {rollup.table} (workspace_id, id, bucket, folded, {keys}, {values})"
        f" SELECT workspace_id, gen_random_uuid(), bucket, true, {keys}, {combined} FROM gone"
        f" GROUP BY workspace_id, bucket, {keys}"
    )


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)

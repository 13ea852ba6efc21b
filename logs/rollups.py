"""Sums over time, so that charts and totals never read logs.

A writer appends the sums of each batch in the batch's own transaction; the worker folds the rows of one
bucket into one per key; a reader adds up whatever is there, folded or not. So the sums are exact at any
moment, and no writer ever waits for another one's row.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from logs import ids
from logs.ingest.record import LogRecord

QUARTER_MS = 15 * 60 * 1000
HOUR_MS = 3600 * 1000

# Latency steps: each is 10% wider than the one before, so its geometric middle is at most 4.9% away
# from any value inside. 227 of them reach past the 24 days that fit the column.
STEP_GROWTH = 1.1
_STEP_STARTS = [STEP_GROWTH**i for i in range(227)]

# Folding rewrites a bucket, so a busy one waits until that is worth it; a finished one is folded at once.
FOLD_ROWS = 500
FOLD_BUCKETS = 200  # per call and table, so that the worker comes round to its other duties

DIMENSIONS = ("user", "config", "prompt", "api_key", "virtual_key")


class RollupTable(NamedTuple):
    """A rollup table: its columns after workspace and bucket that make the key, and those that add up."""

    table: str
    bucket_ms: int
    keys: dict[str, str]  # name -> PostgreSQL type
    sums: dict[str, str]
    rows: Callable[[LogRecord], Iterable[tuple[tuple[Any, ...], tuple[Any, ...]]]]  # of one record: (key, sums)

    @property
    def columns(self) -> dict[str, str]:
        """All columns as a writer fills them, with their types."""
        fixed = {"workspace_id": "int8", "id": "uuid", "bucket": "timestamptz", "folded": "bool"}
        return fixed | self.keys | self.sums


def latency_step(ms: int) -> int:
    """The number of the step that a latency (ms) is in: 0 for less than 1 ms, see STEP_GROWTH."""
    return bisect_right(_STEP_STARTS, ms)


def step_bounds(step: int) -> tuple[float, float]:
    """A step's latencies: from (included) and to (excluded), ms."""
    low = _STEP_STARTS[step - 1] if step else 0.0
    high = _STEP_STARTS[step] if step < len(_STEP_STARTS) else float("inf")
    return low, high


def costs(record: LogRecord) -> tuple[Decimal, Decimal]:
    """Cents spent and cents saved: an answer out of the cache costs nothing and saves its price."""
    cost = record.cost or Decimal(0)
    if record.gateway.cache_status in ("hit", "semantic_hit"):
        return Decimal(0), cost
    return cost, Decimal(0)


def _core(record: LogRecord) -> Iterable[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    gateway = record.gateway
    key = (
        record.provider,
        record.model,
        record.request_type,
        (record.status_code or 0) // 100,
        record.is_success,
        gateway.cache_status,
        gateway.retry_status in ("success", "failed"),
        gateway.fallback_status == "triggered",
    )
    spent, saved = costs(record)
    sums = (
        1,
        record.input_tokens or 0,
        record.output_tokens or 0,
        record.total_tokens or 0,
        spent,
        saved,
        int(record.cost is None),
        record.latency_ms or 0,
        int(record.latency_ms is not None),
    )
    yield key, sums


def _dimensions(record: LogRecord) -> Iterable[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    api_key = None if record.api_key_id is None else str(record.api_key_id)
    values = (record.user, record.config, record.prompt, api_key, record.virtual_key)
    sums = (1, int(not record.is_success), record.total_tokens or 0, *costs(record))
    return [((name, value), sums) for name, value in zip(DIMENSIONS, values, strict=True) if value is not None]


def _latency(record: LogRecord) -> Iterable[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    if record.latency_ms is not None:
        yield (record.model, latency_step(record.latency_ms)), (1,)


CORE = RollupTable(
    "rollup_core",
    QUARTER_MS,
    {
        "provider": "text",
        "model": "text",
        "request_type": "varchar",
        "status_class": "int2",
        "is_success": "bool",
        "cache_status": "varchar",
        "retried": "bool",
        "fell_back": "bool",
    },
    {
        "requests": "int8",
        "input_tokens": "int8",
        "output_tokens": "int8",
        "total_tokens": "int8",
        "cost_spent": "numeric",
        "cost_saved": "numeric",
        "unpriced": "int8",
        "latency_ms": "int8",
        "latency_requests": "int8",
    },
    _core,
)
DIM = RollupTable(
    "rollup_dim",
    HOUR_MS,
    {"dimension": "varchar", "value": "text"},
    {
        "requests": "int8",
        "failures": "int8",
        "total_tokens": "int8",
        "cost_spent": "numeric",
        "cost_saved": "numeric",
    },
    _dimensions,
)
LATENCY = RollupTable("rollup_latency", HOUR_MS, {"model": "text", "step": "int2"}, {"requests": "int8"}, _latency)
ROLLUPS = (CORE, DIM, LATENCY)


def deltas(rollup: RollupTable, records: Sequence[LogRecord]) -> list[tuple[Any, ...]]:
    """The rows to append for these records: one per key, in the order of ``rollup.columns``."""
    totals: dict[tuple[Any, ...], list[Any]] = {}
    for record in records:
        bucket = ids.time_ms(record.id) // rollup.bucket_ms * rollup.bucket_ms
        for key, sums in rollup.rows(record):
            full_key = (record.workspace_id, bucket, *key)
            total = totals.get(full_key)
            totals[full_key] = list(sums) if total is None else [a + b for a, b in zip(total, sums, strict=True)]
    return [
        (workspace_id, ids.uuid7(), datetime.fromtimestamp(bucket / 1000, UTC), False, *key, *sums)
        for (workspace_id, bucket, *key), sums in totals.items()
    ]


def fold(connection: BaseDatabaseWrapper, now: datetime) -> int:
    """Fold the buckets that are worth it; returns how many. Safe beside any number of writers.

    Each bucket is one transaction of its own. Rows appended meanwhile are not seen by it and stay for the next.
    """
    folded = 0
    for rollup in ROLLUPS:
        with connection.cursor() as cursor:
            buckets = _to_fold(cursor, rollup, now)
        for workspace_id, bucket in buckets:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute(_fold_statement(rollup), [workspace_id, bucket])
            folded += 1
    return folded


def _to_fold(cursor: CursorWrapper, rollup: RollupTable, now: datetime) -> list[tuple[int, datetime]]:
    current = now - timedelta(milliseconds=rollup.bucket_ms)
    cursor.execute(
        f"SELECT workspace_id, bucket FROM {rollup.table} WHERE NOT folded GROUP BY 1, 2"  # noqa: S608
        " HAVING count(*) >= %s OR bucket < %s ORDER BY bucket LIMIT %s",
        [FOLD_ROWS, current, FOLD_BUCKETS],
    )
    return [(workspace_id, bucket) for workspace_id, bucket in cursor.fetchall()]


def _fold_statement(rollup: RollupTable) -> str:
    keys, sums = ", ".join(rollup.keys), ", ".join(rollup.sums)
    added = ", ".join(f"sum({name})" for name in rollup.sums)
    return (
        f"WITH gone AS (DELETE FROM {rollup.table} WHERE workspace_id = %s AND bucket = %s RETURNING *)"  # noqa: S608
        f" INSERT INTO {rollup.table} (workspace_id, id, bucket, folded, {keys}, {sums})"
        f" SELECT workspace_id, gen_random_uuid(), bucket, true, {keys}, {added} FROM gone"
        f" GROUP BY workspace_id, bucket, {keys}"
    )

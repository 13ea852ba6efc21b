"""Generated logs made inside the database: millions in minutes.

Some thousands of logs go through the product's own code, from the exchange to the rows of every table, and are
copied into a pool. The database then makes as many logs as are wanted out of the pool's, each with an id, a time and
a trace of its own. Their sums follow from those of the pool, so the rollups are exact.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from logs.ingest import normalise, portkey
from logs.ingest.rows import BODY_COLUMNS, LOG_COLUMNS, QUEUE_COLUMNS, copy_rows, log_row, pack
from logs.loadgen.exchanges import Maker
from logs.record import Exchange, LogRecord
from logs.storage import partitions, rollups
from logs.storage.rollups import RollupTable

POOL_LOGS = 10_000  # a user, a model or a word that is in one of them is rare at any size
CHUNK_LOGS = 50_000  # of one transaction: seconds of work
_POOLS = ("loadgen_log", "loadgen_body", *(f"loadgen_{rollup.table}" for rollup in rollups.ROLLUPS))
_OWN_VALUES = {
    "id": "plan.id",
    "trace_id": "plan.trace_id",
    "span_id": "left(md5(plan.id::text), 16)",
    "received_at": "to_timestamp((plan.ms + coalesce(pool.latency_ms, 0)) / 1000.0)",
}
# Where x runs from 0 to 1 over the whole time, by day twice as much happens as by night. A few logs follow each
# other in one trace. The id is a UUIDv7 of the time.
_PLAN = """
CREATE TEMPORARY TABLE loadgen_plan ON COMMIT DROP AS
SELECT ms, number, trace_id,
       (lpad(to_hex(ms), 12, '0') || '7' || substr(noise, 1, 3)
        || substr('89ab', 1 + floor(random() * 4)::int, 1) || substr(noise, 4, 15))::uuid AS id
FROM (SELECT md5(random()::text) AS noise, floor(random() * %(pool)s)::int AS number,
             md5(%(seed)s || '-' || n / 3) AS trace_id,
             %(start_ms)s + (%(span_ms)s * (x - 0.35 * sin(2 * pi() * %(days)s * x) / (2 * pi() * %(days)s)))::bigint
                 AS ms
      FROM (SELECT n, (n + random()) / %(logs)s AS x FROM generate_series(%(first)s, %(last)s) AS n) AS spread) AS drawn
"""


@dataclass(frozen=True)
class _Plan:
    """All that is to be made."""

    workspace_id: int
    logs: int
    days: float
    seed: int
    pool: int
    start_ms: int

    @property
    def span_ms(self) -> int:
        return int(self.days * partitions.DAY_MS)


def load(
    workspace_id: int, api_key_ids: Sequence[int], *, logs: int, days: float, seed: int, body_bytes: int
) -> Iterator[int]:
    """Make the logs, over the ``days`` before now; yields how many each transaction stored."""
    now_ms = time.time_ns() // 1_000_000
    plan = _Plan(workspace_id, logs, days, seed, min(POOL_LOGS, logs), now_ms - int(days * partitions.DAY_MS))
    partitions.ensure(connection, plan.start_ms, now_ms)
    try:
        _fill_pool(_records(plan, api_key_ids, body_bytes))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            yield from threads.map(lambda first: _make(plan, first), range(0, logs, CHUNK_LOGS))
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {', '.join(_POOLS)}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE log")


def _records(plan: _Plan, api_key_ids: Sequence[int], body_bytes: int) -> list[LogRecord]:
    """The pool, derived as anything that comes in."""
    maker, chance = Maker(plan.seed, body_bytes), random.Random(plan.seed)  # noqa: S311 - nothing secret
    exchanges: list[Exchange | portkey.RowError] = []
    while len(exchanges) < plan.pool:
        portion = json.dumps([maker.exchange() for _ in range(portkey.MAX_ROWS)]).encode()
        exchanges += portkey.parse(portion, {}, now_ms=0)
    return [
        normalise.to_record(
            exchange,
            workspace_id=plan.workspace_id,
            api_key_id=chance.choice(api_key_ids) if api_key_ids else None,
            now_ms=plan.start_ms,
        )
        for exchange in exchanges[: plan.pool]
        if not isinstance(exchange, portkey.RowError)
    ]


def _fill_pool(records: Sequence[LogRecord]) -> None:
    number = {"number": "int4"}
    now = datetime.now(UTC)
    bodies = [packed.body for packed in pack(records)]
    with transaction.atomic(), connection.cursor() as cursor:
        _create(cursor, "loadgen_log", number | LOG_COLUMNS)
        copy_rows(cursor, "loadgen_log", number | LOG_COLUMNS, [(n, *log_row(r, now)) for n, r in enumerate(records)])
        _create(cursor, "loadgen_body", number | BODY_COLUMNS)
        copy_rows(cursor, "loadgen_body", number | BODY_COLUMNS, [(n, *body) for n, body in enumerate(bodies)])
        for rollup in rollups.ROLLUPS:
            columns = number | rollup.keys | rollup.sums
            rows = [(n, *key, *sums) for n, record in enumerate(records) for key, sums in rollup.rows(record, ())]
            _create(cursor, f"loadgen_{rollup.table}", columns)
            copy_rows(cursor, f"loadgen_{rollup.table}", columns, rows)
        for table in _POOLS:
            cursor.execute(f"ANALYZE {table}")


def _create(cursor: CursorWrapper, table: str, columns: dict[str, str]) -> None:
    cursor.execute(f"DROP TABLE IF EXISTS {table}")
    described = ", ".join(f'"{name}" {type}' for name, type in columns.items())
    cursor.execute(f"CREATE UNLOGGED TABLE {table} ({described})")


def _make(plan: _Plan, first: int) -> int:
    """The logs from number ``first`` on, in one transaction of this thread."""
    last = min(first + CHUNK_LOGS, plan.logs) - 1
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '256MB'")  # the pool is hashed, rows keep the order of their time
            cursor.execute("SELECT setseed(%s)", [random.Random(f"{plan.seed}-{first}").random()])  # noqa: S311
            cursor.execute(_PLAN, {**vars(plan), "span_ms": plan.span_ms, "first": first, "last": last})
            cursor.execute("ANALYZE loadgen_plan")
            cursor.execute(_insert("log", "loadgen_log", LOG_COLUMNS))
            cursor.execute(_insert("log_body", "loadgen_body", BODY_COLUMNS))
            cursor.execute(_insert("index_queue", "loadgen_body", QUEUE_COLUMNS))
            for rollup in rollups.ROLLUPS:
                cursor.execute(_insert_sums(rollup), {"workspace": plan.workspace_id})
    finally:
        connection.close()
    return last - first + 1


def _insert(table: str, pool: str, columns: dict[str, str]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(_OWN_VALUES.get(name, f'pool."{name}"') for name in columns)
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM loadgen_plan plan JOIN {pool} pool USING (number)"  # noqa: S608


def _insert_sums(rollup: RollupTable) -> str:
    """How often each log of the pool comes up in each bucket, times its sums."""
    keys, sums = ", ".join(rollup.keys), ", ".join(rollup.sums)
    added = ", ".join(f"sum(times * {name})" for name in rollup.sums)
    ends, moments = ", first_at, last_at", ", to_timestamp(min(first) / 1000.0), to_timestamp(max(last) / 1000.0)"
    if not rollup.spans:
        ends = moments = ""
    return (
        f"INSERT INTO {rollup.table} (workspace_id, id, bucket, folded, {keys}, {sums}{ends})"  # noqa: S608
        f" SELECT %(workspace)s, gen_random_uuid(), to_timestamp(span * {rollup.bucket_ms} / 1000), false,"
        f" {keys}, {added}{moments} FROM (SELECT number, ms / {rollup.bucket_ms} AS span, count(*) AS times,"
        f" min(ms) AS first, max(ms) AS last FROM loadgen_plan GROUP BY 1, 2) made"
        f" JOIN loadgen_{rollup.table} pool USING (number) GROUP BY span, {keys}"
    )

"""What the rollups say, and what the logs themselves say."""

from __future__ import annotations

from typing import Any

from django.db import connection

_CORE = """
    SELECT date_bin('15 minutes', {time}, 'epoch'), workspace_id, provider, model, request_type,
           {status_class}, is_success, cache_status, {retried}, {fell_back}, {sums}
    FROM {table} WHERE {where} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""
_RAW_SUMS = """
    count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(total_tokens), 0),
    coalesce(sum(cost) FILTER (WHERE cache_status NOT IN ('hit', 'semantic_hit')), 0),
    coalesce(sum(cost) FILTER (WHERE cache_status IN ('hit', 'semantic_hit')), 0),
    count(*) FILTER (WHERE cost IS NULL), coalesce(sum(latency_ms), 0), count(latency_ms)
"""
_ROLLED_SUMS = """
    sum(requests), sum(input_tokens), sum(output_tokens), sum(total_tokens), sum(cost_spent), sum(cost_saved),
    sum(unpriced), sum(latency_ms), sum(latency_requests)
"""
# A UUIDv7's first 48 bits are its time: written out, because PostgreSQL has a function for it only since 17.
_TIME = "to_timestamp(('x0000' || left(translate(id::text, '-', ''), 12))::bit(64)::bigint / 1000.0)"


def _rows(sql: str) -> set[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return set(cursor.fetchall())


def core_of_logs(where: str = "true") -> set[tuple[Any, ...]]:
    return _rows(
        _CORE.format(
            time=_TIME,
            status_class="coalesce(status_code, 0) / 100",
            retried="retry_status IN ('success', 'failed')",
            fell_back="fallback_status = 'triggered'",
            sums=_RAW_SUMS,
            table="log",
            where=where,
        )
    )


def core_of_rollups(where: str = "true") -> set[tuple[Any, ...]]:
    return _rows(
        _CORE.format(
            time="bucket",
            status_class="status_class",
            retried="retried",
            fell_back="fell_back",
            sums=_ROLLED_SUMS,
            table="rollup_core",
            where=where,
        )
    )


def dimensions_of_logs() -> set[tuple[Any, ...]]:
    parts = [
        f"SELECT date_bin('1 hour', {_TIME}, 'epoch'), workspace_id, '{name}', {column}::text, count(*),"
        " count(*) FILTER (WHERE NOT is_success), coalesce(sum(total_tokens), 0)"
        f" FROM log WHERE {column} IS NOT NULL GROUP BY 1, 2, 3, 4"
        for name, column in [
            ("user", '"user"'),
            ("config", "config"),
            ("prompt", "prompt"),
            ("api_key", "api_key_id"),
            ("virtual_key", "virtual_key"),
        ]
    ]
    return _rows(" UNION ALL ".join(parts))


def dimensions_of_rollups() -> set[tuple[Any, ...]]:
    return _rows(
        "SELECT bucket, workspace_id, dimension, value, sum(requests), sum(failures), sum(total_tokens)"
        " FROM rollup_dim GROUP BY 1, 2, 3, 4"
    )

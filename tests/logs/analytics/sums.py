"""What the rollups say, and what the logs themselves say."""

from __future__ import annotations

from typing import Any

from django.db import connection

_KEYS = """
    workspace_id, provider, model, request_type, status_code, is_success, cache_status, retry_status, retry_count,
    fallback_status, loadbalance_status
"""
_CORE = """
    SELECT date_bin('{span}', {time}, 'epoch'), {keys}, {sums} FROM {table} WHERE {where}
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
"""
# A UUIDv7's first 48 bits are its time: written out, because PostgreSQL has a function for it only since 17.
_TIME = "to_timestamp(('x0000' || left(translate(id::text, '-', ''), 12))::bit(64)::bigint / 1000.0)"
_RAW_SUMS = f"""
    count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(total_tokens), 0),
    coalesce(sum(cost) FILTER (WHERE cache_status NOT IN ('hit', 'semantic_hit')), 0),
    coalesce(sum(cost) FILTER (WHERE cache_status IN ('hit', 'semantic_hit')), 0),
    count(*) FILTER (WHERE cost IS NULL), coalesce(sum(latency_ms), 0), count(latency_ms), min({_TIME}), max({_TIME})
"""
_ROLLED_SUMS = """
    sum(requests), sum(input_tokens), sum(output_tokens), sum(total_tokens), sum(cost_spent), sum(cost_saved),
    sum(unpriced), sum(latency_ms), sum(latency_requests), min(first_at), max(last_at)
"""
# Every folded row of the short buckets is in its day, so a day is this.
_DAYS = """
    (SELECT * FROM {table}_day UNION ALL SELECT * FROM {table} WHERE NOT folded) AS days
"""


def _rows(sql: str) -> set[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return set(cursor.fetchall())


def core_of_logs(where: str = "true", span: str = "15 minutes") -> set[tuple[Any, ...]]:
    return _rows(_CORE.format(span=span, time=_TIME, keys=_KEYS, sums=_RAW_SUMS, table="log", where=where))


def core_of_rollups(where: str = "true", span: str = "15 minutes", table: str = "rollup_core") -> set[tuple[Any, ...]]:
    return _rows(_CORE.format(span=span, time="bucket", keys=_KEYS, sums=_ROLLED_SUMS, table=table, where=where))


def core_of_days() -> set[tuple[Any, ...]]:
    return core_of_rollups(span="1 day", table=_DAYS.format(table="rollup_core"))


def dimensions_of_logs(span: str = "1 hour", metadata_keys: tuple[str, ...] = ()) -> set[tuple[Any, ...]]:
    parts = [
        f"SELECT date_bin('{span}', {_TIME}, 'epoch'), workspace_id, '{name}', {column}, {_RAW_SUMS},"
        " count(*) FILTER (WHERE NOT is_success), count(*) FILTER (WHERE cache_status IN ('hit', 'semantic_hit'))"
        f" FROM log WHERE {column} IS NOT NULL GROUP BY 1, 2, 3, 4"
        for name, column in [
            ("user", '"user"'),
            ("config", "config"),
            ("prompt", "prompt"),
            ("api_key", "api_key_id::text"),
            ("virtual_key", "virtual_key"),
            ("error_type", "error_type"),
            ("option", "option_path || E'\\x1f' || coalesce(config, '')"),
            *((f"meta.{key}", f"metadata ->> '{key}'") for key in metadata_keys),
        ]
    ]
    return _rows(" UNION ALL ".join(parts))


def dimensions_of_rollups(span: str = "1 hour", table: str = "rollup_dim") -> set[tuple[Any, ...]]:
    return _rows(
        f"SELECT date_bin('{span}', bucket, 'epoch'), workspace_id, dimension, value, {_ROLLED_SUMS},"
        f" sum(failures), sum(cache_hits) FROM {table} GROUP BY 1, 2, 3, 4"
    )


def dimensions_of_days() -> set[tuple[Any, ...]]:
    return dimensions_of_rollups(span="1 day", table=_DAYS.format(table="rollup_dim"))

"""The graphs of Portkey's analytics API: a summary, and a point for each bucket of time.

Costs are cents, latencies ms, rates percent; a number is null where nothing is known, and a cost leaves out requests
without a known price, whose count stands beside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any

from django.db.models import Q

from logs.analytics import rollup_queries, sums
from logs.analytics.percentiles import percentiles
from logs.analytics.rollup_queries import CORE, LATENCY, Asked
from logs.analytics.scope import iso
from logs.analytics.sums import Sums
from logs.llm.vocabulary import FROM_CACHE, CacheStatus

SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
FAILED = Q(is_success=False)
ANSWERED = Q(is_success=True)


@dataclass(frozen=True)
class Graph:
    """``reached``: the numbers are complete from then on only."""

    summary: Mapping[str, Any]
    points: list[dict[str, Any]]
    reached: datetime | None = None


def over_time(asked: Asked, point: Callable[[int], Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A point for every bucket of the grid, the empty ones too, by its start."""
    return [{"timestamp": iso(asked.grid.starts[place]), **point(place)} for place in asked.grid.places]


def number(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


def percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _course(asked: Asked) -> tuple[list[Sums], Sums, datetime | None]:
    answer = rollup_queries.read(asked, CORE, ("place", "is_success", "cache_status"), sums.NAMES)
    found = sums.grouped(answer.rows, lambda row: row["place"])
    return [found.get(place, Sums()) for place in asked.grid.places], sums.total(answer.rows), answer.reached


def requests(asked: Asked) -> Graph:
    course, total, reached = _course(asked)
    return Graph({"total": total.requests}, over_time(asked, lambda n: {"total": course[n].requests}), reached)


def cost(asked: Asked) -> Graph:
    course, total, reached = _course(asked)
    return Graph(_cost(total), over_time(asked, lambda place: _cost(course[place])), reached)


def _cost(each: Sums) -> dict[str, Any]:
    """What was spent; an average is over the requests with a price that no cache answered."""
    return {
        "total": number(each.cost_spent),
        "avg": number(each.cost_spent / each.paid) if each.paid else None,
        "saved": number(each.cost_saved),
        "requests_without_price": each.unpriced,
    }


def latency(asked: Asked) -> Graph:
    course, total, reached = _course(asked)
    answer = rollup_queries.read(asked, LATENCY, ("place", "step"))
    steps: dict[int, Counter[int]] = defaultdict(Counter)
    for row in answer.rows:
        steps[row["place"]][row["step"]] += row["requests"]

    def values(each: Sums, counts: Counter[int]) -> dict[str, Any]:
        return {"avg": each.mean_latency, **dict(zip(SHARES, percentiles(counts, SHARES.values()), strict=True))}

    summary = values(total, sum(steps.values(), Counter()))
    return Graph(summary, over_time(asked, lambda n: values(course[n], steps[n])), reached or answer.reached)


def tokens(asked: Asked) -> Graph:
    course, total, reached = _course(asked)

    def values(each: Sums) -> dict[str, Any]:
        return {
            "total": each.total_tokens,
            "avg": each.total_tokens / each.requests if each.requests else None,
            "input": each.input_tokens,
            "output": each.output_tokens,
        }

    return Graph(values(total), over_time(asked, lambda place: values(course[place])), reached)


def users(asked: Asked) -> Graph:
    found = rollup_queries.spread(asked, "user")
    points = over_time(asked, lambda n: {"total": found.values.get(n, 0)})
    return Graph({"total": found.total}, points, found.reached)


def users_requests(asked: Asked) -> Graph:
    """Requests per user, over those that say whom they are for."""
    found = rollup_queries.spread(asked, "user")
    sent = sum(found.requests.values())
    return Graph(
        {"total": sent, "unique": found.total, "avg": sent / found.total if found.total else None},
        over_time(asked, lambda n: {"avg": found.requests[n] / found.values[n] if n in found.values else None}),
        found.reached,
    )


def errors(asked: Asked) -> Graph:
    course, total, reached = _course(asked)
    return Graph({"total": total.failures}, over_time(asked, lambda n: {"total": course[n].failures}), reached)


def errors_rate(asked: Asked) -> Graph:
    course, total, reached = _course(asked)
    points = over_time(asked, lambda n: {"rate": percent(course[n].error_rate)})
    return Graph({"rate": percent(total.error_rate)}, points, reached)


def errors_stacks(asked: Asked) -> Graph:
    answer = rollup_queries.read(asked, CORE, ("place", "status_code"), only=FAILED)
    stats: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(answer.rows, key=lambda row: row["status_code"] or 0):
        stats[row["place"]].append({"response_status_code": row["status_code"], "count": row["requests"]})
    total = sum(row["requests"] for row in answer.rows)
    return Graph({"total": total}, over_time(asked, lambda n: {"stats": stats[n]}), answer.reached)


def errors_status_codes(asked: Asked) -> Graph:
    answer = rollup_queries.read(asked, CORE, ("status_code",), only=FAILED)
    rows = sorted(answer.rows, key=lambda row: (-row["requests"], row["status_code"] or 0))
    return Graph(
        {"total_errors": sum(row["requests"] for row in rows), "unique_error_codes": len(rows)},
        [{"status_code": row["status_code"], "count": row["requests"]} for row in rows],
        answer.reached,
    )


def requests_rescued(asked: Asked) -> Graph:
    """Successful requests that took a retry or another option."""
    answer = rollup_queries.read(
        asked, CORE, ("place", "retry_status", "retry_count", "fallback_status"), only=ANSWERED
    )
    retries: dict[int, Counter[int]] = defaultdict(Counter)
    fallbacks = Counter[int]()
    for row in answer.rows:
        if row["retry_status"] == "success":
            retries[row["place"]][row["retry_count"]] += row["requests"]
        if row["fallback_status"] == "triggered":
            fallbacks[row["place"]] += row["requests"]

    def point(place: int) -> dict[str, Any]:
        counted = sorted(retries[place].items())
        return {
            "retry": [{"retry_success_count": tries, "count": count} for tries, count in counted],
            "fallback": fallbacks[place],
        }

    rescued = sum(each.total() for each in retries.values())
    return Graph({"retry": rescued, "fallback": fallbacks.total()}, over_time(asked, point), answer.reached)


def cache_hit_rate(asked: Asked) -> Graph:
    answer = rollup_queries.read(asked, CORE, ("place", "cache_status"), ("requests", "cost_saved"))
    hits: dict[tuple[int, str], int] = {(row["place"], row["cache_status"]): row["requests"] for row in answer.rows}
    saved = {(row["place"], row["cache_status"]): row["cost_saved"] for row in answer.rows}
    each = sums.grouped(answer.rows, lambda row: row["place"])
    total = sums.total(answer.rows)
    up_to = {
        state: list(accumulate(saved.get((place, state), Decimal(0)) for place in asked.grid.places))
        for state in FROM_CACHE
    }

    def point(place: int) -> dict[str, Any]:
        return {
            "simple_hits": hits.get((place, "hit"), 0),
            "semantic_hits": hits.get((place, "semantic_hit"), 0),
            "rate": percent(each.get(place, Sums()).hit_rate),
            "cumulative_simple_cache_savings": number(up_to[CacheStatus.HIT][place]),
            "cumulative_semantic_cache_savings": number(up_to[CacheStatus.SEMANTIC_HIT][place]),
        }

    summary = {"total": total.cache_hits, "rate": percent(total.hit_rate)}
    return Graph(summary, over_time(asked, point), answer.reached)


def cache_latency(asked: Asked) -> Graph:
    """Mean latency of answers out of the cache."""
    answer = rollup_queries.read(
        asked, CORE, ("place",), ("requests", "latency_ms", "latency_requests"), only=Q(cache_status__in=FROM_CACHE)
    )
    found = sums.grouped(answer.rows, lambda row: row["place"])
    points = over_time(asked, lambda place: {"avg": found.get(place, Sums()).mean_latency})
    return Graph({"avg": sums.total(answer.rows).mean_latency}, points, answer.reached)


def summary_of_cache(asked: Asked) -> Graph:
    """Hits, and how many percent faster they are than the successful requests that no cache answered."""
    answer = rollup_queries.read(
        asked, CORE, ("cache_status", "is_success"), ("requests", "latency_ms", "latency_requests")
    )
    hits = sums.total(row for row in answer.rows if row["cache_status"] in FROM_CACHE)
    others = sums.total(row for row in answer.rows if row["is_success"] and row["cache_status"] not in FROM_CACHE)
    fast, slow = hits.mean_latency, others.mean_latency
    return Graph(
        {
            "hits": hits.requests,
            "avg_latency": fast,
            "total_requests": sum(row["requests"] for row in answer.rows),
            "cache_speedup": None if fast is None or not slow else 100 * (slow - fast) / slow,
        },
        [],
        answer.reached,
    )


GRAPHS: dict[str, Callable[[Asked], Graph]] = {
    "requests": requests,
    "cost": cost,
    "latency": latency,
    "tokens": tokens,
    "users": users,
    "users/requests": users_requests,
    "errors": errors,
    "errors/rate": errors_rate,
    "errors/stacks": errors_stacks,
    "errors/status-codes": errors_status_codes,
    "requests/rescued": requests_rescued,
    "cache/hit-rate": cache_hit_rate,
    "cache/latency": cache_latency,
}

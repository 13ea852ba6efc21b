"""Sums that several cards need, added up in one question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from logs.analytics import rollup_queries
from logs.analytics.rollup_queries import CORE, Answer, Asked
from logs.analytics.scope import Scope
from logs.llm.vocabulary import FROM_CACHE

NAMES = (
    "requests", "input_tokens", "output_tokens", "total_tokens", "cost_spent", "cost_saved", "unpriced", "latency_ms",
    "latency_requests",
)  # fmt: skip


@dataclass
class Sums:
    """What logs add up to: counts, tokens, cents and ms. Costs leave out ``unpriced`` requests, never as zero."""

    requests: int = 0
    failures: int = 0
    cache_hits: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cost_spent: Decimal = Decimal(0)
    cost_saved: Decimal = Decimal(0)
    unpriced: int = 0
    paid: int = 0  # requests that cost_spent adds up; known where rows tell the cache's state
    latency_ms: int = 0
    latency_requests: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        """A row of sums; where its keys tell of failures and cache hits, these are counted too."""
        for name in NAMES:
            if name in row:
                setattr(self, name, getattr(self, name) + row[name])
        if row.get("first_at"):
            self.first_at = min(self.first_at or row["first_at"], row["first_at"])
            self.last_at = max(self.last_at or row["last_at"], row["last_at"])
        if row.get("cache_status", "hit") not in FROM_CACHE and "unpriced" in row:
            self.paid += row["requests"] - row["unpriced"]
        self.failures += row["failures"] if "failures" in row else row["requests"] * (row.get("is_success") is False)
        self.cache_hits += (
            row["cache_hits"] if "cache_hits" in row else row["requests"] * (row.get("cache_status") in FROM_CACHE)
        )

    @property
    def mean_latency(self) -> float | None:
        return self.latency_ms / self.latency_requests if self.latency_requests else None

    @property
    def error_rate(self) -> float | None:
        return self.failures / self.requests if self.requests else None

    @property
    def success_rate(self) -> float | None:
        return (self.requests - self.failures) / self.requests if self.requests else None

    @property
    def hit_rate(self) -> float | None:
        return self.cache_hits / self.requests if self.requests else None


def grouped[Key](rows: Iterable[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Key]) -> dict[Key, Sums]:
    found: dict[Key, Sums] = {}
    for row in rows:
        found.setdefault(key(row), Sums()).add(row)
    return found


def total(rows: Iterable[Mapping[str, Any]]) -> Sums:
    sums = Sums()
    for row in rows:
        sums.add(row)
    return sums


@dataclass(frozen=True)
class Course:
    """What every bucket adds up to, and all of them; the same of the period before, where the scope compares."""

    places: list[Sums]
    total: Sums
    before: list[Sums]
    total_before: Sums | None
    reached: datetime | None

    def then[Number](self, value: Callable[[Sums], Number]) -> Number | None:
        """A value of the period before; None where nothing is compared."""
        return None if self.total_before is None else value(self.total_before)


def course(scope: Scope, *, only: Q | None = None) -> Course:
    """All sums over the scope's time. Raises OutOfTime."""
    answer, places = _over_time(scope.asked, only)
    before: list[Sums] = []
    total_before = None
    if scope.compares:
        earlier, before = _over_time(scope.asked.before(), only)
        total_before = total(earlier.rows)
    return Course(places, total(answer.rows), before, total_before, answer.reached)


def _over_time(asked: Asked, only: Q | None) -> tuple[Answer, list[Sums]]:
    answer = rollup_queries.read(asked, CORE, ("place", "is_success", "cache_status"), NAMES, only=only)
    found = grouped(answer.rows, lambda row: row["place"])
    return answer, [found.get(place, Sums()) for place in asked.grid.places]

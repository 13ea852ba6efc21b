"""What ratings add up to. Each function is one query over the ratings of a scope, or two.

A weighted average is sum(value x weight) / sum(weight); None where nothing has a weight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, DateTimeField, DurationField, F, Func, Q, QuerySet, Sum, Value
from django.db.models.functions import Floor, Least

from feedback import filters
from feedback.models import FeedbackTrace
from feedback.querysets import FeedbackQuerySet
from logs.analytics.grid import ORIGIN, Grid
from logs.extension_types import GroupRating
from logs.querysets import LogQuerySet

DIMENSIONS = ("model", "prompt", "config", "user", "source")
MAX_VALUES = 21  # -10 … 10; with more distinct values they are counted from one whole number to the next
MAX_GROUPS = 8

_WEIGHTED = Sum(F("value") * F("weight"))
_WEIGHT = Sum("weight")


@dataclass(frozen=True)
class Sums:
    """What a set of ratings adds up to."""

    ratings: int = 0
    positive: int = 0
    negative: int = 0
    weighted: Decimal = Decimal(0)
    weights: Decimal = Decimal(0)

    @property
    def average(self) -> Decimal | None:
        return self.weighted / self.weights if self.weights else None


@dataclass(frozen=True)
class Bucket(Sums):
    """The ratings from ``start`` to before ``end`` (UTC)."""

    start: datetime = ORIGIN
    end: datetime = ORIGIN


@dataclass(frozen=True)
class Group(Sums):
    """The ratings of one model, prompt, …; ``key`` is None where that is not known."""

    key: str | None = None


@dataclass(frozen=True)
class Values:
    """How many ratings have a value from ``low`` to ``high``, both included."""

    low: Decimal
    high: Decimal
    ratings: int


_SUMS: dict[str, Any] = {
    "ratings": Count("*"),
    "positive": Count("id", filter=Q(value__gt=0)),
    "negative": Count("id", filter=Q(value__lt=0)),
    "weighted": _WEIGHTED,
    "weights": _WEIGHT,
}


def over_time(ratings: FeedbackQuerySet, grid: Grid) -> list[Bucket]:
    """What each bucket of the grid adds up to, the empty ones too."""
    start = Func(
        Value(grid.step, output_field=DurationField()),
        F("created_at"),
        Value(ORIGIN),
        function="date_bin",
        output_field=DateTimeField(),
    )
    rows = ratings.order_by().annotate(start=start).values("start").annotate(**_SUMS)
    found: dict[datetime, dict[str, Any]] = {row["start"]: dict(row) for row in rows}
    return [Bucket(end=at + grid.step, **found.get(at, {"start": at})) for at in grid.starts]


def total(buckets: Sequence[Sums]) -> Sums:
    return Sums(
        sum(each.ratings for each in buckets),
        sum(each.positive for each in buckets),
        sum(each.negative for each in buckets),
        sum((each.weighted for each in buckets), Decimal(0)),
        sum((each.weights for each in buckets), Decimal(0)),
    )


def by_value(ratings: FeedbackQuerySet) -> list[Values]:
    """How many ratings have which value, from the lowest to the highest."""
    exact = [Values(value, value, count) for value, count in by_exact_value(ratings)[: MAX_VALUES + 1]]
    if len(exact) <= MAX_VALUES:
        return exact
    # 9 … 10 takes 10 in; six decimals are what a value has.
    low = Least(Floor("value"), Value(Decimal(9)))
    spans = ratings.order_by().annotate(low=low).values("low").annotate(ratings=Count("*")).order_by("low")
    return [
        Values(row["low"], Decimal(10) if row["low"] == 9 else row["low"] + 1 - Decimal("0.000001"), row["ratings"])
        for row in spans
    ]


def by_exact_value(ratings: FeedbackQuerySet) -> QuerySet[Any, tuple[Decimal, int]]:
    """Each value and how many ratings have it, from the lowest to the highest."""
    counted: Any = ratings.order_by().values("value").annotate(ratings=Count("*")).order_by("value")
    found: QuerySet[Any, tuple[Decimal, int]] = counted.values_list("value", "ratings")
    return found


def by(dimension: str, ratings: FeedbackQuerySet, most: int | None = MAX_GROUPS + 1) -> list[Group]:
    """The groups with most ratings; unless said one more than are shown, which tells that there are more."""
    grouped: Any = ratings.order_by().values(key=F(dimension))
    rows = grouped.annotate(**_SUMS).order_by("-ratings", "key")
    return [Group(**row) for row in rows[:most]]


def unresolved(ratings: FeedbackQuerySet) -> int:
    return ratings.unresolved().count()


def rated(workspace_id: int, logs: LogQuerySet, group: Any, values: Collection[str]) -> dict[str, GroupRating]:
    """How many of the logs have ratings, and their weighted average, by an expression over logs with these values.

    A rating of a trace counts for each of its logs.
    """
    logs, _ = filters.narrow(logs, {"feedback": "present"})
    found: dict[str, list[str]] = defaultdict(list)
    for value, trace_id in logs.annotate(_group=group).filter(_group__in=values).values_list("_group", "trace_id"):
        found[value].append(trace_id)
    sums = {
        trace.trace_id: trace
        for trace in FeedbackTrace.objects.of_traces(workspace_id, {t for each in found.values() for t in each})
    }
    groups = {}
    for value, trace_ids in found.items():
        traces = [sums[trace_id] for trace_id in trace_ids if trace_id in sums]
        weights = sum((trace.weight for trace in traces), Decimal(0))
        weighted = sum((trace.weighted for trace in traces), Decimal(0))
        groups[value] = GroupRating(len(traces), weighted / weights if weights else None)
    return groups

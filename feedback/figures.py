"""What ratings add up to. Each function is one query over the ratings of a scope, or two.

A weighted average is sum(value x weight) / sum(weight); None where nothing has a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DateTimeField, DurationField, F, Func, Q, Sum, Value
from django.db.models.functions import Floor, Least

from feedback.querysets import FeedbackQuerySet

DIMENSIONS = ("model", "prompt", "config", "user", "source")
MAX_BUCKETS = 31
# How long one bucket may be; each begins at a multiple of its length since a Monday.
STEPS = [timedelta(minutes=n) for n in (1, 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10080, 20160, 40320)]
ORIGIN = datetime(2001, 1, 1, tzinfo=UTC)
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

    @property
    def neutral(self) -> int:
        return self.ratings - self.positive - self.negative


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


def over_time(ratings: FeedbackQuerySet, since: datetime, until: datetime) -> list[Bucket]:
    """Buckets from the one of ``since`` to the one of ``until``, the empty ones too."""
    step = bucket_length(since, until)
    start = Func(
        Value(step, output_field=DurationField()),
        F("created_at"),
        Value(ORIGIN),
        function="date_bin",
        output_field=DateTimeField(),
    )
    rows = ratings.order_by().annotate(start=start).values("start").annotate(**_SUMS)
    found: dict[datetime, dict[str, Any]] = {row["start"]: dict(row) for row in rows}
    buckets = []
    at = ORIGIN + (since - ORIGIN) // step * step
    while at < until:
        row = found.get(at, {"start": at})
        buckets.append(Bucket(end=at + step, **row))
        at += step
    return buckets


def bucket_length(since: datetime, until: datetime) -> timedelta:
    """The shortest step with which the time has at most MAX_BUCKETS whole buckets, and a part at each end."""
    return next((step for step in STEPS if (until - since) / step <= MAX_BUCKETS - 1), STEPS[-1])


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
    counted = ratings.order_by().values("value").annotate(ratings=Count("*")).order_by("value")
    exact = [Values(row["value"], row["value"], row["ratings"]) for row in counted[: MAX_VALUES + 1]]
    if len(exact) <= MAX_VALUES:
        return exact
    # 9 … 10 takes 10 in; six decimals are what a value has.
    low = Least(Floor("value"), Value(Decimal(9)))
    spans = ratings.order_by().annotate(low=low).values("low").annotate(ratings=Count("*")).order_by("low")
    return [
        Values(row["low"], Decimal(10) if row["low"] == 9 else row["low"] + 1 - Decimal("0.000001"), row["ratings"])
        for row in spans
    ]


def by(dimension: str, ratings: FeedbackQuerySet) -> list[Group]:
    """The groups with most ratings, at most MAX_GROUPS + 1: one more tells that there are more."""
    grouped: Any = ratings.order_by().values(key=F(dimension))
    rows = grouped.annotate(**_SUMS).order_by("-ratings", "key")
    return [Group(**row) for row in rows[: MAX_GROUPS + 1]]


def unresolved(ratings: FeedbackQuerySet) -> int:
    return ratings.unresolved().count()

"""The dashboard's parts: each is computed on its own, within a budget, and says so when that was not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.dateparse import parse_datetime

import charts
from charts import Chart, Datum
from feedback import figures
from feedback.figures import Bucket, Group, Sums
from feedback.scope import Scope
from feedback.section import Entry
from logs.budget import within
from logs.extensions import sign, signed
from logs.filters import exactly

BUDGET_MS = 500
COMMENTS = 20
TITLES = {
    "model": "By model",
    "prompt": "By prompt",
    "config": "By config",
    "user": "By user",
    "source": "By source",
}
SOURCES = {"person": "People on this site", "api": "The API"}


class OutOfTime(Exception):
    """A part took longer than its budget."""


@dataclass(frozen=True)
class Line:
    """One row of a table: what, how many, the average, and the way to the logs."""

    name: str
    url: str
    ratings: int
    average: str
    kind: str
    bar: tuple[float, float]
    sums: Sums


@dataclass(frozen=True)
class Overview:
    sums: Sums
    average: str
    kind: str
    positive_share: str
    unresolved: int
    unresolved_url: str
    all_url: str
    trend: Chart
    averages: Chart
    buckets: list[dict[str, Any]]


class Part(NamedTuple):
    """A part of the page: its template, its heading, and how to compute what it shows."""

    template: str
    title: str
    compute: Callable[[Scope], Any]


def overview(scope: Scope) -> Overview:
    """The sums and both courses over time, out of one query, and how many ratings need a look."""
    buckets = _within(lambda: figures.over_time(scope.ratings, scope.since, scope.until))
    (open_ones,) = _within(lambda: [figures.unresolved(scope.ratings)])
    sums = figures.total(buckets)
    labels = [_label(bucket) for bucket in buckets]
    trend, averages, rows = [], [], []
    for place, bucket in enumerate(buckets):
        times = {
            "feedback_since": _iso(max(bucket.start, scope.since)),
            "feedback_until": _iso(min(bucket.end, scope.until)),
        }
        span = _span(bucket)
        for kind, count in (("positive", bucket.positive), ("negative", -bucket.negative)):
            words = f"{span}: {abs(count):,} {kind}"
            trend.append(Datum(place, count, words, scope.logs(feedback=kind, **times), kind))
        if bucket.average is not None:
            words = f"{span}: {signed(bucket.average)} from {_ratings(bucket.ratings)}"
            averages.append(Datum(place, float(bucket.average), words, scope.logs(**times), sign(bucket.average)))
        if bucket.ratings:
            rows.append({"span": span, "url": scope.logs(**times), "sums": bucket, "average": _average(bucket)})
    share = f"{100 * sums.positive / sums.ratings:.0f}%" if sums.ratings else "–"
    return Overview(
        sums,
        _average(sums),
        _kind(sums),
        share,
        open_ones,
        scope.logs(feedback="unresolved"),
        scope.logs(),
        charts.columns("Ratings over time", trend, len(buckets), labels),
        charts.line("Weighted average over time", averages, len(buckets), labels),
        rows[::-1],
    )


def values(scope: Scope) -> dict[str, Any]:
    """How many ratings have which value, as columns and as a table."""
    found = _within(lambda: figures.by_value(scope.ratings))
    data, labels, rows = [], [], []
    for place, each in enumerate(found):
        is_one = each.low == each.high
        name = signed(each.low) if is_one else f"{signed(each.low)} … {signed(each.high)}"
        url = scope.logs(feedback_value_min=f"{each.low:f}", feedback_value_max=f"{each.high:f}")
        kind = sign(each.low if is_one or each.low >= 0 else each.high)
        data.append(Datum(place, each.ratings, f"Value {name}: {_ratings(each.ratings)}", url, kind))
        labels.append(name if is_one else signed(each.low))
        rows.append({"name": name, "url": url, "ratings": each.ratings, "kind": kind})
    return {"chart": charts.columns("Ratings by value", data, len(found), labels, most_labels=11), "rows": rows}


def groups(dimension: str) -> Callable[[Scope], dict[str, Any]]:
    """The table of one dimension."""

    def compute(scope: Scope) -> dict[str, Any]:
        found = _within(lambda: figures.by(dimension, scope.ratings))
        shown = found[: figures.MAX_GROUPS]
        reach = max([abs(float(each.average)) for each in shown if each.average is not None], default=0.0)
        return {
            "dimension": dimension,
            "lines": [_line(dimension, each, scope, reach) for each in shown],
            "has_more": len(found) > len(shown),
            "only_none": [each.key for each in shown] == [None],
        }

    return compute


def _line(dimension: str, group: Group, scope: Scope, reach: float) -> Line:
    if group.key is None:
        name, url = "unknown" if dimension in ("model", "user") else "none", ""
    elif dimension == "source":
        name, url = SOURCES[group.key], scope.logs(feedback_source=group.key)
    else:
        name, url = group.key, scope.logs(**{dimension: exactly(group.key)})
    bar = charts.leaning(float(group.average or 0), reach)
    return Line(name, url, group.ratings, _average(group), _kind(group), bar, group)


def comments(scope: Scope, before: str = "") -> dict[str, Any]:
    """What people wrote, newest first, from the comment ``before`` on."""
    found = scope.ratings.with_comment().select_related("person", "api_key", "resolved_by")
    if cursor := _cursor(before):
        at, id = cursor
        found = found.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=id))
    rows = _within(lambda: found.order_by("-created_at", "-id")[: COMMENTS + 1])
    shown = rows[:COMMENTS]
    return {
        "entries": [
            {"entry": Entry(each, is_mine=False), "rating": each, "url": _log_url(scope, each.log_id, each.trace_id)}
            for each in shown
        ],
        "before": f"{shown[-1].created_at.isoformat()}_{shown[-1].id}" if len(rows) > COMMENTS else "",
        "is_first": not before,
    }


def _log_url(scope: Scope, log_id: UUID | None, trace_id: str) -> str:
    if log_id is not None:
        return reverse("log_detail", args=[scope.workspace.slug, log_id])
    return reverse("log_list", args=[scope.workspace.slug]) + f"?trace_id={trace_id}"


def _cursor(text: str) -> tuple[datetime, UUID] | None:
    moment, _, id = text.partition("_")
    try:
        at = parse_datetime(moment)
        return (at, UUID(id)) if at else None
    except ValueError:
        return None


PARTS = {
    "overview": Part("feedback/parts/overview.html", "Overview", overview),
    "values": Part("feedback/parts/values.html", "By value", values),
    **{name: Part("feedback/parts/groups.html", TITLES[name], groups(name)) for name in figures.DIMENSIONS},
    "comments": Part("feedback/parts/comments.html", "Comments", comments),
}


class _Lazy[Row]:
    """Rows that are fetched when somebody iterates, which is when the budget counts."""

    def __init__(self, fetch: Callable[[], Iterable[Row]]) -> None:
        self._fetch = fetch

    def __iter__(self) -> Any:
        return iter(self._fetch())


def _within[Row](fetch: Callable[[], Iterable[Row]]) -> list[Row]:
    found = within(BUDGET_MS, _Lazy(fetch))
    if found is None:
        raise OutOfTime
    return found


def _label(bucket: Bucket) -> str:
    return f"{bucket.start:%H:%M}" if bucket.end - bucket.start < timedelta(hours=6) else f"{bucket.start:%-d %b}"


def _span(bucket: Bucket) -> str:
    length = bucket.end - bucket.start
    if length == timedelta(days=1):
        return f"{bucket.start:%a %-d %b}"
    if length > timedelta(days=1):
        return f"{bucket.start:%-d %b} to {bucket.end - timedelta(days=1):%-d %b}"
    return f"{bucket.start:%-d %b, %H:%M} to {bucket.end:%H:%M}"


def _average(sums: Sums) -> str:
    return "–" if sums.average is None else signed(sums.average)


def _kind(sums: Sums) -> str:
    return sign(sums.average) if sums.average is not None else "neutral"


def _ratings(count: int) -> str:
    return f"{count:,} rating{'' if count == 1 else 's'}"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

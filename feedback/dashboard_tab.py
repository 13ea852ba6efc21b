"""The analytics page's tab Feedback: what ratings say, in parts that are computed each on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from feedback import figures
from feedback.figures import Bucket, Group, Sums
from feedback.panel_section import Entry
from feedback.scope import FeedbackScope
from logs.analytics import OutOfTime, cards
from logs.analytics.cards import Card, Column, Figure, Key, Table
from logs.explorer.filters import exactly
from logs.extension_types import AnalyticsTab, TabPart, sign, signed
from logs.storage.time_budget import within
from portkey_logs.lib import charts
from portkey_logs.lib.charts import Datum, Point

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


def trend(scope: FeedbackScope) -> Card:
    """How many ratings there were, up and down, and how many need a look."""
    buckets = _buckets(scope)
    (open_ones,) = _within(lambda: [figures.unresolved(scope.ratings)])
    sums = figures.total(buckets)
    data = []
    for place, bucket in enumerate(buckets):
        for kind, count in (("positive", bucket.positive), ("negative", -bucket.negative)):
            words = f"{scope.grid.words(place)}: {abs(count):,} {kind}"
            data.append(Datum(place, count, words, scope.logs(place, feedback=kind), kind))
    return Card(
        figures=[
            Figure("Ratings", f"{sums.ratings:,}", scope.logs() if sums.ratings else ""),
            Figure("Positive", cards.percent(cards.ratio(sums.positive, sums.ratings))),
            Figure("Needs a look", f"{open_ones:,}", scope.logs(feedback="unresolved") if open_ones else ""),
        ],
        chart=charts.columns("Ratings over time", data, len(buckets), scope.grid.labels),
        legend=[Key("positive", "positive, up"), Key("negative", "negative, down")],
        table=cards.timeline(
            scope,
            ["Ratings", "Positive", "Negative"],
            lambda place: _counts(buckets[place]) if buckets[place].ratings else None,
        ),
    )


def averages(scope: FeedbackScope) -> Card:
    """How good the ratings were."""
    buckets = _buckets(scope)
    points = [
        Point(
            place,
            [float(bucket.average)],
            f"{scope.grid.words(place)}: {signed(bucket.average)} from {cards.many(bucket.ratings, 'rating')}",
            scope.logs(place),
        )
        for place, bucket in enumerate(buckets)
        if bucket.average is not None
    ]
    return Card(
        figures=[Figure("Weighted average", _average(figures.total(buckets)))],
        chart=charts.lines("Weighted average over time", points, ["c1"], len(buckets), scope.grid.labels),
        table=cards.timeline(
            scope,
            ["Ratings", "Weighted average"],
            lambda place: [f"{buckets[place].ratings:,}", _average(buckets[place])] if buckets[place].ratings else None,
        ),
    )


def values(scope: FeedbackScope) -> Card:
    """How many ratings have which value, as columns and as a table."""
    found = _within(lambda: figures.by_value(scope.ratings))
    data, labels, lines = [], [], []
    for place, each in enumerate(found):
        is_one = each.low == each.high
        name = signed(each.low) if is_one else f"{signed(each.low)} … {signed(each.high)}"
        url = scope.logs(feedback_value_min=f"{each.low:f}", feedback_value_max=f"{each.high:f}")
        kind = sign(each.low if is_one or each.low >= 0 else each.high)
        words = f"Value {name}: {cards.many(each.ratings, 'rating')}"
        data.append(Datum(place, each.ratings, words, url, kind))
        labels.append(name if is_one else signed(each.low))
        lines.append(cards.Line(name, url, [f"{each.ratings:,}"]))
    return Card(
        chart=charts.columns("Ratings by value", data, len(found), labels, most_labels=11),
        table=Table("Value", [Column("Ratings")], lines, is_open=False),
    )


def groups(dimension: str) -> Callable[[FeedbackScope], dict[str, Any]]:
    """The table of one dimension."""

    def compute(scope: FeedbackScope) -> dict[str, Any]:
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


def _line(dimension: str, group: Group, scope: FeedbackScope, reach: float) -> Line:
    if group.key is None:
        name, url = "unknown" if dimension in ("model", "user") else "none", ""
    elif dimension == "source":
        name, url = SOURCES[group.key], scope.logs(feedback_source=group.key)
    else:
        name, url = group.key, scope.logs(None, **{dimension: exactly(group.key)})
    bar = charts.leaning(float(group.average or 0), reach)
    return Line(name, url, group.ratings, _average(group), _kind(group), bar, group)


def comments(scope: FeedbackScope) -> dict[str, Any]:
    """What people wrote, newest first; a page of them goes on where ``before`` of the address says."""
    found = scope.ratings.with_comment().select_related("person", "api_key", "resolved_by")
    if cursor := _cursor(scope.before):
        at, id = cursor
        found = found.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=id))
    rows = _within(lambda: found.order_by("-created_at", "-id")[: COMMENTS + 1])
    shown = rows[:COMMENTS]
    before = f"{shown[-1].created_at.isoformat()}_{shown[-1].id}" if len(rows) > COMMENTS else ""
    return {
        "entries": [
            {"entry": Entry(each, is_mine=False), "rating": each, "url": _log_url(scope, each.log_id, each.trace_id)}
            for each in shown
        ],
        "older_url": scope.url("comments", before=before) if before else "",
        "older_page_url": scope.url(all="1", before=before) if before else "",
    }


def _log_url(scope: FeedbackScope, log_id: UUID | None, trace_id: str) -> str:
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


class _Lazy[Row]:
    """Rows that are fetched when somebody iterates, which is when the budget counts."""

    def __init__(self, fetch: Callable[[], Iterable[Row]]) -> None:
        self._fetch = fetch

    def __iter__(self) -> Iterator[Row]:
        return iter(self._fetch())


def _within[Row](fetch: Callable[[], Iterable[Row]]) -> list[Row]:
    found = within(BUDGET_MS, _Lazy(fetch))
    if found is None:
        raise OutOfTime
    return found


def _buckets(scope: FeedbackScope) -> list[Bucket]:
    return _within(lambda: figures.over_time(scope.ratings, scope.grid))


def _counts(bucket: Bucket) -> list[str]:
    return [f"{count:,}" for count in (bucket.ratings, bucket.positive, bucket.negative)]


def _average(sums: Sums) -> str:
    return "–" if sums.average is None else signed(sums.average)


def _kind(sums: Sums) -> str:
    return sign(sums.average) if sums.average is not None else "neutral"


PARTS = {
    "trend": TabPart("Ratings", trend),
    "average": TabPart("Weighted average", averages),
    "values": TabPart("By value", values),
    **{name: TabPart(TITLES[name], groups(name), template="feedback/parts/groups.html") for name in figures.DIMENSIONS},
    "comments": TabPart("Comments", comments, is_wide=True, template="feedback/parts/comments.html"),
}
TAB = AnalyticsTab(
    "feedback",
    "Feedback",
    PARTS,
    read=lambda params, workspace: FeedbackScope.read(params, workspace, "feedback"),
    has_any=lambda scope: scope.ratings.exists(),
    empty="feedback/empty.html",
    note="Weighted average = sum of value × weight ÷ sum of weights; values go from −10 to 10.",
    stylesheets=("css/panel.css", "css/feedback.css"),
    compares=False,
)

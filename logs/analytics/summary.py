"""The tab Summary: every group of whatever one groups by, in any order, also as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, NamedTuple

from logs.analytics import cards, groups
from logs.analytics.cards import Card, Choice, Column, Line, Table
from logs.analytics.overview import cost_in_words
from logs.analytics.scope import Scope, this
from logs.analytics.sums import Sums
from logs.analytics.tabs import about_logs
from logs.extension_types import TabPart
from logs.models import MetadataKey
from logs.storage import rollups
from portkey_logs.lib.spreadsheets import as_text

MOST_LINES = 100  # of the page; the CSV has all
GROUPINGS = {
    "model": "Model",
    "provider": "Provider",
    "user": "User",
    "config": "Config",
    "prompt": "Prompt",
    "api_key": "API key",
    "virtual_key": "Virtual key",
}


class Measure(NamedTuple):
    """A column: its name in addresses and in the CSV, its heading, what it measures, and how the page says it."""

    name: str
    label: str
    value: Callable[[Sums], Any]
    say: Callable[[Sums], str]


MEASURES = (
    Measure("requests", "Requests", lambda each: each.requests, lambda each: f"{each.requests:,}"),
    Measure("cost", "Spent", lambda each: each.cost_spent, cost_in_words),
    Measure("unpriced", "Without a price", lambda each: each.unpriced, lambda each: f"{each.unpriced:,}"),
    Measure("tokens", "Tokens", lambda each: each.total_tokens, lambda each: f"{each.total_tokens:,}"),
    Measure(
        "tokens_mean",
        "Per request",
        lambda each: each.total_tokens / each.requests,
        lambda each: f"{each.total_tokens / each.requests:,.0f}",
    ),
    Measure(
        "latency", "Mean latency", lambda each: each.mean_latency, lambda each: cards.milliseconds(each.mean_latency)
    ),
    Measure(
        "success",
        "Success",
        lambda each: 1 - each.failures / each.requests,
        lambda each: cards.percent(1 - each.failures / each.requests),
    ),
    Measure("hits", "Cache hits", lambda each: each.hit_rate, lambda each: cards.percent(each.hit_rate)),
    Measure(
        "last_seen", "Last seen", lambda each: each.last_at,
        lambda each: f"{each.last_at.astimezone(UTC):%-d %b, %H:%M}" if each.last_at else "–",
    ),
)  # fmt: skip
_NAMES = {measure.name for measure in MEASURES}


@dataclass(frozen=True)
class Order:
    """By which measure, and which end first. In an address: ``cost``, the most first, or ``-cost``, the least."""

    measure: str
    is_descending: bool

    @classmethod
    def parse(cls, text: str) -> Order:
        name = text.removeprefix("-")
        return cls(name, not text.startswith("-")) if name in _NAMES else cls("requests", True)

    def sort(self, found: dict[Any, Sums]) -> list[tuple[Any, Sums]]:
        """What has no value comes last either way; what is equal is in the order of its name."""
        value = next(measure.value for measure in MEASURES if measure.name == self.measure)
        by_name = sorted(found.items(), key=lambda item: str(item[0]))
        known = [item for item in by_name if value(item[1]) is not None]
        unknown = [item for item in by_name if value(item[1]) is None]
        return sorted(known, key=lambda item: value(item[1]), reverse=self.is_descending) + unknown


def groupings(scope: Scope) -> dict[str, str]:
    """What one may group by in this workspace: name in addresses -> in words."""
    keys = MetadataKey.objects.filter(workspace=scope.workspace).values_list("key", flat=True)
    return GROUPINGS | {rollups.metadata_dimension(key): key for key in keys}


def chosen(scope: Scope) -> str:
    asked = scope.params.get("by", "model")
    return asked if asked in groupings(scope) else "model"


def table(scope: Scope) -> Card:
    by = chosen(scope)
    found = groups.by(scope.asked, by)
    name = groups.names(scope.workspace.pk, by)
    order = Order.parse(scope.params.get("sort", ""))
    lines = [
        Line(
            name(key) or "unknown",
            scope.logs(None, **{by: this(name(key) or None)}),
            [measure.say(each) for measure in MEASURES],
            is_known=key is not None,
        )
        for key, each in order.sort(found.rows)[:MOST_LINES]
    ]
    columns = []
    for measure in MEASURES:
        is_chosen = measure.name == order.measure
        turned = f"-{measure.name}" if is_chosen and order.is_descending else measure.name
        direction = ("descending" if order.is_descending else "ascending") if is_chosen else ""
        columns.append(Column(measure.label, scope.url(sort=turned, by=by), direction))
    label = groupings(scope)[by]
    left = len(found.rows) - MOST_LINES
    return Card(
        choices=[Choice(label, scope.url(by=grouping), grouping == by) for grouping, label in groupings(scope).items()],
        table=Table(label, columns, lines, more=f"And {left:,} more: the CSV has all." if left > 0 else ""),
        notes=[f"Requests without a {label} are in no group."] if by not in groups.COLUMNS else (),
        reached=found.reached,
        empty=f"No request in this time has a {label}.",
    )


def rows_of_csv(scope: Scope) -> Iterator[Sequence[Any]]:
    """All groups, the heading first. Costs are in cents, latencies in ms, rates from 0 to 1, times UTC."""
    by = chosen(scope)
    name = groups.names(scope.workspace.pk, by)
    order = Order.parse(scope.params.get("sort", ""))
    yield [by, *(measure.name for measure in MEASURES)]
    for key, each in order.sort(groups.by(scope.asked, by).rows):
        yield [as_text(name(key)), *(measure.value(each) for measure in MEASURES)]


def write_csv(scope: Scope, file: Any) -> None:
    """Raises OutOfTime before anything is written."""
    rows = list(rows_of_csv(scope))
    csv.writer(file).writerows(rows)


TAB = about_logs(
    "summary",
    "Summary",
    {"groups": TabPart("Summary", table, is_wide=True, template="analytics/summary.html")},
    compares=False,
)

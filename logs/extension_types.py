"""Value types that other apps hand to the log pages through ``logs.extensions``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.http import QueryDict

from portkey_logs.accounts.models import Workspace


@dataclass(frozen=True)
class FeedbackScore:
    """Feedback on a log. ``average`` is None where no rating has a weight."""

    count: int
    average: Decimal | None

    @property
    def text(self) -> str:
        """``+1``, ``−0.5``: at most two decimals; without an average, how many ratings there are."""
        return f"({self.count})" if self.average is None else signed(self.average)

    @property
    def title(self) -> str:
        ratings = f"{self.count:,} rating{'' if self.count == 1 else 's'}"
        if self.average is None:
            return f"{ratings} without weight"
        return ratings if self.count == 1 else f"Weighted average of {ratings}"

    @property
    def kind(self) -> str:
        """positive, negative or neutral."""
        return sign(self.average or Decimal(0))


@dataclass(frozen=True)
class GroupRating:
    """Feedback on the requests of a group: the number with ratings, and the weighted average of these."""

    requests: int
    average: Decimal | None


@dataclass(frozen=True)
class PanelSection:
    """Part of the side panel: a template and its context, which the template reads as ``shown``."""

    template: str
    content: Any


@dataclass(frozen=True)
class LogAction:
    """Something to do with a log: a button in its row and panel (a template that reads ``action``), and its JSON."""

    template: str
    content: Any
    json: Any


class TabPart(NamedTuple):
    """Part of an analytics tab, loaded by itself: its heading, the function that computes it, its template.

    ``is_wide``: it takes the whole width; ``is_tall``: it has a table below its chart, and space is reserved for both.
    ``compute`` may raise ``sources.OutOfTime``.
    """

    title: str
    compute: Callable[[Any], Any]
    is_wide: bool = False
    is_tall: bool = False
    template: str = "analytics/card.html"


@dataclass(frozen=True)
class AnalyticsTab:
    """Tab of the analytics page. ``read`` makes its scope of a query string; ``has_any`` tells whether it has any data.

    ``empty`` is the template for when there is nothing, ``note`` a sentence that holds for all of its figures.
    """

    name: str
    title: str
    parts: Mapping[str, TabPart]
    read: Callable[[QueryDict, Workspace], Any]
    has_any: Callable[[Any], bool]
    empty: str = "analytics/empty.html"
    note: str = ""
    stylesheets: tuple[str, ...] = ()
    compares: bool = True


def sign(value: Decimal) -> str:
    return "positive" if value > 0 else "negative" if value < 0 else "neutral"


def signed(value: Decimal | float) -> str:
    """``+1``, ``−0.5``, ``0``, with at most two decimals and a true minus."""
    text = f"{abs(value):.2f}".rstrip("0").rstrip(".")
    if text == "0":
        return "0" if value == 0 else "≈0"
    return ("−" if value < 0 else "+") + text

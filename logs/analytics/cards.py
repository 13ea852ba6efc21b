"""What a card shows: figures, a chart, a table. One template draws them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from logs.analytics.scope import Scope
from logs.explorer import presentation
from portkey_logs.lib import charts
from portkey_logs.lib.charts import Chart

# Worse, better, or neither, of a figure that grows.
type Tone = str

UP_IS_BAD = "up-is-bad"
UP_IS_GOOD = "up-is-good"


@dataclass(frozen=True)
class Figure:
    """A number to read at once; it leads to ``url`` unless it is 0.

    ``change`` compares it with the period before; ``tone``: good, bad or empty.
    """

    label: str
    value: str
    url: str = ""
    change: str = ""
    tone: str = ""
    note: str = ""


@dataclass(frozen=True)
class Key:
    """What a colour of the chart means."""

    kind: str
    label: str


@dataclass(frozen=True)
class Column:
    """A column of numbers. ``sort_url`` orders the table by it; ``sorted`` is ascending or descending where it is."""

    label: str
    sort_url: str = ""
    sorted: str = ""


@dataclass(frozen=True)
class Line:
    """A row of a table: its name, the way to its logs, and its cells. ``share`` (0 to 1) is drawn as a bar."""

    name: str
    url: str
    cells: Sequence[str]
    share: float | None = None
    kind: str = "c1"
    is_known: bool = True


@dataclass(frozen=True)
class Table:
    """``head`` names the rows. It stands open, or behind its chart. ``more`` says what is left out."""

    head: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    is_open: bool = True
    more: str = ""

    @property
    def has_bars(self) -> bool:
        return any(line.share is not None for line in self.lines)


@dataclass(frozen=True)
class Card:
    """``reached``: the sums are complete from then on only. ``empty`` is said where there is nothing to show."""

    figures: Sequence[Figure] = ()
    chart: Chart | None = None
    legend: Sequence[Key] = ()
    table: Table | None = None
    notes: Sequence[str] = ()
    reached: datetime | None = None
    empty: str = ""
    choices: Sequence[Choice] = field(default=())


@dataclass(frozen=True)
class Choice:
    """Another way to see the card."""

    label: str
    url: str
    is_current: bool


def timeline(
    scope: Scope, columns: Sequence[str], cells: Callable[[int], Sequence[str] | None], **behind: str
) -> Table:
    """A chart's table: a line for each bucket, newest first, but for those whose cells are None.

    ``behind`` are filters of the logs that a line leads to.
    """
    lines = []
    for place in reversed(scope.grid.places):
        values = cells(place)
        if values is not None:
            lines.append(Line(scope.grid.words(place), scope.logs(place, **behind), values))
    return Table("Time (UTC)", [Column(label) for label in columns], lines, is_open=False)


def figure(
    label: str, value: str, now: float | Decimal, before: float | Decimal | None, *, url: str = "", tone: str = "",
    note: str = "",
) -> Figure:  # fmt: skip
    """A figure with its change since the period before, if there is one. ``tone`` is UP_IS_BAD, UP_IS_GOOD or empty;
    what is new is neither good nor bad.
    """
    change = "" if before is None else changed(float(now), float(before))
    shown = ""
    if before and tone and float(now) != float(before):
        shown = "good" if (now > before) == (tone == UP_IS_GOOD) else "bad"
    return Figure(label, value, url, change, shown, note)


def share_figure(label: str, now: float | None, before: float | None, *, tone: str) -> Figure:
    """A share (0 to 1) with its change in percentage points, unless one of them is not known."""
    if now is None or before is None:
        return Figure(label, percent(now))
    points = round(100 * (now - before), 1)
    if not points:
        return Figure(label, percent(now), change="same" if now == before else "about the same")
    shown = "good" if (points > 0) == (tone == UP_IS_GOOD) else "bad"
    return Figure(label, percent(now), "", f"{'+' if points > 0 else '−'}{abs(points):g} points", shown)


def changed(now: float, before: float) -> str:
    """``+12%``, ``−3%``, ``×25``, ``same``; ``new`` where there was nothing before."""
    if now == before:
        return "same"
    if not before:
        return "new"
    ratio = now / before
    if ratio >= 10:
        return f"×{ratio:,.0f}"
    percent = round(100 * (ratio - 1))
    return f"{'+' if percent >= 0 else '−'}{abs(percent)}%" if percent else "about the same"


def percent(share: float | None) -> str:
    """``12.4%``, ``0.03%``, ``100%``; what is not all is never 100%, and what is something never 0%."""
    if share is None:
        return "–"
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f}%"
    digits = 2 if value < 1 or value > 99 else 1
    return f"{min(max(value, 0.01), 99.99):.{digits}f}%"


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def cents(cost: Decimal | None) -> str:
    return "–" if cost is None else presentation.cents(cost)


def cents_axis(cents: float) -> str:
    """A tick of an axis of money, short enough to stand beside it."""
    return f"{charts.number(cents)} ¢" if cents else "0"


def latency_axis(ms: float) -> str:
    """A tick of an axis of latencies: ``250 ms``, ``7.5 s``."""
    if not ms:
        return "0"
    return f"{charts.number(ms)} ms" if ms < 1000 else f"{charts.number(ms / 1000)} s"


def milliseconds(ms: float | None) -> str:
    return "–" if ms is None else presentation.duration(round(ms))


def time_spent(ms: int) -> str:
    """A sum of many latencies: ``412 ms``, ``3 min 20 s``, ``5 h 12 min``, ``12 d 3 h``."""
    hours, minutes = ms // 3_600_000, ms // 60_000
    if hours >= 48:
        return f"{hours // 24:,} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else presentation.duration(ms)


def many(count: int, noun: str) -> str:
    """``1 request``, ``1,200 requests``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

"""Charts: from numbers to shapes that a template draws as SVG. Nothing here knows the product or Django.

The drawing is WIDTH by HEIGHT units and is stretched to its place, so a shape has no size in pixels: lines keep
theirs by ``vector-effect``, dots are lines without length, and all words stand around the drawing as HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

WIDTH = 1000
HEIGHT = 200
GAP = 0.22  # of a column's room stays empty
STEPS = 4  # at most so many spaces between lines of the grid
_NICE = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high`` in equal steps, so that its labels need no positions."""

    low: float
    high: float
    step: float

    @classmethod
    def around(cls, values: Sequence[float], *, whole: bool = False) -> Scale:
        """The smallest round axis that holds all values and zero. ``whole``: steps are whole numbers."""
        low, high = min([0.0, *values]), max([0.0, *values])
        if low == high:
            high = 1.0
        rough = (high - low) / STEPS
        if whole:
            rough = max(rough, 1.0)
        power = 10.0 ** floor(log10(rough))
        for step in (nice * power for nice in (*_NICE, 20, 50, 100)):
            if whole and step != int(step):
                continue
            scale = cls(floor(round(low / step, 9)) * step, ceil(round(high / step, 9)) * step, step)
            if round((scale.high - scale.low) / step) <= STEPS:
                return scale
        raise AssertionError("a step of a hundred times the rough one always fits")

    @property
    def ticks(self) -> list[float]:
        """From the top to the bottom."""
        return [round(self.high - n * self.step, 9) for n in range(round((self.high - self.low) / self.step) + 1)]

    def y(self, value: float) -> float:
        """How far below the top of the drawing the value lies."""
        return round((self.high - value) / (self.high - self.low) * HEIGHT, 2)


@dataclass(frozen=True)
class Mark:
    """One place to point at: what it says, where it leads, and the shape. ``room`` is all that answers to a pointer."""

    words: str
    url: str
    kind: str
    x: float
    y: float
    width: float
    height: float
    room: tuple[float, float, float, float]  # x, y, width, height


@dataclass(frozen=True)
class Chart:
    """``labels`` stand below, evenly spread over the width; ``lines`` are the grid, ``zero`` is where it starts."""

    title: str
    marks: list[Mark]
    scale: Scale
    labels: list[str]
    path: str = ""

    @property
    def lines(self) -> list[float]:
        return [self.scale.y(tick) for tick in self.scale.ticks]

    @property
    def zero(self) -> float:
        return self.scale.y(0)

    @property
    def ticks(self) -> list[str]:
        return [number(tick) for tick in self.scale.ticks]


@dataclass(frozen=True)
class Datum:
    """A value at one place of the x axis; a place may have several (they must not overlap) or none (None)."""

    place: int
    value: float | None
    words: str
    url: str = ""
    kind: str = ""


def columns(title: str, data: Sequence[Datum], places: int, labels: Sequence[str], *, most_labels: int = 6) -> Chart:
    """A column for each value, up or down from zero. What is 0 has none."""
    scale = Scale.around([datum.value or 0.0 for datum in data], whole=True)
    room = WIDTH / max(places, 1)
    zero = scale.y(0)
    marks = []
    for datum in data:
        if not datum.value:
            continue
        end = scale.y(datum.value)
        top, bottom = min(zero, end), max(zero, end)
        left = datum.place * room
        reach = (0.0, zero) if datum.value > 0 else (zero, HEIGHT - zero)
        marks.append(
            Mark(
                datum.words,
                datum.url,
                datum.kind,
                x=round(left + room * GAP / 2, 2),
                y=top,
                width=round(room * (1 - GAP), 2),
                height=round(bottom - top, 2),
                room=(round(left, 2), reach[0], round(room, 2), reach[1]),
            )
        )
    return Chart(title, marks, scale, thin(labels, most_labels))


def line(title: str, data: Sequence[Datum], places: int, labels: Sequence[str]) -> Chart:
    """A dot for each value, joined where neighbouring places both have one."""
    known = [datum for datum in data if datum.value is not None]
    scale = Scale.around([datum.value or 0.0 for datum in known])
    room = WIDTH / max(places, 1)
    marks, path, before = [], "", None
    for datum in known:
        x, y = round((datum.place + 0.5) * room, 2), scale.y(datum.value or 0.0)
        path += f"{'L' if before == datum.place - 1 else 'M'}{x:g} {y:g}"
        before = datum.place
        left = round(datum.place * room, 2)
        marks.append(
            Mark(datum.words, datum.url, datum.kind, x, y, 0, 0, room=(left, 0.0, round(room, 2), float(HEIGHT)))
        )
    return Chart(title, marks, scale, thin(labels), path)


def thin(labels: Sequence[str], most: int = 6) -> list[str]:
    """The labels that fit below a drawing: all, or every so manyth and blanks between; places stay what they are."""
    every = ceil(len(labels) / most)
    return [label if at % every == 0 else "" for at, label in enumerate(labels)] if every > 1 else list(labels)


def leaning(value: float, reach: float) -> tuple[float, float]:
    """A bar of a table that leans left for negative and right for positive: its x and width in -1 … 1."""
    part = max(-1.0, min(1.0, value / reach)) if reach else 0.0
    return (round(min(part, 0.0), 4), round(abs(part), 4))


def number(value: float) -> str:
    """``1,200``, ``0.25``, ``−3``: two decimals at most, or one digit of what is smaller; with a true minus."""
    digits = 2 if value == 0 or abs(value) >= 0.005 else -floor(log10(abs(value)))
    text = f"{abs(value):,.{digits}f}".rstrip("0").rstrip(".")
    return f"−{text}" if value < 0 and text != "0" else text

"""Charts: from numbers to shapes that a template draws as SVG. Nothing here knows the product or Django.

The drawing is WIDTH by HEIGHT units and is stretched to its place, so a shape has no size in pixels: lines keep
theirs by ``vector-effect``, dots are lines without length, and all words stand around the drawing as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
class Bar:
    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Dot:
    kind: str
    x: float
    y: float


@dataclass(frozen=True)
class Mark:
    """A place to point at: what it says, where it leads, and its shapes. ``room`` is all that answers to a pointer."""

    words: str
    url: str
    shapes: Sequence[Bar | Dot]
    room: tuple[float, float, float, float]  # x, y, width, height

    @property
    def bars(self) -> list[Bar]:
        return [shape for shape in self.shapes if isinstance(shape, Bar)]

    @property
    def dots(self) -> list[Dot]:
        return [shape for shape in self.shapes if isinstance(shape, Dot)]


@dataclass(frozen=True)
class Path:
    """A line through the middles of the places; it breaks where a value is not known."""

    kind: str
    d: str


@dataclass(frozen=True)
class Chart:
    """``labels`` stand below, evenly spread over the width; ``lines`` are the grid, ``zero`` is where it starts."""

    title: str
    marks: list[Mark]
    scale: Scale
    labels: list[str]
    paths: list[Path]
    say: Callable[[float], str]

    @property
    def lines(self) -> list[float]:
        return [self.scale.y(tick) for tick in self.scale.ticks]

    @property
    def zero(self) -> float:
        return self.scale.y(0)

    @property
    def ticks(self) -> list[str]:
        return [self.say(tick) for tick in self.scale.ticks]


@dataclass(frozen=True)
class Datum:
    """A value at one place of the x axis; several at a place are stacked, those below zero downwards."""

    place: int
    value: float
    words: str
    url: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Point:
    """The values of all lines at one place; None where one is not known."""

    place: int
    values: Sequence[float | None]
    words: str
    url: str = ""


def columns(
    title: str,
    data: Sequence[Datum],
    places: int,
    labels: Sequence[str],
    *,
    before: Sequence[float | None] = (),
    most_labels: int = 6,
    whole: bool = True,
    say: Callable[[float], str] | None = None,
) -> Chart:
    """A column for each value, up or down from zero. What is 0 has none.

    ``before``: what to compare with, by place, as a line. ``whole``: the axis has whole numbers only. ``say`` words
    the axis, ``number`` unless given.
    """
    ends: dict[tuple[int, bool], float] = {}
    spans: list[tuple[Datum, float, float]] = []
    for datum in data:
        if datum.value:
            side = (datum.place, datum.value > 0)
            start = ends.get(side, 0.0)
            ends[side] = start + datum.value
            spans.append((datum, start, ends[side]))
    scale = Scale.around([*ends.values(), *_known(before)], whole=whole)
    room = WIDTH / max(places, 1)
    marks = []
    for datum, start, end in spans:
        top, bottom = sorted((scale.y(start), scale.y(end)))
        left = datum.place * room
        bar = Bar(datum.kind, round(left + room * GAP / 2, 2), top, round(room * (1 - GAP), 2), round(bottom - top, 2))
        # The last of a stack answers up to the edge, however low it is.
        is_last = end == ends[datum.place, datum.value > 0]
        high, low = (0.0 if is_last and end > 0 else top), (float(HEIGHT) if is_last and end < 0 else bottom)
        marks.append(Mark(datum.words, datum.url, [bar], (round(left, 2), high, round(room, 2), round(low - high, 2))))
    return Chart(title, marks, scale, thin(labels, most_labels), _before(before, scale, room), say or number)


def lines(
    title: str,
    points: Sequence[Point],
    kinds: Sequence[str],
    places: int,
    labels: Sequence[str],
    *,
    before: Sequence[float | None] = (),
    say: Callable[[float], str] | None = None,
) -> Chart:
    """A line for each of ``kinds``, with a dot for each value, joined where neighbouring places both have one."""
    scale = Scale.around([*(value for point in points for value in _known(point.values)), *_known(before)])
    room = WIDTH / max(places, 1)
    courses: list[list[float | None]] = [[None] * places for _ in kinds]
    marks = []
    for point in points:
        x, dots = round((point.place + 0.5) * room, 2), []
        for kind, course, value in zip(kinds, courses, point.values, strict=True):
            course[point.place] = value
            if value is not None:
                dots.append(Dot(kind, x, scale.y(value)))
        if dots:
            box = (round(point.place * room, 2), 0.0, round(room, 2), float(HEIGHT))
            marks.append(Mark(point.words, point.url, dots, box))
    paths = [Path(kind, _course(course, scale, room)) for kind, course in zip(kinds, courses, strict=True)]
    return Chart(title, marks, scale, thin(labels), _before(before, scale, room) + paths, say or number)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _before(values: Sequence[float | None], scale: Scale, room: float) -> list[Path]:
    return [Path("before", _course(values, scale, room))] if _known(values) else []


def _course(values: Sequence[float | None], scale: Scale, room: float) -> str:
    d, joined = "", False
    for place, value in enumerate(values):
        if value is not None:
            d += f"{'L' if joined else 'M'}{round((place + 0.5) * room, 2):g} {scale.y(value):g}"
        joined = value is not None
    return d


def thin(labels: Sequence[str], most: int = 6) -> list[str]:
    """The labels that fit below a drawing: all, or every so manyth and blanks between; places stay what they are."""
    every = ceil(len(labels) / most)
    return [label if at % every == 0 else "" for at, label in enumerate(labels)] if every > 1 else list(labels)


def leaning(value: float, reach: float) -> tuple[float, float]:
    """A bar of a table that leans left for negative and right for positive: its x and width in -1 … 1."""
    part = max(-1.0, min(1.0, value / reach)) if reach else 0.0
    return (round(min(part, 0.0), 4), round(abs(part), 4))


def number(value: float) -> str:
    """``1,200``, ``0.25``, ``0.075``, ``−3``: two decimals, or two digits of what is smaller; with a true minus."""
    digits = 2 if value == 0 else max(2, 1 - floor(log10(abs(value))))
    text = f"{abs(value):,.{digits}f}".rstrip("0").rstrip(".")
    return f"−{text}" if value < 0 and text != "0" else text

"""Geometry of the charts: everything lies within the drawing, and lengths tell the values."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_logs.lib import charts
from portkey_logs.lib.charts import HEIGHT, STEPS, WIDTH, Datum, Point, Scale

NUMBERS = st.floats(-1e6, 1e6).filter(lambda number: number == 0 or abs(number) > 1e-6)


@given(st.lists(NUMBERS, max_size=20), st.booleans())
def test_a_scale_holds_all_values_and_zero_in_few_round_steps(values: list[float], whole: bool) -> None:
    scale = Scale.around(values, whole=whole)
    slack = 1e-6 * scale.step
    assert scale.low <= min([0, *values]) + slack
    assert scale.high >= max([0, *values]) - slack
    assert 2 <= len(scale.ticks) <= STEPS + 1
    assert min(abs(tick) for tick in scale.ticks) < slack
    assert scale.ticks == sorted(scale.ticks, reverse=True)
    assert (scale.y(scale.high), scale.y(scale.low)) == (0, HEIGHT)
    if whole:
        assert all(tick == int(tick) for tick in scale.ticks)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], ["1", "0.75", "0.5", "0.25", "0"]),
        ([3], ["3", "2", "1", "0"]),
        ([-1, 1], ["1", "0.5", "0", "−0.5", "−1"]),
        ([97], ["100", "75", "50", "25", "0"]),
        ([12000, -300], ["15,000", "10,000", "5,000", "0", "−5,000"]),
    ],
)
def test_ticks(values: list[float], ticks: list[str]) -> None:
    assert charts.lines("t", [Point(0, [value], "") for value in values], ["a"], 1, []).ticks == ticks


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=31))
def test_columns_stand_on_zero_and_are_as_high_as_their_values(values: list[int]) -> None:
    data = [Datum(place, value, str(value)) for place, value in enumerate(values)]
    chart = charts.columns("t", data, len(values), [])
    assert [mark.words for mark in chart.marks] == [str(value) for value in values if value]
    unit = HEIGHT / (chart.scale.high - chart.scale.low)
    for mark in chart.marks:
        value, (bar,) = int(mark.words), mark.bars
        assert bar.height == pytest.approx(abs(value) * unit, abs=0.05)
        assert (bar.y + bar.height if value > 0 else bar.y) == pytest.approx(chart.zero, abs=0.05)
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH + 0.1
        assert mark.room[0] <= bar.x


@given(st.lists(st.integers(-1000, 1000).filter(bool), min_size=1, max_size=6))
def test_values_of_one_place_are_stacked(values: list[int]) -> None:
    chart = charts.columns("t", [Datum(0, value, str(value), kind=str(value)) for value in values], 1, [])
    unit = HEIGHT / (chart.scale.high - chart.scale.low)
    up, down = 0, 0
    for value, mark in zip(values, chart.marks, strict=True):
        (bar,) = mark.bars
        start, up, down = (up, up + value, down) if value > 0 else (down, up, down + value)
        assert bar.y == pytest.approx(chart.zero - max(start, start + value) * unit, abs=0.05)
        assert bar.height == pytest.approx(abs(value) * unit, abs=0.05)
    rooms = sorted((mark.room[1], mark.room[1] + mark.room[3]) for mark in chart.marks)
    assert all(low <= high + 0.05 for (_, low), (high, _) in pairwise(rooms))  # none covers another


def test_what_came_before_is_within_the_scale() -> None:
    chart = charts.columns("t", [Datum(0, 5, "")], 2, [], before=[100.0, None])
    assert chart.scale.high >= 100
    assert [(path.kind, path.d) for path in chart.paths] == [("before", "M250 0")]


def test_lines_share_a_mark_at_each_place() -> None:
    chart = charts.lines(
        "t", [Point(0, [1, 2], "a"), Point(1, [None, 4], "b"), Point(2, [None, None], "c")], ["p", "q"], 3, []
    )
    assert [(mark.words, [dot.kind for dot in mark.dots]) for mark in chart.marks] == [("a", ["p", "q"]), ("b", ["q"])]
    assert [path.kind for path in chart.paths] == ["p", "q"]


def test_a_line_breaks_where_nothing_is_known() -> None:
    values = [1.0, 2.0, None, 3.0, None, 4.0, 5.0]
    chart = charts.lines("t", [Point(place, [value], "") for place, value in enumerate(values)], ["a"], 7, [])
    assert [letter for letter in chart.paths[0].d if letter in "ML"] == list("MLMML")
    assert len(chart.marks) == 5


def test_only_as_many_labels_as_fit() -> None:
    thinned = charts.thin([str(n) for n in range(31)])
    assert len(thinned) == 31
    assert [label for label in thinned if label] == ["0", "6", "12", "18", "24", "30"]
    assert charts.thin(["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize(("value", "shape"), [(0, (0, 0)), (5, (0, 0.5)), (-5, (-0.5, 0.5)), (20, (0, 1))])
def test_leaning(value: float, shape: tuple[float, float]) -> None:
    assert charts.leaning(value, 10) == shape

"""The colours of charts can be told apart by everybody, and stand out from the page, light and dark."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

from tests.lib.colours import DEFICIENCIES, Colour, contrast, distance, linear_of_oklch, oklab_of_linear, seen_with

TOKENS = (Path(__file__).parents[2] / "static/css/tokens.css").read_text()
OKLCH = r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)"
LEAST_DISTANCE = 0.075  # in OKLab: nearly four times what is just noticeable
LEAST_CONTRAST = 3.0  # WCAG 2.2, 1.4.11: graphics


def colours(pattern: str, theme: int) -> dict[str, Colour]:
    found = re.findall(rf"--({pattern}): light-dark\({OKLCH}, {OKLCH}\)", TOKENS)
    return {name: linear_of_oklch(*map(float, values[3 * theme : 3 * theme + 3])) for name, *values in found}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("vision", ["normal", *DEFICIENCIES])
def test_no_two_colours_look_alike(theme: int, vision: str) -> None:
    palette = colours(r"chart-\w+", theme)
    assert len(palette) == 6
    seen = {name: seen_with(vision, each) if vision in DEFICIENCIES else each for name, each in palette.items()}
    for one, other in combinations(seen, 2):
        assert distance(seen[one], seen[other]) > LEAST_DISTANCE, (one, other)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_colour_stands_out_from_the_page(theme: int) -> None:
    (page,) = colours("bg", theme).values()
    for name, colour in colours(r"chart-\w+", theme).items():
        assert contrast(colour, page) >= LEAST_CONTRAST, name


def test_the_simulation_itself() -> None:
    """Red and green are far apart, and near for those who lack one of the two; white stays white."""
    red, green, white = (0.5, 0.02, 0.02), (0.1, 0.2, 0.02), (1.0, 1.0, 1.0)
    assert distance(seen_with("deuteranopia", red), seen_with("deuteranopia", green)) < distance(red, green) / 2
    for deficiency in DEFICIENCIES:
        assert distance(seen_with(deficiency, white), white) < 0.001
    assert oklab_of_linear(white)[0] == pytest.approx(1, abs=1e-3)
    assert contrast(white, (0.0, 0.0, 0.0)) == pytest.approx(21)

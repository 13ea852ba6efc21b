"""Style sheets take sizes of type from the scale in tokens.css."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parents[1] / "static/css"
TOKENS = (CSS / "tokens.css").read_text()
SHEETS = sorted(path for path in CSS.glob("*.css") if path.name != "tokens.css")


def _literal_sizes(css: str) -> list[str]:
    """Declarations of ``font-size`` and ``font`` that have a length of their own."""
    declarations = re.findall(r"(?<![\w-])(font(?:-size)?):\s*([^;}]+)", css)
    return [
        f"{name}: {value}"
        for name, value in declarations
        if re.search(r"\d(?:px|r?em|pt|%|ch|vw)\b", value if name == "font-size" else value.partition("/")[0])
        or (name == "font-size" and re.search(r"\b(?:larger|smaller|(?:x+-)?(?:small|large)|medium)\b", value))
    ]


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_no_size_of_type_is_literal(sheet: Path) -> None:
    assert _literal_sizes(sheet.read_text()) == []


@pytest.mark.parametrize(
    ("css", "is_literal"),
    [
        ("a { font-size: 13px; }", True),
        ("a { font-size: 1.2rem }", True),
        ("a { font-size: smaller; }", True),
        ("a { font: 600 12px/20px var(--mono); }", True),
        ("a { font-size: var(--text-m); }", False),
        ("a { font: var(--text-l) / 20px var(--font); }", False),
        ("a { font: inherit; font-family: x; }", False),
    ],
)
def test_the_check_sees_literal_sizes(css: str, is_literal: bool) -> None:
    assert bool(_literal_sizes(css)) is is_literal


def test_the_scale_has_what_is_used_and_no_more() -> None:
    defined = set(re.findall(r"(--text-[\w-]+):", TOKENS))
    used = {name for sheet in SHEETS for name in re.findall(r"var\((--text-[\w-]+)\)", sheet.read_text())}
    assert used == defined

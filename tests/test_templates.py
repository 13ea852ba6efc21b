"""Templates can be read without scrolling sideways."""

from pathlib import Path

TEMPLATES = Path(__file__).parents[1] / "templates"
MAX_LINE = 160  # characters: what an editor beside a preview shows
# Still to be split: white space between their parts would show, or tests read their markup as text.
UNSPLIT = {
    "analytics/card.html",
    "analytics/table.html",
    "logs/bar.html",
    "logs/facts.html",
    "replay/playground.html",
}


def test_no_line_is_too_long() -> None:
    long = [
        f"{path.relative_to(TEMPLATES)}:{number} has {len(line)} characters"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MAX_LINE and str(path.relative_to(TEMPLATES)) not in UNSPLIT
    ]
    assert long == []

"""Text that goes into a spreadsheet."""

from __future__ import annotations

# A spreadsheet takes a cell that begins like this for a formula, which may send the sheet elsewhere.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_text(value: str) -> str:
    """The value, with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value

"""JSON texts set out over lines without reading them into numbers and dicts: ``1.0``, ``1e400`` and repeated
keys stay as they were written."""

from __future__ import annotations

import json
import re

from logs.viewer.drawing import DrawingBudget

# A string may lack its end, where the text was cut: were that no token, each quotation mark in it would be looked
# through to the end again.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[{}\[\],:]|[^\s{}\[\],:"]+')
_INDENT = "  "
_OPENS_LINE = ("{", "[", ",")
MAX_CHARACTERS = 1_000_000  # a longer text is shown as it is
MAX_LAID_OUT = 400_000  # with its indents, which may be a hundred times the text: no card draws more
MAX_DEPTH = 100


def is_json(text: str) -> bool:
    """Whether the text is JSON, and short enough to be set out."""
    if len(text) > MAX_CHARACTERS:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def over_lines(text: str, budget: DrawingBudget) -> tuple[str, int]:
    """A JSON text with one value a line, and how many characters of the text are left out behind MAX_LAID_OUT.

    As it is where it is nested deeper than MAX_DEPTH. Raises BudgetExhausted.
    """
    out: list[str] = []
    depth = size = 0
    before = ""
    for match in _TOKEN.finditer(text):
        budget.check()
        piece = match[0]
        depth -= piece in "}]"
        is_empty = before + piece in ("{}", "[]")
        line = "\n" + _INDENT * depth if (before in _OPENS_LINE or piece in "}]") and not is_empty else ""
        out.append(line + piece + " " * (piece == ":"))
        depth += piece in "{["
        before = piece
        size += len(out[-1])
        if depth > MAX_DEPTH:
            return text, 0
        if size > MAX_LAID_OUT:
            return "".join(out), len(text) - match.end()
    return "".join(out), 0

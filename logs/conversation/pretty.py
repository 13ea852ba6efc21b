"""JSON texts set out over lines without reading them into numbers and dicts: ``1.0``, ``1e400`` and repeated
keys stay as they were written."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_INDENT = "  "
MAX_CHARACTERS = 1_000_000  # a longer text is shown as it is
MAX_DEPTH = 100


def pretty_text(text: str) -> str | None:
    """The JSON text with one value a line; None where it is no JSON."""
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _lines(_TOKEN.findall(text))


def _lines(pieces: list[str]) -> str | None:
    out: list[str] = []
    depth = 0
    for position, piece in enumerate(pieces):
        if piece in "{[":
            out.append(piece)
            depth += 1
            if depth > MAX_DEPTH:
                return None
            if pieces[position + 1] not in "}]":
                out.append("\n" + _INDENT * depth)
        elif piece in "}]":
            depth -= 1
            if pieces[position - 1] not in "{[":
                out.append("\n" + _INDENT * depth)
            out.append(piece)
        elif piece == ",":
            out.append(",\n" + _INDENT * depth)
        else:
            out.append(": " if piece == ":" else piece)
    return "".join(out)

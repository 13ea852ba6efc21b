"""Searching in one body: for text, in any case, however JSON spells it (``é`` is found in ``\\u00e9``)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from logs.viewer import json_tree
from logs.viewer.json_scan import Locator, outside_escape

MAX_HITS = 100  # more are counted by nobody: the search is made narrower
MAX_QUERY = 200  # characters
CONTEXT_BYTES = 160  # on each side of a hit
CONTEXT_CHARACTERS = 60

_SHORT = {'"': b'"', "\\": b"\\", "/": b"/", "\b": b"b", "\f": b"f", "\n": b"n", "\r": b"r", "\t": b"t"}
_LONG = {name.decode(): text for text, name in _SHORT.items()}
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_SPACES = re.compile(r"\s+")
# A piece of the document is read with the means of C, to see whether there is a hit at all; only then
# does the pattern look where it stands, which takes 300 ns for each octet.
PIECE_BYTES = 16 * 1024
LONGEST_SPELLING = 12  # octets of one character: an escaped surrogate pair


@dataclass(frozen=True)
class Hit:
    offset: int  # of its first octet in the document
    path: str  # for the tree, as in Node.path
    place: str  # for people
    before: str
    text: str
    after: str


@dataclass
class Found:
    query: str
    hits: list[Hit] = field(default_factory=list)
    has_more: bool = False


def find(doc: bytes, query: str, *, in_json: bool) -> Found:
    """The first hits in the octets of a document. ``in_json``: its strings are looked at as what they mean."""
    found = Found(query)
    spans: list[tuple[int, int]] = []
    for span in _spans(doc, query, in_json=in_json):
        if len(spans) == MAX_HITS:
            found.has_more = True
            break
        spans.append(span)
    places = _places(doc, [start for start, _ in spans]) if in_json else [("", "")] * len(spans)
    for (start, end), (path, place) in zip(spans, places, strict=True):
        text = _readable(doc[start:end], in_json=in_json)
        before = _readable(doc[outside_escape(doc, max(start - CONTEXT_BYTES, 0)) : start], in_json=in_json)
        after = _readable(doc[end : end + CONTEXT_BYTES], in_json=in_json)
        found.hits.append(Hit(start, path, place, before[-CONTEXT_CHARACTERS:], text, after[:CONTEXT_CHARACTERS]))
    return found


def in_text(query: str) -> re.Pattern[str]:
    """What the query finds in text that is decoded already."""
    return re.compile(re.escape(query), re.IGNORECASE)


def _spans(doc: bytes, query: str, *, in_json: bool) -> Iterator[tuple[int, int]]:
    if not query:
        return
    pattern = re.compile(b"".join(_spellings(character, in_json=in_json) for character in query))
    wanted = query.lower()
    overlap = LONGEST_SPELLING * len(query)
    done = 0  # hits do not overlap
    for start in range(0, len(doc), PIECE_BYTES):
        end = min(start + PIECE_BYTES + overlap, len(doc))
        if not _holds(doc, start, end, wanted, in_json=in_json):
            continue
        pos = max(start, done)
        while (match := pattern.search(doc, pos, end)) and match.start() < start + PIECE_BYTES:
            pos = match.start() + 1
            if not in_json or outside_escape(doc, match.start()) == match.start():
                pos = done = match.end()
                yield match.span()


def _holds(doc: bytes, start: int, end: int, wanted: str, *, in_json: bool) -> bool:
    """Whether a piece of the document holds the text, in any case; rather yes than no."""
    if in_json:
        start, end = outside_escape(doc, start), outside_escape(doc, end)
    piece = doc[start:end]
    if in_json and b"\\" in piece:
        piece = piece.replace(b"\\\\", b"\\u005c").replace(b'\\"', b"\\u0022").replace(b'"', b"\\u0022")
        try:
            text = json.loads(f'"{piece.decode("utf-8", "replace")}"', strict=False)
        except ValueError:
            return True
    else:
        text = piece.decode("utf-8", "replace")
    return wanted in text.lower()


def _spellings(character: str, *, in_json: bool) -> bytes:
    cases = {character, *(each for each in (character.lower(), character.upper()) if len(each) == 1)}
    spellings = []
    for case in sorted(cases):
        if not in_json or case not in ("\\", "\n", "\t"):
            spellings.append(re.escape(case.encode("utf-8", "replace")))
        if in_json:
            if case in _SHORT:
                spellings.append(rb"\\" + re.escape(_SHORT[case]))
            units = case.encode("utf-16-be", "surrogatepass")
            spellings.append(b"".join(rb"\\u" + _hex(units[i : i + 2]) for i in range(0, len(units), 2)))
    return spellings[0] if len(spellings) == 1 else b"(?:" + b"|".join(spellings) + b")"


def _hex(unit: bytes) -> bytes:
    return b"".join(
        digit.encode() if digit.isdecimal() else f"[{digit}{digit.upper()}]".encode() for digit in unit.hex()
    )


def _places(doc: bytes, offsets: list[int]) -> list[tuple[str, str]]:
    locator = Locator(doc)
    places = []
    for offset in offsets:
        members = locator.find(offset)
        path = "".join(f"/{member.position}" for member in members)
        places.append((path, json_tree.spelled(doc, members)))
    return places


def _readable(octets: bytes, *, in_json: bool) -> str:
    """A piece of the document as one line of text; an escape or character that it cuts off is left out."""
    text = octets.decode("utf-8", "ignore")
    if in_json:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _LONG[match[2]], text)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _SPACES.sub(" ", text)

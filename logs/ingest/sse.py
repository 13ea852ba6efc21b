"""Server-sent events (WHATWG HTML, section 9.2) from bytes that may be cut or broken.

Never raises; each byte is looked at a constant number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# str.splitlines would also split at U+2028 and others, which JSON texts hold unescaped.
_LINE_END = re.compile(r"\r\n|\n|\r")
_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")


class Event(NamedTuple):
    """One event: its type ("" when the sender gave none) and its data lines joined by newlines."""

    type: str
    data: str


def looks_like_sse(raw: bytes) -> bool:
    """Whether ``raw`` starts as an event stream does: JSON never begins with a field name or a comment."""
    return _START.match(raw) is not None


def parse(raw: bytes) -> Iterator[Event]:
    """The events of ``raw`` in order; comments, ids and retry hints are left out.

    Bytes that are not UTF-8 become U+FFFD. A last event without its blank line is
    given too, although browsers drop it: clients trim the text they log, and a data
    line that was cut in the middle is no JSON and shows itself.
    """
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
    event_type = ""
    data: list[str] = []
    for line in _lines(text):
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name == "event":
                event_type = value
            continue
        if data:
            yield Event(event_type, "\n".join(data))
        event_type, data = "", []
    if data:
        yield Event(event_type, "\n".join(data))


def _lines(text: str) -> Iterator[str]:
    start = 0
    for match in _LINE_END.finditer(text):
        yield text[start : match.start()]
        start = match.end()
    yield text[start:]

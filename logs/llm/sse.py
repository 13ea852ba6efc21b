"""Server-sent events (WHATWG HTML, section 9.2) from bytes that may be cut or broken.

Never raises; each byte is looked at a constant number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FIELDS = (b"data:", b"event:", b"id:", b"retry:")
_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*((?:data|event|id|retry)?:)?")


class Event(NamedTuple):
    """One event: its type ("" when the sender gave none) and its data lines joined by newlines."""

    type: str
    data: str


def looks_like_sse(raw: bytes) -> bool:
    """Whether ``raw`` starts as an event stream does: JSON never begins with a field name or a comment.

    A stream that was cut inside its very first field name ("dat") is one too.
    """
    start = _START.match(raw)
    if start is None:
        return False
    rest = raw[start.end() : start.end() + 7]
    return start[1] is not None or (rest != b"" and any(field.startswith(rest) for field in _FIELDS))


def parse(raw: bytes) -> Iterator[Event]:
    """The events of ``raw`` in order; comments, ids and retry hints are left out.

    Bytes that are not UTF-8 become U+FFFD. A last event without its blank line is
    given too, although browsers drop it: clients trim the text they log, and a data
    line that was cut in the middle is no JSON and shows itself.
    """
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
    # str.splitlines would also split at U+2028 and others, which JSON texts hold unescaped.
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = 0
    while start < len(text):
        end = text.find("\n\n", start)
        block = text[start:] if end < 0 else text[start:end]
        start = len(text) if end < 0 else end + 2
        if block.startswith("data: ") and "\n" not in block:  # the usual case
            yield Event("", block[6:])
        elif event := _event(block):
            yield event


def _event(block: str) -> Event | None:
    """The event of lines between blank ones; None where no line has data."""
    event_type = ""
    data: list[str] = []
    for line in block.split("\n"):
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif name == "event":
            event_type = value.removeprefix(" ")
    return Event(event_type, "\n".join(data)) if data else None

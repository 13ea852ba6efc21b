"""``multipart/form-data`` (RFC 7578) as sent to images and audio endpoints: fields read, files left where they are.

Never raises; each byte is looked at once, and the octets of a file are never copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_HEADERS = 4096  # bytes of one part's headers: three short lines
MAX_PARTS = 1000  # an edit has at most 16 images
MAX_VALUE = 100_000  # bytes of one field: the longest are prompts of 32,000 characters

_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)', re.IGNORECASE)
_HEADER = re.compile(r"^([\w-]+):[ \t]*(.*?)\r?$", re.MULTILINE)
_PARAMETER = re.compile(r'[;\s](name|filename)="((?:[^"\\]|\\.)*)"')


class Part(NamedTuple):
    """One part: its octets are ``raw[start:end]``. ``filename`` is None for a plain field.

    ``whole`` is False for a part that was cut off.
    """

    name: str
    filename: str | None
    content_type: str
    start: int
    end: int
    whole: bool


def is_form(content_type: str | None) -> bool:
    """Whether a Content-Type is that of a form with files."""
    return (content_type or "").lower().startswith("multipart/form-data")


def parts(raw: bytes, content_type: str | None) -> Iterator[Part]:
    """The parts in order; of a body that was cut, the last one as far as it came."""
    found = _BOUNDARY.search(content_type or "")
    if found:
        boundary = found[1].encode("latin-1", "replace")
    elif raw.startswith(b"--"):  # the header is lost: the first line is the boundary
        boundary = raw[2:202].partition(b"\n")[0].rstrip(b"\r")
    else:
        return
    mark = b"\n--" + boundary
    position = 0 if raw.startswith(mark[1:]) else raw.find(mark)
    for _ in range(MAX_PARTS):
        if not boundary or position < 0:
            return
        begin = raw.find(b"\n", position + 1) + 1
        if not begin or raw[position : begin + 2].strip().endswith(boundary + b"--"):
            return
        position = raw.find(mark, begin - 1)
        part = _part(raw, begin, position if position >= 0 else len(raw), position >= 0)
        if part is not None:
            yield part


def fields(raw: bytes, content_type: str | None) -> dict[str, str]:
    """The plain fields by name, "[]" of lists left out; the first of each name, and none that was cut off."""
    found: dict[str, str] = {}
    for part in parts(raw, content_type):
        if part.filename is None and part.whole and part.end - part.start <= MAX_VALUE:
            found.setdefault(part.name.removesuffix("[]"), raw[part.start : part.end].decode("utf-8", "replace"))
    return found


def _part(raw: bytes, begin: int, end: int, whole: bool) -> Part | None:
    limit = min(begin + MAX_HEADERS, end)
    blank, skipped = raw.find(b"\r\n\r\n", begin, limit), 4
    if blank < 0:
        blank, skipped = raw.find(b"\n\n", begin, limit), 2
    if blank < 0:
        return None
    head = raw[begin:blank].decode("utf-8", "replace")
    headers = {name.lower(): value for name, value in _HEADER.findall(head)}
    names = dict(_PARAMETER.findall(headers.get("content-disposition", "")))
    if "name" not in names:
        return None
    start = blank + skipped
    end -= raw[end - 1 : end] == b"\r"  # the mark's line end belongs to the mark
    return Part(names["name"], names.get("filename"), headers.get("content-type", ""), start, max(start, end), whole)

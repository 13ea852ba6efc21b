"""The parts of a multipart/form-data body (file uploads), found without copying them."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_PARTS = 100
_MAX_HEADER = 4096  # bytes of one part's header lines

_BOUNDARY = re.compile(rb"--([^\r\n]{1,200}?)[ \t]*\r?\n")
_NAME = re.compile(r'\bname="([^"]*)"')
_FILE_NAME = re.compile(r'\bfilename="([^"]*)"')
_TYPE = re.compile(r"^content-type:[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Field:
    """One part; its content is ``body[start:end]``."""

    name: str
    file_name: str | None
    type: str
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def fields(body: bytes) -> list[Field]:
    """The parts of a body, empty where it is not multipart. The boundary is the body's first line (RFC 2046, 5.1.1):
    the header that names it may be masked or missing."""
    opening = _BOUNDARY.match(body)
    if opening is None:
        return []
    delimiter = b"\n--" + opening[1]
    found: list[Field] = []
    at = opening.end()
    while len(found) < MAX_PARTS:
        end = body.find(delimiter, at)
        stop = end if end >= 0 else len(body)
        if part := _field(body, at, stop - (end > at and body[end - 1 : end] == b"\r")):
            found.append(part)
        next_line = body.find(b"\n", end + len(delimiter)) + 1 if end >= 0 else 0
        if not next_line or body.startswith(b"--", end + len(delimiter)):
            break
        at = next_line
    return found


def _field(body: bytes, start: int, end: int) -> Field | None:
    blank = re.compile(rb"\r?\n\r?\n").search(body, start, min(end, start + _MAX_HEADER))
    if blank is None:
        return None
    header = body[start : blank.start()].decode("utf-8", "replace")
    name, file_name, kind = _NAME.search(header), _FILE_NAME.search(header), _TYPE.search(header)
    return Field(
        name=name[1] if name else "",
        file_name=file_name[1] if file_name else None,
        type=kind[1].strip() if kind else "",
        start=blank.end(),
        end=end,
    )

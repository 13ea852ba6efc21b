"""What was received, read back: exact octets, headers, and the views of one side of a log.

A view reads only what it draws: facts read no body, Raw reads a window, the JSON tree some of its nodes.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from logs.llm import providers
from logs.models import Log
from logs.storage import body_storage
from logs.storage.body_storage import StoredBody
from logs.viewer import body_search, conversation, json_scan, json_tree
from logs.viewer.body_search import Found
from logs.viewer.conversation import Conversation
from logs.viewer.json_tree import Node
from portkey_logs.lib.text import decode_json

SideName = Literal["request", "response"]
View = Literal["pretty", "json", "raw"]
VIEWS: tuple[View, ...] = ("pretty", "json", "raw")

MEGABYTE = 1_000_000
RAW_WINDOW_BYTES = 100_000  # what a browser lays out at once without a pause
WHOLE_BYTES = 4 * MEGABYTE  # up to here a body is read to know its views; of a larger one its beginning tells
# Text that Pretty draws at once: more is a page of thousands of paragraphs. Pictures and sounds are not text.
PRETTY_BYTES = 2 * MEGABYTE
PRETTY_LIMIT_BYTES = 8 * MEGABYTE  # and that it draws when asked to: as much again in Python's objects, several times
# Objects and lists that Pretty reads: each may become a part, and takes some 5 µs before it is known whether it does.
# An answer with the 20 likeliest choices for each of 4,000 tokens has 84,000.
MAX_PRETTY_BRACKETS = 100_000
STREAM_BYTES = 8 * MEGABYTE  # a stream is put together in memory, at up to four bytes a character

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SURROGATES = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_MEDIA = re.compile(rb'"(?:data:[^",]{0,100},)?+[A-Za-z0-9+/=]*+(?:\\/[A-Za-z0-9+/=]*+)*+"')
_MEDIA_BYTES = 4096  # a longer word of base64's letters is no text
_COMPRESSED = ((b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))


@dataclass(frozen=True)
class RawPart:
    """A window of the octets as text."""

    text: str
    start: int
    end: int
    total: int
    is_utf8: bool

    @property
    def previous(self) -> int | None:
        return max(self.start - RAW_WINDOW_BYTES, 0) if self.start else None

    @property
    def next(self) -> int | None:
        return self.end if self.end < self.total else None


@dataclass
class Side:
    """The request or the response of one log, with what each view needs computed when it is asked for."""

    name: SideName
    log: Log
    body: StoredBody | None  # None: there was none, or it is not kept
    headers: dict[str, str] = field(default_factory=dict)
    request: Side | None = None  # of a response: what was asked
    anyway: bool = False  # draw it although it is large

    @property
    def size(self) -> int:
        """Bytes as received, also where the body was not kept."""
        return self.log.request_bytes if self.name == "request" else self.log.response_bytes

    @property
    def is_kept(self) -> bool:
        return self.body is not None

    @property
    def is_large(self) -> bool:
        return self.body is not None and self.body.size > WHOLE_BYTES

    @cached_property
    def octets(self) -> bytes | None:
        return None if self.body is None else self.body.read()

    @cached_property
    def head(self) -> bytes:
        """The first octets, enough to see what they are."""
        return b"" if self.body is None else self.body.window(0, 1000)

    @property
    def is_stream(self) -> bool:
        return self.name == "response" and self.log.stream and self.is_kept and not self._starts_as_json

    @property
    def is_long_stream(self) -> bool:
        """Whether it is a stream too long to be put together unasked."""
        return self.is_stream and self.size > STREAM_BYTES and not self.anyway

    @property
    def _starts_as_json(self) -> bool:
        return self.head.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] in (b"{", b"[")

    @cached_property
    def document(self) -> bytes | None:
        """The JSON text to show: the body itself, or the object that a stream amounts to. None where there is none."""
        if self.octets is None or self.is_long_stream:
            return None
        if self.is_stream:
            stream = providers.assemble(self.log.request_type, self.octets)
            assembled = stream.error or stream.answer
            return _spelled(assembled)
        return self.octets.removeprefix(_BYTE_ORDER_MARK)

    @cached_property
    def is_json(self) -> bool:
        return self.document is not None and not self.is_intricate and json_scan.is_json(self.document)

    @cached_property
    def is_intricate(self) -> bool:
        return self.document is not None and json_scan.is_intricate(self.document)

    @cached_property
    def value(self) -> Any:
        """The parsed document, fit to be shown; None where it is no JSON, or nested too deeply to be read."""
        if self.document is None or not self.is_json:
            return None
        try:
            value = decode_json(self.document)
        except ValueError:
            try:
                value = json.loads(self.document.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                return None
        return value if _ESCAPED_SURROGATE.search(self.document) is None else _showable(value)

    @property
    def glance(self) -> Any:
        """The value of a body of common size, to take facts from."""
        return None if self.is_large else self.value

    @cached_property
    def text_bytes(self) -> int:
        """Size of the document besides the pictures, sounds and files in it."""
        if self.document is None:
            return 0
        words = (match.end() - match.start() for match in _MEDIA.finditer(self.document))
        return len(self.document) - sum(size for size in words if size > _MEDIA_BYTES)

    @cached_property
    def is_divided(self) -> bool:
        """Whether the document has too many small values to be set as a conversation."""
        return self.document is not None and json_scan.brackets(self.document) > MAX_PRETTY_BRACKETS

    @property
    def fits_pretty(self) -> bool:
        if self.is_divided:
            return False
        limit = PRETTY_LIMIT_BYTES if self.anyway else PRETTY_BYTES
        if self.document is not None and len(self.document) <= limit:
            return True
        return not self.is_json or self.text_bytes <= limit

    @cached_property
    def conversation(self) -> Conversation | None:
        try:
            if self.name == "request":
                return conversation.of_request(self.log.request_type, self.value, octets=self.octets)
            return conversation.of_response(self.log.request_type, self.value, octets=self.octets, asked=self._asked)
        except RecursionError:  # nested deeper than anybody talks: the tree shows it
            return None

    def _asked(self) -> Any:
        """The request's JSON: some answers only make sense beside it."""
        return self.request.glance if self.request else None

    def tree(self, path: str = "", *, first: int = 0, show: str | None = None, show_at: int = 0) -> Node | None:
        """The JSON tree at a path of positions; None where the document is no JSON or has no such place."""
        if self.document is None or not self.is_json:
            return None
        try:
            return json_tree.build(self.document, path=path, first=first, show=show, show_at=show_at)
        except (json_scan.NotJson, LookupError):
            return None

    def find(self, query: str) -> Found:
        """Hits in the JSON, else in the text as received."""
        if self.is_json and self.document is not None:
            return body_search.find(self.document, query, in_json=True)
        return body_search.find(self.octets or b"", query, in_json=False)

    def raw(self, start: int = 0) -> RawPart:
        """The text as received from an octet on."""
        if self.body is None:
            return RawPart("", 0, 0, 0, True)
        octets = self.body.window(start, RAW_WINDOW_BYTES)
        is_last = start + len(octets) >= self.body.size
        text, used = codecs.utf_8_decode(octets, "replace", is_last)
        try:
            codecs.utf_8_decode(octets, "strict", is_last)
            is_utf8 = True
        except UnicodeDecodeError:
            is_utf8 = False
        return RawPart(text, start, start + used, self.body.size, is_utf8)

    @property
    def compression(self) -> str:
        """How the octets are still compressed, by their first bytes; "" where they are not."""
        for magic, name in _COMPRESSED:
            if self.head.startswith(magic):
                return name
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding == "deflate" and self.head[:1] == b"\x78":
            return encoding
        if encoding == "br" and b"\0" in self.head:  # Brotli has no mark of its own; no text has a NUL
            return encoding
        return ""

    def best_view(self, wanted: str) -> View:
        """The wanted view where it can be drawn, else the next plainer one."""
        if wanted == "raw" or not self.is_kept:
            return "raw"
        if wanted != "json" and self.fits_pretty and self.conversation is not None:
            return "pretty"
        return "json" if self.is_json else "raw"

    def offers(self, view: View) -> bool:
        """Whether the view can be drawn; of a large body, whether its beginning looks as if it could."""
        if view == "raw" or not self.is_kept:
            return view == "raw"
        if self.is_large:
            seems_json = self._starts_as_json or (self.is_stream and not self.is_long_stream)
            return seems_json and (view == "json" or self.log.request_type != "other")
        return self.best_view(view) == view

    def forget(self) -> None:
        """Let go of what a large body was read into; what is drawn of it stays."""
        if self.is_large:
            for name in ("octets", "document", "value"):
                self.__dict__.pop(name, None)


def read_sides(log: Log) -> tuple[Side, Side]:
    """The request and the response of a log. A body past its retention reads as not there."""
    found = body_storage.fetch(log.workspace_id, log.id)
    request = Side("request", log, found["request"].body, found["request"].headers)
    response = Side("response", log, found["response"].body, found["response"].headers, request)
    return request, response


def read_side(log: Log, name: SideName) -> Side:
    request, response = read_sides(log)
    return request if name == "request" else response


def _spelled(value: Any) -> bytes | None:
    """A value as JSON text; None where there is none, or where it is nested too deeply."""
    try:
        return None if value is None else json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
    except RecursionError:
        return None


def _showable(value: Any) -> Any:
    """The value with U+FFFD for lone surrogates, which JSON may hold and no page can; None where it is too deep."""
    try:
        return _cleaned(value)
    except RecursionError:
        return None


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    return value

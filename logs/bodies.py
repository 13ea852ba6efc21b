"""What was received, read back: exact octets, headers, and the views of one side of a log."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import zstandard

from logs import conversation, jsontree
from logs.conversation import Conversation
from logs.ingest.normalise import assemble_stream
from logs.jsontree import Node
from logs.models import Log, LogBody

_SURROGATES = re.compile("[\ud800-\udfff]")

SideName = Literal["request", "response"]
View = Literal["pretty", "json", "raw"]
VIEWS: tuple[View, ...] = ("pretty", "json", "raw")

RAW_PREVIEW_BYTES = 100_000  # what a browser lays out at once without a pause; the download has the rest


@dataclass
class Side:
    """The request or the response of one log, with what each view needs computed when it is asked for."""

    name: SideName
    log: Log
    octets: bytes | None
    headers: dict[str, str] = field(default_factory=dict)
    request: Side | None = None  # of a response: what was asked

    @property
    def size(self) -> int:
        """Bytes as received, also where the body was not kept."""
        return self.log.request_bytes if self.name == "request" else self.log.response_bytes

    @property
    def is_stream(self) -> bool:
        return self.name == "response" and self.log.stream and self.octets is not None

    @cached_property
    def document(self) -> bytes | None:
        """The JSON text to show: the body itself, or the object that a stream amounts to. None where there is none."""
        if self.octets is None:
            return None
        if self.is_stream and not self.octets.lstrip().startswith((b"{", b"[")):
            stream = assemble_stream(self.log.request_type, self.octets)
            assembled = stream.error or stream.answer
            return (
                None if assembled is None else json.dumps(assembled, ensure_ascii=False).encode(errors="surrogatepass")
            )
        return self.octets

    @cached_property
    def value(self) -> Any:
        """The parsed document, fit to be shown; None where it is no JSON."""
        try:
            return (
                None if self.document is None else _showable(json.loads(self.document.decode(errors="surrogatepass")))
            )
        except (ValueError, RecursionError):
            return None

    @cached_property
    def conversation(self) -> Conversation | None:
        if self.name == "request":
            return conversation.of_request(self.log.request_type, self.value, octets=self.octets)
        return conversation.of_response(self.log.request_type, self.value, octets=self.octets, asked=self._asked)

    def _asked(self) -> Any:
        """The request's JSON: some answers only make sense beside it."""
        return self.request.value if self.request else None

    def tree(self, path: str = "") -> Node | None:
        """The JSON tree at a path of positions; None where the document is no JSON or has no such place."""
        try:
            return None if self.document is None else jsontree.build(jsontree.parse(self.document), path=path)
        except (jsontree.NotJson, LookupError):
            return None

    @property
    def raw_text(self) -> str:
        return (self.octets or b"")[:RAW_PREVIEW_BYTES].decode("utf-8", "replace")

    @property
    def raw_truncated(self) -> bool:
        return len(self.octets or b"") > RAW_PREVIEW_BYTES

    def best_view(self, wanted: str) -> View:
        """The wanted view where it can be drawn, else the next plainer one."""
        for view in VIEWS[VIEWS.index(wanted) if wanted in VIEWS else 0 :]:
            if view == "pretty" and self.conversation is not None:
                return view
            if view == "json" and self.value is not None:
                return view
        return "raw"


def read_sides(log: Log) -> tuple[Side, Side]:
    """The request and the response of a log. A body past its retention reads as not there."""
    body = LogBody.objects.filter(workspace_id=log.workspace_id, id=log.id).first() or LogBody()
    request = Side("request", log, _unpack(body.request_body), _headers(body.request_headers))
    response = Side("response", log, _unpack(body.response_body), _headers(body.response_headers), request)
    return request, response


def read_side(log: Log, name: SideName) -> Side:
    request, response = read_sides(log)
    return request if name == "request" else response


def _showable(value: Any) -> Any:
    """The value with U+FFFD for lone surrogates, which JSON may hold and no page can."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_showable(item) for item in value]
    if isinstance(value, dict):
        return {_showable(key): _showable(item) for key, item in value.items()}
    return value


def _unpack(packed: bytes | memoryview | None) -> bytes | None:
    return None if packed is None else zstandard.ZstdDecompressor().decompressobj().decompress(bytes(packed))


def _headers(packed: bytes | memoryview | None) -> dict[str, str]:
    unpacked = _unpack(packed)
    return json.loads(unpacked) if unpacked else {}

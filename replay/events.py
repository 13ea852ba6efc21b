"""What a browser is told of an answer while it comes: server-sent events made of the provider's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from logs.llm import sse
from logs.llm.providers.base import index_of, items, mapping, text
from logs.viewer.conversation import embeddings
from portkey_logs.lib.text import clean, clean_or_none, decode_json

WAIT = b": wait\n\n"  # a comment: it finds out whether anybody is still there
_KINDS = {"content": "content", "reasoning_content": "reasoning", "reasoning": "reasoning", "refusal": "refusal"}
_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_LONGEST_END = 4
MAX_NAME = 256  # of a tool and of a call; what providers allow is a quarter of it
MAX_SHOWN_VECTORS = 2_048  # inputs of one call that OpenAI takes

Event = tuple[str, dict[str, Any]]


def event(name: str, data: dict[str, Any]) -> bytes:
    """One event as it goes over the wire."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


class Reader:
    """Reads an answer piece by piece: ``feed`` gives what is new, ``rest`` what only the whole of it tells."""

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed
        self._held = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that the chunk completes. What was looked through before is not looked through again."""
        seen = max(len(self._held) - _LONGEST_END, 0)
        self._held += chunk
        if not self._streamed:
            return
        ends = [(self._held.rfind(mark, seen), len(mark)) for mark in _ENDS]
        if end := max((at + length for at, length in ends if at >= 0), default=0):
            done = bytes(self._held[:end])
            del self._held[:end]
            yield from _deltas(done)

    def rest(self) -> Iterator[Event]:
        """What is left at the end: of an answer in one piece, all of it."""
        if self._streamed:
            yield from _deltas(bytes(self._held))
        else:
            yield from _whole(_parsed(bytes(self._held)))


def _deltas(raw: bytes) -> Iterator[Event]:
    for each in sse.parse(raw):
        chunk = _parsed(each.data)
        for position, choice in enumerate(items(chunk.get("choices"))):
            yield from _said(choice, mapping(choice.get("delta")), position)


def _whole(answer: dict[str, Any]) -> Iterator[Event]:
    for position, choice in enumerate(items(answer.get("choices"))):
        yield from _said(choice, mapping(choice.get("message")), position)
    for position, vector in enumerate(embeddings.vectors_of(answer)[:MAX_SHOWN_VECTORS]):
        if vector is not None:
            norm = math.hypot(*vector)
            known = {"dimensions": len(vector), "norm": norm if math.isfinite(norm) else None}
            yield "vector", {"index": position} | known


def _said(choice: dict[str, Any], message: dict[str, Any], position: int) -> Iterator[Event]:
    number = index_of(choice, position)
    for name, value in (("content", choice.get("text")), *((kind, message.get(key)) for key, kind in _KINDS.items())):
        if isinstance(value, str) and value:
            yield "text", {"choice": number, "kind": name, "text": clean(value, len(value))}
    for place, call in enumerate(items(message.get("tool_calls"))):
        function = mapping(call.get("function"))
        named = {"id": call.get("id"), "name": function.get("name")}
        known = {key: clean_or_none(value, MAX_NAME) for key, value in named.items()}
        arguments = text(function.get("arguments")) or ""
        call_of = {"choice": number, "index": index_of(call, place)}
        yield "tool", call_of | known | {"arguments": clean(arguments, len(arguments))}


def _parsed(raw: bytes | str) -> dict[str, Any]:
    try:
        return mapping(decode_json(raw))
    except ValueError:
        return {}

"""Embeddings in words: how many, how long, how they begin, and their length in the geometric sense."""

from __future__ import annotations

import array
import math
import sys
from typing import Any

from logs.viewer import media
from logs.viewer.conversation import parts
from logs.viewer.conversation.content import blocks
from logs.viewer.conversation.parts import Conversation, Message, Part

Json = dict[str, Any]

SHOWN_NUMBERS = 6
SHOWN_VECTORS = 20
MAX_NUMBERS = 2_000_000  # more would be felt: these take 50 ms


def request(body: Json) -> Conversation:
    given = body.get("input")
    if isinstance(given, list) and any(isinstance(item, dict) for item in given):  # texts and pictures, mixed
        messages = [Message("input", parts=blocks(given, "/input"))]
    else:
        items = parts.each(given)
        messages = [Message("input", parts=[parts.text_or_json(each)]) for each in items[: parts.MAX_ITEMS]]
        if len(items) > parts.MAX_ITEMS:
            messages.append(parts.hidden_note(len(items) - parts.MAX_ITEMS, "inputs"))
    return Conversation(params=parts.params(body, "input"), messages=messages)


def answer(body: Json) -> Conversation | None:
    data = _items(body)
    if not data:
        return None
    vectors = vectors_of(body)
    talk = Conversation(note=_in_words(vectors))
    for item, vector in list(zip(data, vectors, strict=True))[:SHOWN_VECTORS]:
        shown = _vector(vector, item) if vector else parts.json_part(item)
        talk.messages.append(Message(f"embedding {parts.string(item.get('index'))}", parts=[shown]))
    if len(data) > SHOWN_VECTORS:
        talk.messages.append(parts.hidden_note(len(data) - SHOWN_VECTORS, "embeddings"))
    return talk


def vectors_of(body: Json) -> list[array.array[float] | None]:
    """The vectors of an answer, one per input; None for what is no vector, or comes after MAX_NUMBERS numbers."""
    left = MAX_NUMBERS
    vectors: list[array.array[float] | None] = []
    for item in _items(body):
        vector = _numbers(item.get("embedding")) if left > 0 else None
        left -= len(vector or ())
        vectors.append(vector)
    return vectors


def _items(body: Json) -> list[Json]:
    return [item for item in parts.sequence(body.get("data")) if isinstance(item, dict)]


def summary(vector: array.array[float]) -> str:
    """``1,536 dimensions, norm 1: [0.01, 0.02, …]``"""
    start = ", ".join(_short(number) for number in vector[:SHOWN_NUMBERS])
    more = ", …" if len(vector) > SHOWN_NUMBERS else ""
    return f"{len(vector):,} dimensions, norm {_short(math.hypot(*vector))}: [{start}{more}]"


def _in_words(vectors: list[array.array[float] | None]) -> str:
    count = f"{len(vectors):,} embedding{'s' if len(vectors) != 1 else ''}"
    lengths = sorted({len(vector) for vector in vectors if vector})
    norms = [math.hypot(*vector) for vector in vectors if vector]
    if not lengths or len(vectors) == 1:
        return count
    dimensions = f"{lengths[0]:,}" if len(lengths) == 1 else f"{lengths[0]:,} to {lengths[-1]:,}"
    return f"{count} of {dimensions} dimensions, norms {_short(min(norms))} to {_short(max(norms))}"


def _vector(vector: array.array[float], item: Json) -> Part:
    return parts.note(summary(vector) + (", sent as base64" if isinstance(item.get("embedding"), str) else ""))


def _numbers(value: Any) -> array.array[float] | None:
    """The numbers of a list, or of base64 of little-endian 32-bit floats; None where it is neither."""
    if isinstance(value, list):
        try:
            return array.array("d", value) or None
        except (TypeError, OverflowError):
            return None
    octets = media.decode(value) if isinstance(value, str) else None
    if not octets or len(octets) % 4:
        return None
    floats = array.array("f", octets)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats


def _short(number: float) -> str:
    return f"{number:.6g}"

"""Anthropic messages."""

from __future__ import annotations

from typing import Any

from logs.ingest.families.base import (
    Answer,
    AssembledStream,
    Json,
    error_of,
    index_of,
    items,
    mapping,
    objects,
    read_usage,
    text,
)
from logs.ingest.text import decode_json

# Which field of a content block each kind of delta continues.
_DELTAS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}


def read(answer: Json) -> Answer:
    """Model, stop reason and usage of a message."""
    return Answer(
        model=text(answer.get("model")),
        finish_reason=text(answer.get("stop_reason")),
        usage=read_usage(answer.get("usage")),
    )


def assemble(raw: bytes) -> AssembledStream:
    """The message that its events add up to; ``message_stop`` ends it."""
    answer: Json | None = None
    blocks: dict[int, _Block] = {}
    usage: Json = {}
    failure: Json | None = None
    done = False
    for event, data in objects(raw):
        if data is None:
            continue
        failure = failure or error_of(event, data)
        kind = text(data.get("type")) or event.type
        index = index_of(data, len(blocks))
        if kind == "message_start":
            answer = {**mapping(data.get("message"))}
            usage |= mapping(answer.get("usage"))
        elif kind == "content_block_start":
            blocks[index] = _Block(mapping(data.get("content_block")))
        elif kind == "content_block_delta":
            blocks.setdefault(index, _Block({})).add(mapping(data.get("delta")))
        elif kind == "message_delta":
            answer = {**(answer or {}), **mapping(data.get("delta"))}
            # Counts here are cumulative; they replace those of the start.
            usage |= {name: value for name, value in mapping(data.get("usage")).items() if value is not None}
        elif kind == "message_stop":
            done = True
    if answer is None and not blocks:
        return AssembledStream(complete=done, error=failure)
    content = [blocks[index].build() for index in sorted(blocks)]
    answer = {"type": "message", "role": "assistant", **(answer or {})}
    answer["content"] = content or items(answer.get("content"))
    if usage:
        answer["usage"] = usage
    return AssembledStream(answer=answer, complete=done, error=failure)


class _Block:
    def __init__(self, start: Json) -> None:
        self.start = start
        self.pieces: dict[str, list[str]] = {}

    def add(self, delta: Json) -> None:
        name = _DELTAS.get(str(delta.get("type")))
        piece = delta.get(name) if name else None
        if name and isinstance(piece, str):
            self.pieces.setdefault(name, []).append(piece)

    def build(self) -> Json:
        block: dict[str, Any] = dict(self.start)
        for name, pieces in self.pieces.items():
            joined = "".join(pieces)
            if name == "partial_json":
                try:
                    block["input"] = decode_json(joined)
                except ValueError:  # the stream was cut: the arguments are shown as far as they came
                    block["input"] = joined
            else:
                block[name] = str(block.get(name) or "") + joined
        return block

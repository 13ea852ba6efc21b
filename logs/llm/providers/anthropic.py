"""Anthropic messages."""

from __future__ import annotations

from typing import Any

from logs.llm.providers.base import (
    Answer,
    AssembledStream,
    Json,
    error_of,
    index_of,
    is_standard,
    items,
    mapping,
    objects,
    read_usage,
    text,
)
from portkey_logs.lib.text import decode_json


def read(answer: Json) -> Answer:
    """Model, stop reason and usage of a message."""
    return Answer(
        model=text(answer.get("model")),
        finish_reason=text(answer.get("stop_reason")),
        usage=read_usage(answer.get("usage")),
        at_list_price=is_standard(answer),
    )


def assemble(raw: bytes) -> AssembledStream:
    """The message that its events add up to; ``message_stop`` ends it.

    What ``message_start`` says of output tokens is a beginning: without a later count there is none.
    """
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
            usage |= {name: value for name, value in mapping(answer.get("usage")).items() if name != "output_tokens"}
        elif kind == "content_block_start":
            blocks[index] = _Block(mapping(data.get("content_block")))
        elif kind == "content_block_delta":
            if index not in blocks:
                blocks[index] = _Block({})
            blocks[index].add(mapping(data.get("delta")))
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
    answer.pop("usage", None)
    if usage:
        answer["usage"] = usage
    return AssembledStream(answer=answer, complete=done, error=failure)


class _Block:
    """A content block: text, thinking and its signature, a tool's input as JSON text, citations."""

    def __init__(self, start: Json) -> None:
        self.start = start
        self.pieces: dict[str, list[str]] = {}
        self.citations: list[Any] = []

    def add(self, delta: Json) -> None:
        if delta.get("type") == "citations_delta":
            self.citations.append(delta.get("citation"))
            return
        for name, piece in delta.items():
            if name != "type" and isinstance(piece, str):
                self.pieces.setdefault(name, []).append(piece)

    def build(self) -> Json:
        block: Json = dict(self.start)
        for name, pieces in self.pieces.items():
            joined = "".join(pieces)
            if name == "partial_json":
                block["input"] = _input(joined) if joined else block.get("input")
            else:
                block[name] = (text(block.get(name)) or "") + joined
        if self.citations:
            listed = block.get("citations")
            block["citations"] = [*(listed if isinstance(listed, list) else []), *self.citations]
        return block


def _input(joined: str) -> Any:
    try:
        return decode_json(joined)
    except ValueError:  # the stream was cut: the arguments are shown as far as they came
        return joined

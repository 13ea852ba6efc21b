"""The provider ``demo``: answers without a key and without a network, and says that it is no model."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from multidict import CIMultiDict

from logs.capture.headers import Headers
from logs.capture.parsing import MAX_OBJECT_BYTES, beside_loop
from logs.capture.upstream import Answer, Body, Target
from logs.llm import request_types
from portkey_logs.lib.text import decode_json

NAME = "demo"
MODEL = "demo"
WORD_SECONDS = 0.02  # between the words of a stream, so that it can be seen to be one
MAX_BODY_BYTES = 4 * 1024 * 1024  # read of a question; a longer one gets the answer to a broken one

Json = dict[str, Any]


class DemoAnswer:
    """An answer that is made up, one piece at a time."""

    def __init__(self, status: int, content_type: str, pieces: list[bytes]) -> None:
        self.status = status
        self.headers: Headers = CIMultiDict({"content-type": content_type})
        if len(pieces) == 1:
            self.headers["content-length"] = str(len(pieces[0]))
        self._pieces = pieces
        self._next = 0

    async def read(self) -> bytes:
        """See ``upstream.Answer``."""
        if self.ended():
            return b""
        if self._next:
            await asyncio.sleep(WORD_SECONDS)
        self._next += 1
        return self._pieces[self._next - 1]

    def at_hand(self) -> bytes:
        """See ``upstream.Answer``."""
        return b""

    def ended(self) -> bool:
        """See ``upstream.Answer``."""
        return self._next >= len(self._pieces)


@asynccontextmanager
async def open_demo(target: Target, method: str, body: Body) -> AsyncIterator[Answer]:
    """Answer chats, messages and embeddings; anything else is a 404."""
    raw = await _whole(body)
    kind = request_types.request_type(method, request_types.path_of(target.url))
    yield await beside_loop(len(raw), _answer, raw, kind)


def _answer(raw: bytes, kind: str) -> DemoAnswer:
    try:
        asked = decode_json(raw, MAX_OBJECT_BYTES)
    except ValueError:
        asked = None
    maker = _MAKERS.get(kind)
    if maker is None:
        message = "The demo provider answers /v1/chat/completions, /v1/messages and /v1/embeddings only"
        return DemoAnswer(404, "application/json", [_error(message, "not_found")])
    if not isinstance(asked, dict):
        message = "The body must be a JSON object"
        return DemoAnswer(400, "application/json", [_error(message, "invalid_request_error")])
    if asked.get("stream") is True and kind in _STREAMS:
        return DemoAnswer(200, "text/event-stream", list(_STREAMS[kind](asked)))
    return DemoAnswer(200, "application/json", [msgspec.json.encode(maker(asked))])


async def _whole(body: Body) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    parts, size = [], 0
    async for part in body:
        size += len(part)
        if size <= MAX_BODY_BYTES:
            parts.append(part)
    return b"".join(parts)


def _error(message: str, kind: str) -> bytes:
    """As a provider would put it, not as the gateway refuses."""
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": None}})


def _text(asked: Json) -> str:
    """What the demo says: what it is, and the question back."""
    messages = asked.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages and isinstance(messages[-1], dict) else {}
    content = last.get("content")
    question = content if isinstance(content, str) else ""
    return f"This is the built-in demo provider, no model was asked. You said: {question[:200]}"


def _count(text: str) -> int:
    return len(text.split())


def _chat(asked: Json) -> Json:
    text = _text(asked)
    message = {"role": "assistant", "content": text}
    return {
        "id": f"chatcmpl-demo-{uuid.uuid4().hex[:12]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _usage(text),
    }


def _usage(text: str) -> Json:
    """Words stand for tokens: nothing here has a tokenizer."""
    asked, answered = _count(text.partition(" You said: ")[2]), _count(text)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _chat_events(asked: Json) -> Iterator[bytes]:
    whole = _chat(asked)
    base = {"id": whole["id"], "object": "chat.completion.chunk", "created": whole["created"], "model": MODEL}
    text: str = whole["choices"][0]["message"]["content"]
    for delta in [{"role": "assistant", "content": ""}, *({"content": piece} for piece in _pieces(text))]:
        yield _event(base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    options = asked.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        yield _event(base | {"choices": [], "usage": whole["usage"]})
    yield b"data: [DONE]\n\n"


def _message(asked: Json) -> Json:
    text = _text(asked)
    usage = _usage(text)
    return {
        "id": f"msg_demo_{uuid.uuid4().hex[:12]}",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]},
    }


def _message_events(asked: Json) -> Iterator[bytes]:
    whole = _message(asked)
    text = whole["content"][0]["text"]
    usage = whole["usage"]
    yield _named("message_start", message=whole | {"content": [], "stop_reason": None})
    yield _named("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for piece in _pieces(text):
        yield _named("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield _named("content_block_stop", index=0)
    yield _named("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=usage)
    yield _named("message_stop")


def _embedding(asked: Json) -> Json:
    inputs = asked.get("input")
    count = len(inputs) if isinstance(inputs, list) else 1
    data = [{"object": "embedding", "index": index, "embedding": [0.0] * 8} for index in range(count)]
    words = _count(str(inputs))
    return {
        "object": "list",
        "data": data,
        "model": MODEL,
        "usage": {"prompt_tokens": words, "total_tokens": words},
    }


def _pieces(text: str) -> list[str]:
    """The words, each with the space before it."""
    first, *others = text.split(" ")
    return [first, *(f" {word}" for word in others)]


def _event(data: Json) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


def _named(name: str, **data: Any) -> bytes:
    return f"event: {name}\n".encode() + _event({"type": name} | data)


_MAKERS = {"chat_completion": _chat, "message": _message, "embedding": _embedding}
_STREAMS = {"chat_completion": _chat_events, "message": _message_events}

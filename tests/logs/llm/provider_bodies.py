"""Exchanges of endpoints that were never captured: bodies as the providers' API references show them.

Each case names its page. ``expected`` holds the columns that the reference lets one write down by hand; cents are
those of the price list's rates, multiplied out beside them.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
OPENAI = "https://api.openai.com"
ANTHROPIC = "https://api.anthropic.com"
REFERENCE = "https://platform.openai.com/docs/api-reference/"


@dataclass
class Case:
    """One exchange and what its log must say. A request of a dict is JSON, of a list a form."""

    name: str
    page: str
    url: str
    response: Any
    expected: dict[str, Any]
    request: Any = field(default_factory=dict)
    method: str = "POST"
    status: int = 200
    content_type: str = "application/json"

    @property
    def request_body(self) -> bytes | None:
        if isinstance(self.request, list):
            return form(*self.request)
        return json.dumps(self.request).encode() if self.request else None

    @property
    def request_type(self) -> str:
        return "multipart/form-data; boundary=frontier" if isinstance(self.request, list) else "application/json"

    @property
    def response_body(self) -> bytes:
        if isinstance(self.response, bytes):
            return self.response
        return self.response.encode() if isinstance(self.response, str) else json.dumps(self.response).encode()


def form(*parts: tuple[Any, ...]) -> bytes:
    """A form of (name, value) and (name, filename, content type, octets)."""
    lines = b""
    for name, *rest in parts:
        disposition = f'Content-Disposition: form-data; name="{name}"'
        if len(rest) == 1:
            lines += f"--frontier\r\n{disposition}\r\n\r\n{rest[0]}\r\n".encode()
        else:
            filename, content_type, octets = rest
            head = f'--frontier\r\n{disposition}; filename="{filename}"\r\nContent-Type: {content_type}\r\n\r\n'
            lines += head.encode() + octets + b"\r\n"
    return lines + b"--frontier--\r\n"


def events(*data: dict[str, Any], named: bool = True) -> bytes:
    """An event stream, with the type of each object as the event's name."""
    lines = (f"event: {each['type']}\n" * named + f"data: {json.dumps(each)}\n\n" for each in data)
    return "".join(lines).encode()


OK = {"is_success": True, "status_code": 200, "completeness": "complete", "error_type": None, "error_message": None}

MESSAGE = {
    "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-20250514",
    "content": [
        {"type": "thinking", "thinking": "The user asks for the weather.", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA"},
        {"type": "text", "text": "I'll check.", "citations": [{"type": "char_location", "cited_text": "Paris"}]},
        {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"location": "Paris"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 2095,
        "cache_creation_input_tokens": 100,
        "cache_read_input_tokens": 50,
        "output_tokens": 503,
        "service_tier": "standard",
    },
}
MESSAGE_STREAM = (
    {
        "type": "message_start",
        "message": {
            **{name: MESSAGE[name] for name in ("id", "type", "role", "model", "stop_sequence")},
            "content": [],
            "stop_reason": None,
            "usage": {**MESSAGE["usage"], "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "The user asks "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "for the weather."}},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "signature_delta", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA"},
    },
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "", "citations": []}},
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "Paris"}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "I'll "}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "check."}},
    {"type": "content_block_stop", "index": 1},
    {
        "type": "content_block_start",
        "index": 2,
        "content_block": {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {}},
    },
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": ""}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": '{"location":'}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": ' "Paris"}'}},
    {"type": "content_block_stop", "index": 2},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 503},
    },
    {"type": "message_stop"},
)

ITEMS = [
    {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Look it up."}],
    },
    {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "In a peaceful grove", "annotations": []}],
    },
    {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "get_weather",
        "arguments": '{"location":"Paris"}',
    },
]
RESPONSE = {
    "id": "resp_67ccd2bed1ec8190",
    "object": "response",
    "created_at": 1741476542,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "gpt-4.1-2025-04-14",
    "output": ITEMS,
    "service_tier": "default",
    "usage": {
        "input_tokens": 36,
        "input_tokens_details": {"cached_tokens": 10},
        "output_tokens": 87,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 123,
    },
}
_BEGUN = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
_TEXT = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
_CALL = {"item_id": "fc_1", "output_index": 2}
RESPONSE_STREAM = (
    {"type": "response.created", "response": _BEGUN, "sequence_number": 0},
    {"type": "response.in_progress", "response": _BEGUN, "sequence_number": 1},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"id": "rs_1", "type": "reasoning", "summary": []},
    },
    {
        "type": "response.reasoning_summary_text.delta",
        "item_id": "rs_1",
        "output_index": 0,
        "summary_index": 0,
        "delta": "Look it up.",
    },
    {"type": "response.output_item.done", "output_index": 0, "item": ITEMS[0]},
    {
        "type": "response.output_item.added",
        "output_index": 1,
        "item": {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []},
    },
    {"type": "response.content_part.added", **_TEXT, "part": {"type": "output_text", "text": "", "annotations": []}},
    {"type": "response.output_text.delta", **_TEXT, "delta": "In a peaceful"},
    {"type": "response.output_text.delta", **_TEXT, "delta": " grove"},
    {"type": "response.output_text.done", **_TEXT, "text": "In a peaceful grove"},
    {"type": "response.content_part.done", **_TEXT, "part": ITEMS[1]["content"][0]},
    {"type": "response.output_item.done", "output_index": 1, "item": ITEMS[1]},
    {
        "type": "response.output_item.added",
        "output_index": 2,
        "item": {**ITEMS[2], "status": "in_progress", "arguments": ""},
    },
    {"type": "response.function_call_arguments.delta", **_CALL, "delta": '{"location":'},
    {"type": "response.function_call_arguments.delta", **_CALL, "delta": '"Paris"}'},
    {"type": "response.function_call_arguments.done", **_CALL, "arguments": '{"location":"Paris"}'},
    {"type": "response.output_item.done", "output_index": 2, "item": ITEMS[2]},
    {"type": "response.completed", "response": RESPONSE, "sequence_number": 17},
)

_IMAGE_USAGE = {
    "total_tokens": 100,
    "input_tokens": 50,
    "output_tokens": 50,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
}
_IMAGE_FACTS = {"size": "1024x1024", "quality": "high", "background": "transparent", "output_format": "png"}
IMAGE = {"created": 1713833628, "data": [{"b64_json": PNG}], **_IMAGE_FACTS, "usage": _IMAGE_USAGE}


def image_stream(kind: str) -> tuple[dict[str, Any], ...]:
    facts = {"created_at": 1713833628, **_IMAGE_FACTS, "b64_json": PNG}
    return (
        {"type": f"{kind}.partial_image", **facts, "partial_image_index": 0},
        {"type": f"{kind}.partial_image", **facts, "partial_image_index": 1},
        {"type": f"{kind}.completed", **facts, "usage": _IMAGE_USAGE},
    )


_TRANSCRIPT_USAGE = {
    "type": "tokens",
    "input_tokens": 14,
    "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
    "output_tokens": 45,
    "total_tokens": 59,
}
TRANSCRIPT = {"text": "Imagine the wildest idea.", "usage": _TRANSCRIPT_USAGE}
TRANSCRIPT_STREAM = (
    {"type": "transcript.text.delta", "delta": "Imagine the"},
    {"type": "transcript.text.delta", "delta": " wildest idea."},
    {"type": "transcript.text.done", **TRANSCRIPT},
)
SPEECH_STREAM = (
    {"type": "speech.audio.delta", "audio": base64.b64encode(b"ID3\x04").decode()},
    {"type": "speech.audio.delta", "audio": base64.b64encode(b"more!").decode()},
    {"type": "speech.audio.done", "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}},
)
SOUND = ("file", "speech.mp3", "audio/mpeg", b"ID3\x04\r\n\r\n--not-the-frontier\r\n" + bytes(range(256)))
PICTURE = ("image[]", "lamp.png", "image/png", b'\x89PNG\r\n\x1a\n\r\n\r\nname="model"\r\n\r\nfalse\r\n')

STREAMS: dict[str, tuple[str, bytes, Any, str]] = {
    # family: (its page, the stream, the answer it adds up to, the path)
    "message": (
        "https://docs.claude.com/en/docs/build-with-claude/streaming",
        events(*MESSAGE_STREAM),
        MESSAGE,
        "/v1/messages",
    ),
    "response": (REFERENCE + "responses-streaming", events(*RESPONSE_STREAM), RESPONSE, "/v1/responses"),
    "image_generation": (
        REFERENCE + "images-streaming",
        events(*image_stream("image_generation")),
        IMAGE,
        "/v1/images/generations",
    ),
    "image_edit": (REFERENCE + "images-streaming", events(*image_stream("image_edit")), IMAGE, "/v1/images/edits"),
    "audio_speech": (
        REFERENCE + "audio/speech-audio-delta-event",
        events(*SPEECH_STREAM, named=False),
        {"audio": base64.b64encode(b"ID3\x04more!").decode(), "usage": SPEECH_STREAM[-1]["usage"]},
        "/v1/audio/speech",
    ),
    "audio_transcription": (
        REFERENCE + "audio/transcript-text-delta-event",
        events(*TRANSCRIPT_STREAM, named=False),
        TRANSCRIPT,
        "/v1/audio/transcriptions",
    ),
    "completion": (
        REFERENCE + "completions/create",
        b'data: {"id":"cmpl-7iA7iJjj8V2zOkCGvWF2hAkWZiBHz","object":"text_completion","created":1690759702,"choices":'
        b'[{"text":"This","index":0,"logprobs":null,"finish_reason":null}],"model":"gpt-3.5-turbo-instruct"}\n\n'
        b'data: {"id":"cmpl-7iA7iJjj8V2zOkCGvWF2hAkWZiBHz","object":"text_completion","created":1690759702,"choices":'
        b'[{"text":" is a test","index":0,"logprobs":null,"finish_reason":"stop"}],"model":"gpt-3.5-turbo-instruct",'
        b'"usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9}}\n\ndata: [DONE]\n\n',
        {
            "id": "cmpl-7iA7iJjj8V2zOkCGvWF2hAkWZiBHz",
            "object": "text_completion",
            "created": 1690759702,
            "model": "gpt-3.5-turbo-instruct",
            "choices": [{"index": 0, "text": "This is a test", "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9},
        },
        "/v1/completions",
    ),
}

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

_ITEMS = [
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
    "output": _ITEMS,
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
    {"type": "response.output_item.done", "output_index": 0, "item": _ITEMS[0]},
    {
        "type": "response.output_item.added",
        "output_index": 1,
        "item": {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []},
    },
    {"type": "response.content_part.added", **_TEXT, "part": {"type": "output_text", "text": "", "annotations": []}},
    {"type": "response.output_text.delta", **_TEXT, "delta": "In a peaceful"},
    {"type": "response.output_text.delta", **_TEXT, "delta": " grove"},
    {"type": "response.output_text.done", **_TEXT, "text": "In a peaceful grove"},
    {"type": "response.content_part.done", **_TEXT, "part": _ITEMS[1]["content"][0]},
    {"type": "response.output_item.done", "output_index": 1, "item": _ITEMS[1]},
    {
        "type": "response.output_item.added",
        "output_index": 2,
        "item": {**_ITEMS[2], "status": "in_progress", "arguments": ""},
    },
    {"type": "response.function_call_arguments.delta", **_CALL, "delta": '{"location":'},
    {"type": "response.function_call_arguments.delta", **_CALL, "delta": '"Paris"}'},
    {"type": "response.function_call_arguments.done", **_CALL, "arguments": '{"location":"Paris"}'},
    {"type": "response.output_item.done", "output_index": 2, "item": _ITEMS[2]},
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
_SOUND = ("file", "speech.mp3", "audio/mpeg", b"ID3\x04\r\n\r\n--not-the-frontier\r\n" + bytes(range(256)))
_PICTURE = ("image[]", "lamp.png", "image/png", b'\x89PNG\r\n\x1a\n\r\n\r\nname="model"\r\n\r\nfalse\r\n')

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

CASES = [
    Case(
        "messages",
        "https://docs.claude.com/en/api/messages",
        ANTHROPIC + "/v1/messages",
        MESSAGE,
        OK
        | {
            "request_type": "message",
            "provider": "anthropic",
            "model": "claude-sonnet-4-20250514",
            "requested_model": "claude-sonnet-4-0",
            "finish_reason": "tool_use",
            "input_tokens": 2245,
            "output_tokens": 503,
            "total_tokens": 2748,
            "cached_tokens": 50,
            "cache_write_tokens": 100,
            "cost_cents": (2095 * 3 + 50 * 0.3 + 100 * 3.75 + 503 * 15) / 10_000,
            "has": "it",
        },
        request={
            "model": "claude-sonnet-4-0",
            "max_tokens": 1024,
            "tools": [{"name": "get_weather", "input_schema": {"type": "object"}}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                        {"type": "text", "text": "Where is this?"},
                    ],
                }
            ],
        },
    ),
    Case(
        "count_tokens is free and no call",
        "https://docs.claude.com/en/api/messages-count-tokens",
        ANTHROPIC + "/v1/messages/count_tokens",
        {"input_tokens": 2095},
        OK
        | {"request_type": "other", "requested_model": "claude-sonnet-4-0", "total_tokens": None, "cost_cents": None},
        request={"model": "claude-sonnet-4-0", "messages": [{"role": "user", "content": "Hi"}]},
    ),
    Case(
        "messages error",
        "https://docs.claude.com/en/api/errors",
        ANTHROPIC + "/v1/messages",
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_01"},
        {
            "is_success": False,
            "error_type": "overloaded_error",
            "error_code": None,
            "error_message": "Overloaded",
            "tokens_origin": "missing",
        },
        request={"model": "claude-sonnet-4-0", "messages": []},
        status=529,
    ),
    Case(
        "response",
        REFERENCE + "responses/create",
        OPENAI + "/v1/responses",
        RESPONSE,
        OK
        | {
            "request_type": "response",
            "model": "gpt-4.1-2025-04-14",
            "finish_reason": "completed",
            "input_tokens": 36,
            "output_tokens": 87,
            "total_tokens": 123,
            "cached_tokens": 10,
            "reasoning_tokens": 5,
            "cost_cents": (26 * 2 + 10 * 0.5 + 87 * 8) / 10_000,
            "has": "it",
        },
        request={
            "model": "gpt-4.1",
            "input": [{"role": "user", "content": [{"type": "input_image", "image_url": "https://e/x.png"}]}],
        },
    ),
    Case(
        "a response cut short by its own limit is no failure",
        REFERENCE + "responses/object",
        OPENAI + "/v1/responses",
        RESPONSE | {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
        OK | {"finish_reason": "incomplete", "total_tokens": 123},
        request={"model": "gpt-4.1", "input": "hi"},
    ),
    Case(
        "a failed response has status 200",
        REFERENCE + "responses/object",
        OPENAI + "/v1/responses",
        RESPONSE | {"status": "failed", "error": {"code": "server_error", "message": "failed to generate"}},
        {
            "is_success": False,
            "finish_reason": "failed",
            "error_type": "server_error",
            "error_code": "server_error",
            "error_message": "failed to generate",
        },
        request={"model": "gpt-4.1", "input": "hi"},
    ),
    Case(
        "a web search is billed by the call",
        REFERENCE + "responses/create",
        OPENAI + "/v1/responses",
        RESPONSE | {"output": [{"type": "web_search_call", "id": "ws_1", "status": "completed"}, _ITEMS[1]]},
        OK | {"total_tokens": 123, "cost_cents": None, "has": "t"},
        request={"model": "gpt-4.1", "input": "hi", "tools": [{"type": "web_search_preview"}]},
    ),
    Case(
        "the flex tier has other prices",
        REFERENCE + "responses/create",
        OPENAI + "/v1/responses",
        RESPONSE | {"service_tier": "flex"},
        OK | {"total_tokens": 123, "cost_cents": None},
        request={"model": "gpt-4.1", "input": "hi"},
    ),
    Case(
        "a response read again costs nothing",
        REFERENCE + "responses/get",
        OPENAI + "/v1/responses/resp_67ccd2bed1ec8190",
        RESPONSE,
        OK | {"request_type": "other", "total_tokens": None, "cost_cents": None, "model": "gpt-4.1-2025-04-14"},
        method="GET",
    ),
    Case(
        "a response deleted",
        REFERENCE + "responses/delete",
        OPENAI + "/v1/responses/resp_67ccd2bed1ec8190",
        {"id": "resp_67ccd2bed1ec8190", "object": "response", "deleted": True},
        OK | {"request_type": "other", "method": "DELETE", "total_tokens": None},
        method="DELETE",
    ),
    Case(
        "the input items of a response",
        REFERENCE + "responses/input-items",
        OPENAI + "/v1/responses/resp_1/input_items?limit=2",
        {"object": "list", "data": [{"id": "msg_1", "type": "message", "content": []}], "has_more": False},
        OK | {"request_type": "other", "path": "/v1/responses/resp_1/input_items"},
        method="GET",
    ),
    Case(
        "image",
        REFERENCE + "images/create",
        OPENAI + "/v1/images/generations",
        IMAGE,
        OK
        | {
            "request_type": "image_generation",
            "model": "gpt-image-1",
            "input_tokens": 50,
            "output_tokens": 50,
            "total_tokens": 100,
            "cost_cents": (10 * 5 + 40 * 10 + 50 * 40) / 10_000,
            "has": "i",
        },
        request={"model": "gpt-image-1", "prompt": "A baby sea otter", "n": 1, "size": "1024x1024"},
    ),
    Case(
        "an image without tokens has no price",
        REFERENCE + "images/create",
        OPENAI + "/v1/images/generations",
        {"created": 1589478378, "data": [{"url": "https://…"}, {"url": "https://…"}]},
        OK | {"requested_model": "dall-e-3", "tokens_origin": "missing", "cost_cents": None, "has": "i"},
        request={"model": "dall-e-3", "prompt": "A baby sea otter"},
    ),
    Case(
        "how much of the output was image is not said",
        REFERENCE + "images/create",
        OPENAI + "/v1/images/generations",
        IMAGE,
        OK | {"total_tokens": 100, "cost_cents": None},
        request={"model": "gpt-image-1.5", "prompt": "A baby sea otter"},
    ),
    Case(
        "image edit",
        REFERENCE + "images/createEdit",
        OPENAI + "/v1/images/edits",
        IMAGE,
        OK | {"request_type": "image_edit", "model": "gpt-image-1", "total_tokens": 100, "has": "i"},
        request=[_PICTURE, ("model", "gpt-image-1"), ("prompt", "A gift basket"), ("n", "1"), ("size", "1024x1024")],
    ),
    Case(
        "image refused",
        REFERENCE + "images/create",
        OPENAI + "/v1/images/generations",
        {
            "error": {
                "code": "moderation_blocked",
                "message": "Your request was rejected by the safety system.",
                "param": None,
                "type": "image_generation_user_error",
            }
        },
        {
            "is_success": False,
            "error_type": "image_generation_user_error",
            "error_code": "moderation_blocked",
            "has": "",
        },
        request={"model": "gpt-image-1", "prompt": "…"},
        status=400,
    ),
    Case(
        "speech",
        REFERENCE + "audio/createSpeech",
        OPENAI + "/v1/audio/speech",
        b"ID3\x04\x00\xff\xfb\x90" + bytes(100),
        OK
        | {
            "request_type": "audio_speech",
            "model": "tts-1",
            "tokens_origin": "missing",
            "cost_cents": None,
            "has": "a",
        },
        request={"model": "tts-1", "input": "The quick brown fox", "voice": "alloy"},
        content_type="audio/mpeg",
    ),
    Case(
        "speech error",
        REFERENCE + "audio/createSpeech",
        OPENAI + "/v1/audio/speech",
        {"error": {"message": "Invalid voice", "type": "invalid_request_error", "param": "voice", "code": None}},
        {"is_success": False, "error_type": "invalid_request_error", "error_message": "Invalid voice", "has": ""},
        request={"model": "tts-1", "input": "x", "voice": "nobody"},
        status=400,
    ),
    Case(
        "transcription",
        REFERENCE + "audio/createTranscription",
        OPENAI + "/v1/audio/transcriptions",
        TRANSCRIPT,
        OK
        | {
            "request_type": "audio_transcription",
            "model": "gpt-4o-transcribe",
            "input_tokens": 14,
            "output_tokens": 45,
            "total_tokens": 59,
            "input_audio_tokens": 10,
            "cost_cents": (4 * 2.5 + 10 * 6 + 45 * 10) / 10_000,
            "has": "a",
        },
        request=[_SOUND, ("model", "gpt-4o-transcribe")],
    ),
    Case(
        "transcription, verbose, billed by its length",
        REFERENCE + "audio/verbose-json-object",
        OPENAI + "/v1/audio/transcriptions",
        {
            "task": "transcribe",
            "language": "english",
            "duration": 8.470000267028809,
            "text": "The beach was a popular spot.",
            "segments": [{"id": 0, "start": 0.0, "end": 3.3, "text": " The beach was a popular spot."}],
            "usage": {"type": "duration", "seconds": 9},
        },
        OK | {"model": "whisper-1", "total_tokens": None, "cost_cents": 9 * 0.006 / 60 * 100, "has": "a"},
        request=[("model", "whisper-1"), ("response_format", "verbose_json"), _SOUND],
    ),
    Case(
        "transcription as subtitles",
        REFERENCE + "audio/createTranscription",
        OPENAI + "/v1/audio/transcriptions",
        "1\n00:00:00,000 --> 00:00:03,320\nThe beach was a popular spot.\n",
        OK | {"model": "whisper-1", "tokens_origin": "missing", "cost_cents": None, "has": "a"},
        request=[_SOUND, ("model", "whisper-1"), ("response_format", "srt")],
        content_type="text/plain; charset=utf-8",
    ),
    Case(
        "translation",
        REFERENCE + "audio/createTranslation",
        OPENAI + "/v1/audio/translations",
        {"text": "Hello, my name is Wolfgang."},
        OK | {"request_type": "audio_translation", "model": "whisper-1", "has": "a"},
        request=[_SOUND, ("model", "whisper-1")],
    ),
    Case(
        "transcription error",
        REFERENCE + "audio/createTranscription",
        OPENAI + "/v1/audio/transcriptions",
        {"error": {"message": "Invalid file format.", "type": "invalid_request_error", "param": None, "code": None}},
        {"is_success": False, "error_message": "Invalid file format.", "requested_model": "whisper-1"},
        request=[_SOUND, ("model", "whisper-1")],
        status=400,
    ),
    Case(
        "moderation",
        REFERENCE + "moderations/create",
        OPENAI + "/v1/moderations",
        {"id": "modr-970d", "model": "omni-moderation-latest", "results": [{"flagged": True, "categories": {}}]},
        OK | {"request_type": "moderation", "model": "omni-moderation-latest", "tokens_origin": "missing"},
        request={"input": "I want to kill them."},
    ),
    Case(
        "moderation error",
        REFERENCE + "moderations/create",
        OPENAI + "/v1/moderations",
        {"error": {"message": "You exceeded your quota", "type": "insufficient_quota", "code": "insufficient_quota"}},
        {"is_success": False, "error_type": "insufficient_quota", "error_code": "insufficient_quota"},
        request={"input": "x"},
        status=429,
    ),
    Case(
        "rerank, Cohere",
        "https://docs.cohere.com/reference/rerank",
        "https://api.cohere.com/v2/rerank",
        {
            "results": [{"index": 3, "relevance_score": 0.999071}, {"index": 4, "relevance_score": 0.7867867}],
            "id": "07734bd2-2473-4f07-94e1-0d9f0e6843cf",
            "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
        },
        OK
        | {
            "request_type": "rerank",
            "provider": "cohere",
            "model": "rerank-v3.5",
            "tokens_origin": "missing",
            "cost_cents": None,
        },
        request={"model": "rerank-v3.5", "query": "What is the capital?", "documents": ["a", "b"]},
    ),
    Case(
        "rerank error, Cohere",
        "https://docs.cohere.com/reference/errors",
        "https://api.cohere.com/v2/rerank",
        {"id": "ee08d8b0", "message": "invalid api token"},
        {"is_success": False, "error_type": None, "error_message": "invalid api token"},
        request={"model": "rerank-v3.5", "query": "q", "documents": []},
        status=401,
    ),
    Case(
        "rerank, Jina",
        "https://api.jina.ai/redoc#tag/rerank",
        "https://api.jina.ai/v1/rerank",
        {
            "model": "jina-reranker-v2-base-multilingual",
            "object": "list",
            "usage": {"total_tokens": 815},
            "results": [{"index": 0, "document": {"text": "Organic skincare"}, "relevance_score": 0.878}],
        },
        OK
        | {
            "model": "jina-reranker-v2-base-multilingual",
            "input_tokens": 815,
            "output_tokens": None,
            "total_tokens": 815,
        },
        request={"model": "jina-reranker-v2-base-multilingual", "query": "q", "documents": ["a"]},
    ),
    Case(
        "rerank, Voyage",
        "https://docs.voyageai.com/reference/reranker-api",
        "https://api.voyageai.com/v1/rerank",
        {
            "object": "list",
            "data": [{"relevance_score": 0.4375, "index": 0}],
            "model": "rerank-lite-1",
            "usage": {"total_tokens": 26},
        },
        OK | {"provider": "voyage", "model": "rerank-lite-1", "input_tokens": 26, "total_tokens": 26},
        request={"model": "rerank-lite-1", "query": "q", "documents": ["a"]},
    ),
    Case(
        "file upload",
        REFERENCE + "files/create",
        OPENAI + "/v1/files",
        {"id": "file-abc123", "object": "file", "bytes": 120000, "filename": "mydata.jsonl", "purpose": "fine-tune"},
        OK | {"request_type": "other", "model": None, "tokens_origin": "missing", "has": ""},
        request=[("purpose", "fine-tune"), ("file", "mydata.jsonl", "application/octet-stream", b"{}\n{}")],
    ),
    Case(
        "batch",
        REFERENCE + "batch/object",
        OPENAI + "/v1/batches/batch_abc123",
        {
            "id": "batch_abc123",
            "object": "batch",
            "endpoint": "/v1/completions",
            "errors": None,
            "status": "completed",
            "usage": {"input_tokens": 1500, "output_tokens": 500, "total_tokens": 2000},
        },
        OK | {"request_type": "other", "total_tokens": None, "cost_cents": None},
        method="GET",
    ),
    Case(
        "a fine-tuning job that went well says so with an error of nulls",
        REFERENCE + "fine-tuning/object",
        OPENAI + "/v1/fine_tuning/jobs",
        {
            "object": "fine_tuning.job",
            "id": "ftjob-abc123",
            "model": "davinci-002",
            "status": "queued",
            "error": {"code": None, "message": None, "param": None},
        },
        OK | {"request_type": "other", "model": "davinci-002"},
        request={"model": "davinci-002", "training_file": "file-abc123"},
    ),
    Case(
        "reading a job that failed is a success",
        REFERENCE + "fine-tuning/retrieve",
        OPENAI + "/v1/fine_tuning/jobs/ftjob-abc123",
        {"object": "fine_tuning.job", "id": "ftjob-abc123", "error": {"code": "invalid_file", "message": "bad"}},
        OK | {"request_type": "other"},
        method="GET",
    ),
    Case(
        "models",
        REFERENCE + "models/list",
        OPENAI + "/v1/models",
        {"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 1686935002, "owned_by": "openai"}]},
        OK | {"request_type": "other", "model": None},
        method="GET",
    ),
    Case(
        "no such model",
        REFERENCE + "models/retrieve",
        OPENAI + "/v1/models/nope",
        {
            "error": {
                "message": "The model 'nope' does not exist",
                "type": "invalid_request_error",
                "param": "model",
                "code": "model_not_found",
            }
        },
        {"is_success": False, "error_type": "invalid_request_error", "error_code": "model_not_found"},
        method="GET",
        status=404,
    ),
    Case(
        "Gemini's own endpoint",
        "https://ai.google.dev/api/generate-content",
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent?key=k",
        {
            "candidates": [{"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": 10,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 7,
                "totalTokenCount": 22,
            },
            "modelVersion": "gemini-2.0-flash",
        },
        OK
        | {
            "provider": "google",
            "requested_model": "gemini-2.0-flash",
            "finish_reason": "STOP",
            "input_tokens": 10,
            "output_tokens": 12,
            "total_tokens": 22,
            "reasoning_tokens": 7,
            "has": "i",
        },
        request={"contents": [{"parts": [{"inline_data": {"mime_type": "image/png", "data": PNG}}]}]},
    ),
    Case(
        "Bedrock's Converse",
        "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse",
        {
            "output": {"message": {"role": "assistant", "content": [{"toolUse": {"toolUseId": "1", "name": "f"}}]}},
            "stopReason": "tool_use",
            "usage": {"inputTokens": 30, "outputTokens": 628, "totalTokens": 658},
        },
        OK
        | {
            "provider": "bedrock",
            "model": "amazon.nova-lite-v1:0",
            "finish_reason": "tool_use",
            "total_tokens": 658,
            "has": "t",
        },
        request={"messages": [{"role": "user", "content": [{"text": "hi"}]}]},
    ),
]

"""The shapes that every endpoint family fills."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from logs.llm import sse
from portkey_logs.lib.text import count, decode_json

Json = dict[str, Any]


class Usage(msgspec.Struct, kw_only=True, frozen=True):
    """Token counts as the provider gives them; None where it does not.

    ``input`` includes ``cached``, ``cache_write``, ``input_audio`` and ``input_image``; ``output``
    includes ``reasoning``, ``output_audio`` and ``output_image``, whatever the provider's own
    convention. ``cache_write_1h`` is the part of ``cache_write`` that is kept for an hour.
    ``audio_seconds`` and ``web_searches`` are billed by themselves.
    """

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    input_image: int | None = None
    output_image: int | None = None
    audio_seconds: int | None = None
    web_searches: int | None = None

    @property
    def known(self) -> bool:
        return self.input is not None or self.output is not None or self.total is not None


class Answer(msgspec.Struct, kw_only=True, frozen=True):
    """What an answer says of itself.

    ``at_list_price`` is False where more or less than the listed price of its tokens was charged:
    another service tier, tools that the provider ran and bills by the call.
    """

    model: str | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    at_list_price: bool = True


class AssembledStream(msgspec.Struct, kw_only=True, frozen=True):
    """A streamed answer as if it had not been streamed.

    ``answer`` is None when no event could be read. ``complete`` tells whether the
    end mark was seen, None where the endpoint has none. ``error`` is the body of an
    error event.
    """

    answer: Json | None = None
    complete: bool | None = None
    error: Json | None = None


def objects(raw: bytes) -> Iterator[tuple[sse.Event, Json | None]]:
    """Each event with its data as a JSON object, None when it is anything else ("[DONE]", cut, garbage)."""
    for event in sse.parse(raw):
        value = None
        if event.data.lstrip().startswith("{"):
            try:
                value = decode_json(event.data)
            except ValueError:
                value = None
        yield event, value if isinstance(value, dict) else None


def error_of(event: sse.Event, data: Json) -> Json | None:
    """The error that an event reports in the middle of a stream, as the body of an unstreamed one."""
    if "error" in data and data["error"] and isinstance(data["error"], (dict, str)):
        return data
    if event.type == "error" or data.get("type") == "error":
        # OpenAI's Responses: the event itself holds code and message.
        return {"error": {name: value for name, value in data.items() if name != "type" or value != "error"}}
    return None


def join_base64(pieces: list[str]) -> str:
    """Base64 of the octets that chunks of base64 add up to: each chunk may have its own padding."""
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece, validate=True) for piece in pieces)).decode()
    except ValueError:  # cut, or no base64
        return "".join(pieces)


def mapping(value: object) -> Json:
    """``value`` when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Json]:
    """The objects of ``value`` when it is a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def index_of(item: Json, position: int) -> int:
    """The index an item of a stream carries, else its position."""
    index = item.get("index")
    return index if isinstance(index, int) else position


def text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def read_usage(usage: object) -> Usage:
    """OpenAI's (chat, responses, images, audio) or Anthropic's usage object.

    Anthropic counts what was read from and written to its prompt cache apart from
    ``input_tokens``. The gateway passes these numbers on in its chat answers, where
    only the total shows whether ``prompt_tokens`` includes them.
    """
    if not isinstance(usage, dict):
        return Usage()
    input_tokens = _first(usage, "prompt_tokens", "input_tokens")
    output_tokens = _first(usage, "completion_tokens", "output_tokens")
    total = count(usage.get("total_tokens"))
    read, written = count(usage.get("cache_read_input_tokens")), count(usage.get("cache_creation_input_tokens"))
    asked = _details(usage, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    answered = _details(usage, "completion_tokens_details", "output_tokens_details", "output_token_details")
    apart = (read or 0) + (written or 0)
    if input_tokens is not None and apart:
        anthropic = "input_tokens" in usage and total is None
        if anthropic or total == input_tokens + (output_tokens or 0) + apart:
            input_tokens = count(input_tokens + apart)
    if total is None and input_tokens is not None and output_tokens is not None:
        total = count(input_tokens + output_tokens)
    if read is None:  # DeepSeek and Moonshot have names of their own
        read = _first(asked, "cached_tokens")
        read = read if read is not None else _first(usage, "prompt_cache_hit_tokens", "cached_tokens")
    return Usage(
        input=input_tokens,
        output=output_tokens,
        total=total,
        cached=read,
        cache_write=written if written is not None else count(asked.get("cache_write_tokens")),
        cache_write_1h=count(mapping(usage.get("cache_creation")).get("ephemeral_1h_input_tokens")),
        reasoning=count(answered.get("reasoning_tokens")),
        input_audio=count(asked.get("audio_tokens")),
        output_audio=count(answered.get("audio_tokens")),
        input_image=count(asked.get("image_tokens")),
        output_image=count(answered.get("image_tokens")),
        audio_seconds=count(usage.get("seconds")) if usage.get("type") == "duration" else None,
        web_searches=count(mapping(usage.get("server_tool_use")).get("web_search_requests")),
    )


def input_only(usage: Usage) -> Usage:
    """The usage of an endpoint whose answers have no tokens (embeddings, rerank, moderation).

    Some providers say 0 output tokens, which is not a count of anything; some give the total alone.
    """
    tokens = usage.input if usage.input is not None else usage.total
    return msgspec.structs.replace(usage, input=tokens, output=None, total=tokens, reasoning=None)


_OTHER_TIERS = frozenset({"flex", "priority", "batch", "scale", "performance"})


def is_standard(answer: Json) -> bool:
    """Whether an answer was served at the standard tier, whose prices are the listed ones.

    OpenAI names the tier in the answer, Anthropic in its usage, with two more things that change the price:
    ``speed`` and ``inference_geo`` (https://docs.claude.com/en/docs/about-claude/pricing).
    """
    usage = mapping(answer.get("usage"))
    if {str(answer.get("service_tier")), str(usage.get("service_tier"))} & _OTHER_TIERS:
        return False
    return usage.get("speed") != "fast" and usage.get("inference_geo") != "us"


def _first(usage: Json, *names: str) -> int | None:
    for name in names:
        if (number := count(usage.get(name))) is not None:
            return number
    return None


def _details(usage: Json, *names: str) -> Json:
    return next((usage[name] for name in names if isinstance(usage.get(name), dict)), {})

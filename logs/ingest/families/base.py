"""The shapes that every endpoint family fills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from logs.ingest import sse
from logs.ingest.text import count, decode_json

Json = dict[str, Any]


class Usage(msgspec.Struct, kw_only=True, frozen=True):
    """Token counts as the provider gives them; None where it does not.

    ``input`` includes ``cached`` and ``cache_write``, ``output`` includes
    ``reasoning``, whatever the provider's own convention.
    """

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None

    @property
    def known(self) -> bool:
        return self.input is not None or self.output is not None or self.total is not None


class Answer(msgspec.Struct, kw_only=True, frozen=True):
    """What an answer says of itself."""

    model: str | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()


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
        try:
            value = decode_json(event.data)
        except ValueError:
            value = None
        yield event, value if isinstance(value, dict) else None


def error_of(event: sse.Event, data: Json) -> Json | None:
    """The error that an event reports in the middle of a stream, as the body of an unstreamed one."""
    if data.get("error") and isinstance(data["error"], (dict, str)):
        return data
    if event.type == "error" or data.get("type") == "error":
        return data if "error" in data else {"error": data}
    return None


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
    """OpenAI's (chat, responses, images) or Anthropic's usage object.

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
    in_details = mapping(usage.get("prompt_tokens_details")) or mapping(usage.get("input_tokens_details"))
    out_details = mapping(usage.get("completion_tokens_details")) or mapping(usage.get("output_tokens_details"))
    apart = (read or 0) + (written or 0)
    if input_tokens is not None and apart:
        anthropic = "input_tokens" in usage and total is None
        if anthropic or total == input_tokens + (output_tokens or 0) + apart:
            input_tokens = count(input_tokens + apart)
    if total is None and input_tokens is not None:
        total = count(input_tokens + (output_tokens or 0))
    return Usage(
        input=input_tokens,
        output=output_tokens,
        total=total,
        cached=read if read is not None else count(in_details.get("cached_tokens")),
        cache_write=written,
        reasoning=count(out_details.get("reasoning_tokens")),
    )


def _first(usage: Json, *names: str) -> int | None:
    return next((number for name in names if (number := count(usage.get(name))) is not None), None)

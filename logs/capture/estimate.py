"""Token counts for answers whose provider gave none: mostly streams that were not asked to tell."""

from __future__ import annotations

from typing import Any

from logs.ingest import normalise
from logs.llm import prices
from logs.llm.vocabulary import TokensOrigin
from portkey_logs.lib import uuid7

# English text has about four characters per token with the tokenizers of the large providers; other languages
# and code have fewer. It is marked as an estimate wherever it is shown.
CHARACTERS_PER_TOKEN = 4
_TYPES = frozenset({"chat_completion", "completion", "message", "response"})
_TEXT_KEYS = frozenset({"content", "text", "arguments", "reasoning_content", "refusal", "prompt", "input", "system"})
_MAX_DEPTH = 12


def estimate(derived: normalise.Derived) -> None:
    """Fill in the counts of a streamed success that has none, in place, and the price they come to."""
    record = derived.record
    if record.tokens_origin != TokensOrigin.MISSING or not (
        record.stream and record.is_success and record.response_bytes
    ):
        return
    if record.request_type not in _TYPES:
        return
    record.input_tokens, record.output_tokens = _tokens(derived.asked), _tokens(derived.answer)
    record.total_tokens = record.input_tokens + record.output_tokens
    record.tokens_origin = TokensOrigin.ESTIMATED
    if record.cost is None:
        record.cost, source = prices.price(
            record.provider,
            record.model,
            input_tokens=record.input_tokens,
            output_tokens=record.output_tokens,
            at_ms=uuid7.time_ms(record.id),
        )
        record.cost_source = f"{source}, estimated tokens" if source else None


def _tokens(body: Any) -> int:
    return -(-_characters(body, counts=False, depth=0) // CHARACTERS_PER_TOKEN)


def _characters(value: Any, *, counts: bool, depth: int) -> int:
    """The length of all strings that a model reads or writes: not of image data, ids or names."""
    if isinstance(value, str):
        return len(value) if counts else 0
    if depth > _MAX_DEPTH:
        return 0
    size = 0
    if isinstance(value, list):
        for item in value:
            size += _characters(item, counts=counts, depth=depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            size += _characters(item, counts=key in _TEXT_KEYS, depth=depth + 1)
    return size

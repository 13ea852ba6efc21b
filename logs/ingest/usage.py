"""Tokens and cost of an exchange: the sender's own figures, else the provider's counts at the listed prices.

A cost is never a guess: where something was used that is billed apart and that nobody counted, there is none.
"""

from __future__ import annotations

import msgspec

from logs.llm import prices
from logs.llm.content_flags import Marks
from logs.llm.providers import Answer
from logs.llm.providers.base import Json, Usage
from logs.llm.vocabulary import RequestType, TokensOrigin
from logs.record import Exchange
from portkey_logs.lib.text import count

_NO_OUTPUT = frozenset({RequestType.EMBEDDING, RequestType.MODERATION, RequestType.RERANK})


def usage_of(exchange: Exchange, request_type: str, answer: Answer) -> Usage:
    """The sender's own counts where it states them, else the provider's."""
    stated = Usage(input=count(exchange.input_tokens), output=count(exchange.output_tokens))
    if not stated.known:
        return answer.usage
    if stated.output is None and request_type not in _NO_OUTPUT:
        return stated
    return msgspec.structs.replace(stated, total=count((stated.input or 0) + (stated.output or 0)))


def tokens_origin(usage: Usage) -> TokensOrigin:
    """Where the counts come from; capture may estimate what is missing later."""
    return TokensOrigin.PROVIDER if usage.known else TokensOrigin.MISSING


def cost_of(
    exchange: Exchange,
    request_type: str,
    asked: Json,
    answer: Answer,
    *,
    provider: str | None,
    model: str | None,
    usage: Usage,
    sent: Marks,
    made: Marks,
    at_ms: int,
) -> prices.Priced:
    """Cents and their source: what the sender states, else the price of the usage, failed call or not.

    ``sent`` and ``made`` are the marks of the request and of the answer.
    """
    stated = None if exchange.cost_cents is None else prices.to_cents(exchange.cost_cents)
    if stated is not None:
        return stated, "reported"
    if not answer.at_list_price or "web_search_options" in asked:
        return None, None
    if usage.audio_seconds is not None and usage.input is None:
        return prices.price_of_audio(provider, model, seconds=usage.audio_seconds, at_ms=at_ms)
    if usage.output is None and request_type not in _NO_OUTPUT:
        return None, None
    return prices.price(
        provider,
        model,
        input_tokens=usage.input,
        output_tokens=usage.output,
        cached_tokens=usage.cached,
        cache_write_tokens=usage.cache_write,
        kinds=prices.Kinds(
            input_audio=usage.input_audio or 0,
            input_image=usage.input_image or 0,
            output_audio=usage.output_audio or 0,
            output_image=usage.output_image or 0,
            cache_write_1h=usage.cache_write_1h or 0,
            web_searches=usage.web_searches or 0,
            uncounted=_uncounted(request_type, usage, sent, made),
        ),
        at_ms=at_ms,
    )


def _uncounted(request_type: str, usage: Usage, sent: Marks, made: Marks) -> frozenset[str]:
    """The kinds of tokens that occurred and that the provider did not count apart.

    All that a speech is made of is audio, and its price is given for the output as a whole.
    """
    occurred = {
        "input_audio": sent.audio and usage.input_audio is None,
        "input_image": sent.images and usage.input_image is None,
        "output_audio": made.audio and usage.output_audio is None and request_type != "audio_speech",
        "output_image": made.images and usage.output_image is None,
    }
    return frozenset(name for name, is_uncounted in occurred.items() if is_uncounted)

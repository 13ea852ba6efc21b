from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage, __version__
from genai_prices.data_snapshot import get_snapshot

from logs.llm import prices as pricing

AT_MS = 1_795_000_000_000


def cents(provider, model, input_tokens=1_000_000, output_tokens=0, **kwargs):
    return pricing.price(
        provider, model, input_tokens=input_tokens, output_tokens=output_tokens, at_ms=AT_MS, **kwargs
    )[0]


def test_cents_with_source_and_without_dust():
    cost, source = pricing.price("openai", "gpt-4o-mini-2024-07-18", input_tokens=24, output_tokens=8, at_ms=AT_MS)
    assert str(cost) == "0.00084"
    assert source == f"genai-prices {__version__}"


def test_cached_tokens_have_their_own_price():
    assert cents("openai", "gpt-4o-mini") == 15
    assert cents("openai", "gpt-4o-mini", cached_tokens=1_000_000) == Decimal("7.5")
    assert cents("openai", "gpt-4o-mini", input_tokens=10, cached_tokens=50) == cents(
        "openai", "gpt-4o-mini", input_tokens=10, cached_tokens=10
    )
    written = cents("anthropic", "claude-3-5-sonnet-20241022", cache_write_tokens=1_000_000)
    assert written > cents("anthropic", "claude-3-5-sonnet-20241022")


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("azure-openai", "gpt-4o-mini"),
        ("bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("vertex-ai", "gemini-2.0-flash"),
        ("google", "gemini-2.0-flash"),
        ("together-ai", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("mistral-ai", "mistral-small-latest"),
        ("OpenAI", "gpt-4o-mini"),
        ("openai", "@openai-prod/gpt-4o-mini"),
        ("openai", "text-embedding-3-small"),
    ],
)
def test_portkeys_names_are_understood(provider, model):
    assert cents(provider, model) > 0


@pytest.mark.parametrize(
    ("provider", "model"),
    [(None, "gpt-4o"), ("openai", None), ("openai", "dall-e-3"), ("nobody", "gpt-4o"), ("openai", "@x/"), ("", "")],
)
def test_no_known_price_is_no_cost(provider, model):
    assert pricing.price(provider, model, input_tokens=5, output_tokens=5, at_ms=AT_MS) == (None, None)


def test_no_cost_without_tokens_or_outside_of_time():
    assert cents("openai", "gpt-4o-mini", input_tokens=None) is None
    assert pricing.price("openai", "gpt-4o", input_tokens=5, output_tokens=5, at_ms=10**18) == (None, None)
    # embeddings have no price for output
    assert cents("openai", "text-embedding-3-small", output_tokens=5) is None


def test_the_sum_is_that_of_the_package():
    at = datetime.fromtimestamp(AT_MS / 1000, UTC)
    checked = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            prices = model.get_prices(at)
            ours = pricing._dollars(prices, 900_001, 1_234, 30_001, 7_003)
            if ours is None:
                continue
            usage = Usage(input_tokens=900_001, output_tokens=1_234, cache_read_tokens=30_001, cache_write_tokens=7_003)
            theirs = model.calc_price(usage, provider, genai_request_timestamp=at).total_price
            assert ours == theirs, (provider.id, model.id)
            checked += 1
    assert checked > 500


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.1", "0.1"), ("100", "100"), ("1E+2", "100"), ("0.123456789", "0.12345679"), ("0", "0"), ("1E-30", "0")],
)
def test_to_cents(value, text):
    assert str(pricing.to_cents(Decimal(value))) == text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "1E+10", "1E+999999"])
def test_what_the_column_cannot_hold_is_none(value):
    assert pricing.to_cents(Decimal(value)) is None


def of_kinds(provider, model, input_tokens=1000, output_tokens=1000, cached_tokens=0, **kinds):
    kinds["uncounted"] = frozenset(kinds.pop("uncounted", ()))
    return cents(
        provider, model, input_tokens, output_tokens, cached_tokens=cached_tokens, kinds=pricing.Kinds(**kinds)
    )


def test_audio_and_images_have_their_own_prices():
    # gpt-audio: text $2.5 and $10, audio $32 and $64 per million
    assert of_kinds("openai", "gpt-audio", input_audio=400, output_audio=900) == (
        Decimal("2.5") * 600 + 32 * 400 + 10 * 100 + 64 * 900
    ) / Decimal(10_000)
    # gpt-image-1: text $5, images sent $10, made $40 (the price of its output)
    assert of_kinds("openai", "gpt-image-1", input_image=300, uncounted=["output_image"]) == (
        Decimal(5) * 700 + 10 * 300 + 40 * 1000
    ) / Decimal(10_000)


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        ("gpt-4o-audio-preview", {"input_audio": 10}),  # no price for audio is listed
        ("gpt-audio", {"uncounted": ["output_audio"]}),
        ("gpt-image-1.5", {"uncounted": ["output_image"]}),
        ("gpt-image-1", {"input_image": 10, "cached_tokens": 10}),  # whether images were cached is not known
        ("gpt-audio", {"input_audio": 1001}),  # more than there is
        ("gpt-4o-mini", {"cache_write_1h": 1}),
        ("text-embedding-3-small", {"web_searches": 1, "output_tokens": 0}),
    ],
)
def test_what_depends_on_something_nobody_counted_has_no_price(model, kinds):
    assert of_kinds("openai", model, **kinds) is None


def test_images_in_a_prompt_cost_what_text_does_where_the_list_says_nothing_else():
    assert of_kinds("openai", "gpt-4o-mini", uncounted=["input_image"]) == of_kinds("openai", "gpt-4o-mini")


def test_web_searches_and_caches_of_an_hour():
    plain = of_kinds("anthropic", "claude-sonnet-4-20250514")
    assert of_kinds("anthropic", "claude-sonnet-4-20250514", web_searches=2) == plain + 2
    written = {"input_tokens": 1000, "output_tokens": 0, "cache_write_tokens": 600}
    five_minutes = cents("anthropic", "claude-sonnet-4-20250514", **written)
    hour = cents("anthropic", "claude-sonnet-4-20250514", **written, kinds=pricing.Kinds(cache_write_1h=400))
    assert hour - five_minutes == (6 - Decimal("3.75")) * 400 / Decimal(10_000)


def test_transcriptions_by_their_length():
    assert pricing.price_of_audio("openai", "whisper-1", seconds=60, at_ms=AT_MS)[0] == Decimal("0.6")
    assert pricing.price_of_audio("openai", "gpt-4o", seconds=60, at_ms=AT_MS) == (None, None)
    assert pricing.price_of_audio(None, "whisper-1", seconds=60, at_ms=AT_MS) == (None, None)


def test_audio_sums_are_those_of_the_package():
    at = datetime.fromtimestamp(AT_MS / 1000, UTC)
    checked = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            prices = model.get_prices(at)
            ours = pricing._dollars(prices, 900, 1_234, 0, 0, pricing.Kinds(input_audio=301, output_audio=77))
            if ours is None:
                continue
            usage = Usage(input_tokens=900, output_tokens=1_234, input_audio_tokens=301, output_audio_tokens=77)
            theirs = model.calc_price(usage, provider, genai_request_timestamp=at).total_price
            assert ours == theirs, (provider.id, model.id)
            checked += 1
    assert checked > 5

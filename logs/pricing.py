"""What an answer costs, by the price list of the ``genai-prices`` package.

The list is the one installed: nothing is fetched. No known price means no cost,
never zero.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

# Portkey's provider names where genai-prices has another id for the same.
_PROVIDERS = {
    "azure-openai": "azure",
    "azure-ai": "azure",
    "azure-ai-inference": "azure",
    "bedrock": "aws",
    "vertex-ai": "google",
    "gemini": "google",
    "together-ai": "together",
    "fireworks-ai": "fireworks",
    "mistral-ai": "mistral",
    "perplexity-ai": "perplexity",
    "novita-ai": "novita",
    "workers-ai": "cloudflare",
    "moonshot": "moonshotai",
    "zhipu": "zhipuai",
    "z-ai": "zai",
    "voyage": "voyageai",
    "xai": "x-ai",
}
# The column holds 8 decimals of a cent: a hundredth of the price of one token at $0.01 per million.
_STEP = Decimal("1e-8")
_MAX_CENTS = Decimal(10) ** 10

Priced = tuple[Decimal, str] | tuple[None, None]


def price(
    provider: str | None,
    model: str | None,
    *,
    input_tokens: int | None,
    output_tokens: int | None,
    cached_tokens: int | None = None,
    cache_write_tokens: int | None = None,
    at_ms: int,
) -> Priced:
    """Cents for one answer and the source of the price, or (None, None) where no price is known.

    ``input_tokens`` includes the ``cached_tokens`` read from and the
    ``cache_write_tokens`` written to the provider's prompt cache; each kind has its
    own price. ``at_ms`` (UTC) picks the price of that day. None for a count means
    zero, except that without ``input_tokens`` nothing is priced.
    """
    if not provider or not model or input_tokens is None:
        return None, None
    found = _find(provider, model)
    if found is None:
        return None, None
    cached = min(cached_tokens or 0, input_tokens)
    written = min(cache_write_tokens or 0, input_tokens - cached)
    try:
        prices = found[1].get_prices(datetime.fromtimestamp(at_ms / 1000, UTC))
        dollars = _dollars(prices, input_tokens, output_tokens or 0, cached, written)
    except (LookupError, ValueError, OverflowError, OSError):
        return None, None
    cents = None if dollars is None else to_cents(dollars * 100)
    return (None, None) if cents is None else (cents, _source())


def _dollars(prices: ModelPrice, input_tokens: int, output_tokens: int, cached: int, written: int) -> Decimal | None:
    """The price of the counts; None where the list has no price for input or output that was used."""
    if (input_tokens and prices.input_mtok is None) or (output_tokens and prices.output_mtok is None):
        return None
    rates = _flat_rates(prices)
    if rates is None:
        from genai_prices import Usage

        usage = Usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cache_read_tokens=cached,
            cache_write_tokens=written,
        )
        return Decimal(prices.calc_price(usage)["total_price"])
    # The package's own sum takes 100 µs, a quarter of what a record costs; for flat prices this is the same.
    counts = (input_tokens - cached - written, cached, written, output_tokens)
    return sum((n * rate for n, rate in zip(counts, rates, strict=True)), Decimal(0)) / Decimal(1_000_000)


def _flat_rates(prices: ModelPrice) -> list[Decimal] | None:
    """Dollars per million tokens of plain input, cache read, cache write and output.

    None where a price depends on the size of the input or there is one per request.
    Without a price of their own, cached tokens cost what input does.
    """
    listed = (prices.input_mtok, prices.cache_read_mtok, prices.cache_write_mtok, prices.output_mtok)
    flat = [rate for rate in listed if rate is None or isinstance(rate, Decimal)]
    if len(flat) < len(listed) or prices.requests_kcount is not None:
        return None
    plain = flat[0] or Decimal(0)
    unlisted = (plain, plain, plain, Decimal(0))
    return [other if rate is None else rate for rate, other in zip(flat, unlisted, strict=True)]


def to_cents(value: Decimal) -> Decimal | None:
    """``value`` (cents) as the column holds it: 8 decimals, no trailing zeros; None when it does not fit."""
    if not value.is_finite() or not 0 <= value < _MAX_CENTS:
        return None
    cents = value.quantize(_STEP).normalize()
    return cents.quantize(Decimal(1)) if cents.as_tuple().exponent > 0 else cents  # type: ignore[operator]


@lru_cache(maxsize=4096)  # bounded: model names come from outside; the package's own cache is not
def _find(provider: str, model: str) -> tuple[Provider, ModelInfo] | None:
    from genai_prices.data_snapshot import get_snapshot

    providers = get_snapshot().providers
    wanted = _PROVIDERS.get(provider.lower(), provider.lower())
    owner = next((p for p in providers if p.id == wanted), None)
    if owner is None:
        return None
    # "@openai-prod/gpt-4o" names a virtual key in front of the model.
    names = [model, model.partition("/")[2]] if model.startswith("@") else [model]
    for name in filter(None, names):
        info = owner.find_model(name, all_providers=providers)
        if info is not None:
            return owner, info
    return None


@cache
def _source() -> str:
    from genai_prices import __version__

    return f"genai-prices {__version__}"

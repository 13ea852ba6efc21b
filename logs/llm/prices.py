"""What an answer costs, by the price list of the ``genai-prices`` package.

The list is the one installed: nothing is fetched. No known price means no cost,
never zero.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

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
_MILLION, _THOUSAND, _HOUR = Decimal(1_000_000), Decimal(1_000), Decimal(3_600)


class Kinds(NamedTuple):
    """The tokens and services that may have prices of their own.

    ``input_audio`` and ``input_image`` are parts of the input, ``output_audio`` and ``output_image`` of the
    output, ``cache_write_1h`` (kept for an hour) of the cache writes. ``uncounted`` names the fields of those
    that occurred without being counted.
    """

    input_audio: int = 0
    input_image: int = 0
    output_audio: int = 0
    output_image: int = 0
    cache_write_1h: int = 0
    web_searches: int = 0
    uncounted: frozenset[str] = frozenset()

    def fit(self, input_tokens: int, output_tokens: int, written: int) -> bool:
        """Whether the parts are no more than what they are parts of."""
        return (
            self.input_audio + self.input_image <= input_tokens
            and self.output_audio + self.output_image <= output_tokens
            and self.cache_write_1h <= written
        )


_PLAIN = Kinds()


def price(
    provider: str | None,
    model: str | None,
    *,
    input_tokens: int | None,
    output_tokens: int | None,
    cached_tokens: int | None = None,
    cache_write_tokens: int | None = None,
    kinds: Kinds = _PLAIN,
    at_ms: int,
) -> Priced:
    """Cents for one answer and the source of the price, or (None, None) where no price is known.

    ``input_tokens`` includes the ``cached_tokens`` read from and the
    ``cache_write_tokens`` written to the provider's prompt cache; each kind has its
    own price. ``at_ms`` (UTC) picks the price of that day. None for a count means
    zero, except that without ``input_tokens`` nothing is priced.
    """
    prices = None if input_tokens is None else _prices(provider, model, at_ms)
    if prices is None or input_tokens is None:
        return None, None
    cached = min(cached_tokens or 0, input_tokens)
    written = min(cache_write_tokens or 0, input_tokens - cached)
    return _in_cents(_dollars(prices, input_tokens, output_tokens or 0, cached, written, kinds))


def price_of_audio(provider: str | None, model: str | None, *, seconds: int, at_ms: int) -> Priced:
    """Cents for a transcription billed by its length (whisper-1), as :func:`price`."""
    prices = _prices(provider, model, at_ms)
    rate = getattr(prices, "input_audio_hours", None)
    return _in_cents(rate * seconds / _HOUR) if isinstance(rate, Decimal) else (None, None)


def _prices(provider: str | None, model: str | None, at_ms: int) -> ModelPrice | None:
    found = _find(provider, model) if provider and model else None
    if found is None:
        return None
    try:
        return found[1].get_prices(datetime.fromtimestamp(at_ms / 1000, UTC))
    except (LookupError, ValueError, OverflowError, OSError):
        return None


def _in_cents(dollars: Decimal | None) -> Priced:
    cents = None if dollars is None else to_cents(dollars * 100)
    return (None, None) if cents is None else (cents, _source())


def _dollars(
    prices: ModelPrice, input_tokens: int, output_tokens: int, cached: int, written: int, kinds: Kinds = _PLAIN
) -> Decimal | None:
    """The price of the counts; None where the list has no price for something that was used.

    The package's own sum takes 100 µs, a quarter of what a record costs; this is the same.
    """

    def rate(name: str) -> Decimal | None:
        listed = getattr(prices, name, None)
        if listed is None or isinstance(listed, Decimal):
            return listed
        # The size of the whole input decides between tiers, for every price.
        tiers: TieredPrices = listed
        return next((tier.price for tier in reversed(tiers.tiers) if input_tokens > tier.start), tiers.base)

    input_rate, output_rate = rate("input_mtok"), rate("output_mtok")
    if input_rate is None or (output_tokens and output_rate is None):
        return None
    if rate("output_reasoning_mtok") is not None:  # with prices for citations and searches that nobody counts
        return None
    # Without a price of their own, cached tokens cost what input does.
    read_rate, write_rate = rate("cache_read_mtok"), rate("cache_write_mtok")
    read_rate = input_rate if read_rate is None else read_rate
    write_rate = input_rate if write_rate is None else write_rate
    tokens = input_rate * (input_tokens - cached - written) + read_rate * cached + write_rate * written
    tokens += (output_rate or Decimal(0)) * output_tokens
    if kinds != _PLAIN:
        if not kinds.fit(input_tokens, output_tokens, written):
            return None
        extra = _of_kinds(rate, kinds, input_rate, output_rate or Decimal(0), write_rate, bool(cached or written))
        if extra is None:
            return None
        tokens += extra
    searches = rate("web_searches_kcount")
    if kinds.web_searches and searches is None:
        return None
    calls = (rate("requests_kcount") or Decimal(0)) + (searches or Decimal(0)) * kinds.web_searches
    return tokens / _MILLION + calls / _THOUSAND


def _of_kinds(
    rate: Callable[[str], Decimal | None],
    kinds: Kinds,
    input_rate: Decimal,
    output_rate: Decimal,
    write_rate: Decimal,
    cache_used: bool,
) -> Decimal | None:
    """What the kinds cost more (or less) than plain tokens, per million; None where it cannot be known.

    Audio never costs what text does: without a price there is none. Images do, unless the list says otherwise.
    Nobody counts how much of what the cache held was audio or images.
    """
    extra = Decimal(0)
    for name, plain in (
        ("input_audio", input_rate),
        ("input_image", input_rate),
        ("output_audio", output_rate),
        ("output_image", output_rate),
    ):
        used: int = getattr(kinds, name)
        if not used and name not in kinds.uncounted:
            continue
        own = rate(f"{name}_mtok")
        if own is None and name.endswith("audio"):
            return None
        if own is None or own == plain:
            continue
        if name in kinds.uncounted or (cache_used and name.startswith("input")):
            return None
        extra += (own - plain) * used
    if kinds.cache_write_1h:
        own = rate("cache_write_1h_mtok")
        if own is None:
            return None
        extra += (own - write_rate) * kinds.cache_write_1h
    return extra


def to_cents(value: Decimal) -> Decimal | None:
    """``value`` (cents) as the column holds it: 8 decimals, no trailing zeros; None when it does not fit."""
    if not value.is_finite() or not 0 <= value < _MAX_CENTS:
        return None
    cents = value.quantize(_STEP).normalize()
    return cents.quantize(Decimal(1)) if cents.as_tuple().exponent > 0 else cents  # type: ignore[operator]


def load() -> None:
    """Read the list now: that takes more than half a second, and else the first answer to be priced waits for it."""
    from genai_prices.data_snapshot import get_snapshot

    get_snapshot()


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

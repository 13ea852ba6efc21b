"""How a log is put into words: the texts and numbers of a row and of the panel's facts.

Templates only place what is computed here; the list, the panel and the JSON twins say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING

from logs.extension_types import FeedbackScore, LogAction
from logs.llm import gateway_status as status
from logs.llm.gateway_status import GatewayStatus
from logs.llm.vocabulary import (
    FROM_CACHE,
    CacheStatus,
    Completeness,
    FallbackStatus,
    LoadbalanceStatus,
    RequestType,
    RetryStatus,
)
from logs.models import Log
from logs.storage.search.find import Match

if TYPE_CHECKING:
    from logs.explorer.columns import Cell


@dataclass(frozen=True)
class State:
    """One quarter of the status pill. ``short`` is readable in the row: a retry count or an option number."""

    group: str
    state: str
    text: str
    short: str = ""


@dataclass(frozen=True)
class Mark:
    """What a log has that its text does not tell: an icon, and its words."""

    icon: str
    label: str


@dataclass(kw_only=True)
class Row:
    id: str
    url: str
    created_at: datetime
    received_at: datetime
    type_label: str
    request_type: str
    provider: str
    model: str
    requested_model: str
    user: str
    tokens: str
    tokens_title: str
    tokens_origin: str
    cost: str
    cost_known: bool
    cost_struck: bool
    pill: tuple[State, ...]
    status_code: int | None
    is_success: bool
    error_type: str
    error_message: str
    latency: str
    stream: bool
    completeness: str
    completeness_note: str
    marks: tuple[Mark, ...]
    trace_id: str
    score: FeedbackScore | None = None
    match: Match | None = None
    actions: list[LogAction] = field(default_factory=list)
    is_open: bool = False
    cells: Sequence[Cell] = ()  # in the order of the list's columns

    @property
    def created_iso(self) -> str:
        return iso(self.created_at)

    @property
    def clock(self) -> str:
        """``15:27:24``"""
        return self.created_at.strftime("%H:%M:%S")

    @property
    def moment(self) -> str:
        """``2026-11-23 15:27:24.123 UTC``"""
        return self.created_iso.replace("T", " ").replace("Z", " UTC")

    @property
    def model_title(self) -> str:
        """``gpt-4o-2024-08-06, openai; gpt-4o was requested``"""
        title = ", ".join(filter(None, (self.model or "unknown model", self.provider)))
        is_other = self.requested_model not in ("", self.model)
        return f"{title}; {self.requested_model} was requested" if is_other else title

    @property
    def received_iso(self) -> str:
        return iso(self.received_at)

    @property
    def notable(self) -> list[State]:
        """The states in which the gateway did something."""
        return [each for each in self.pill if each.state not in ("disabled", "not_triggered", "unknown")]


def iso(moment: datetime) -> str:
    """``2026-11-23T15:27:24.123Z``"""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def gateway_status(log: Log) -> GatewayStatus:
    """The stored columns as the value that ``logs.llm.gateway_status`` speaks of."""
    return GatewayStatus(
        cache_status=CacheStatus(log.cache_status),
        retry_status=RetryStatus(log.retry_status),
        retry_count=log.retry_count,
        fallback_status=FallbackStatus(log.fallback_status),
        fallback_option=log.fallback_option,
        loadbalance_status=LoadbalanceStatus(log.loadbalance_status),
    )


def pill(log: Log) -> tuple[State, ...]:
    """The four states in their fixed order: cache, retry, fallback, load balance."""
    gateway = gateway_status(log)
    texts = status.labels(gateway)
    retries = str(gateway.retry_count) if gateway.retry_status == "success" else ""
    option = str(gateway.fallback_option) if gateway.fallback_status == "triggered" else ""
    return (
        State("cache", gateway.cache_status, texts.cache),
        State("retry", gateway.retry_status, texts.retry, retries),
        State("fallback", gateway.fallback_status, texts.fallback, option),
        State("loadbalance", gateway.loadbalance_status, texts.loadbalance),
    )


def row(
    log: Log,
    url: str,
    *,
    is_open: bool = False,
    score: FeedbackScore | None = None,
    match: Match | None = None,
    actions: Iterable[LogAction] = (),
    cells: Sequence[Cell] = (),
) -> Row:
    return Row(
        id=str(log.id),
        url=url,
        created_at=log.created_at,
        received_at=log.received_at,
        type_label=RequestType(log.request_type).label,
        request_type=log.request_type,
        provider=log.provider or "",
        model=log.model or "",
        requested_model=log.requested_model or "",
        user=log.user or "",
        tokens=compact(log.total_tokens) if log.total_tokens is not None else "",
        tokens_title=tokens_in_words(log),
        tokens_origin=log.tokens_origin,
        cost=cents(log.cost) if log.cost is not None else "",
        cost_known=log.cost is not None,
        cost_struck=log.cost is not None and is_saved(log),
        pill=pill(log),
        status_code=log.status_code,
        is_success=log.is_success,
        error_type=log.error_type or "",
        error_message=log.error_message or "",
        latency=duration(log.latency_ms) if log.latency_ms is not None else "",
        stream=log.stream,
        completeness=log.completeness,
        completeness_note=Completeness(log.completeness).note,
        marks=marks(log),
        trace_id=log.trace_id,
        score=score,
        match=match,
        actions=list(actions),
        is_open=is_open,
        cells=cells,
    )


def marks(log: Log) -> tuple[Mark, ...]:
    """Images, audio and tools, in this order."""
    found = (
        (log.has_images, Mark("image", "with images")),
        (log.has_audio, Mark("volume-2", "with audio")),
        (log.has_tools, Mark("wrench", "with tools")),
    )
    return tuple(mark for is_there, mark in found if is_there)


def is_saved(log: Log) -> bool:
    """Whether the cost was saved by the cache rather than spent."""
    return log.cache_status in FROM_CACHE


def spent(log: Log) -> Decimal | None:
    """What the request cost in cents: nothing where the cache answered; None where no price is known."""
    return Decimal(0) if is_saved(log) else log.cost


def compact(number: int) -> str:
    """``842``, ``1.2K``, ``3.4M``: at most four characters for a column."""
    for limit, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        if number >= limit:
            value = f"{number / limit:.1f}" if number < 100 * limit else f"{number / limit:.0f}"
            return value.removesuffix(".0") + unit
    return str(number)


def tokens_in_words(log: Log) -> str:
    if log.total_tokens is None:
        return "The provider reported no usage"
    parts = [
        f"{count:,} {name}"
        for count, name in (
            (log.input_tokens, "in"),
            (log.output_tokens, "out"),
            (log.cached_tokens or None, "from the provider's cache"),
            (log.reasoning_tokens or None, "reasoning"),
        )
        if count is not None
    ]
    estimated = " (estimated)" if log.tokens_origin == "estimated" else ""
    return f"{log.total_tokens:,} tokens{estimated}" + (f": {', '.join(parts)}" if parts else "")


def cents(cost: Decimal) -> str:
    """Three significant digits: ``0.0066 cents``, ``12.4 cents``; what rounds to nothing is ``~0 cents``."""
    if cost == 0:
        return "0 cents"
    if cost < Decimal("0.00005"):
        return "~0 cents"
    text = f"{cost:,.1f}" if cost >= 100 else f"{float(cost):.3g}"
    if "e" in text:
        text = f"{cost:.5f}".rstrip("0")
    return f"{text} cents"


def duration(ms: int) -> str:
    """``412 ms``, ``1.3 s``, ``2 min 5 s``."""
    if ms < 1000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    return f"{ms // 60_000} min {ms % 60_000 // 1000} s"


def size(octets: int) -> str:
    """``812 B``, ``1.2 KB``, ``3.4 MB`` (powers of 1000, as networks count)."""
    for limit, unit in ((1_000_000, "MB"), (1_000, "KB")):
        if octets >= limit:
            return f"{octets / limit:.1f} {unit}"
    return f"{octets} B"


def status_phrase(code: int) -> str:
    """``429 Too Many Requests``; the gateway's own codes are named as it means them."""
    own = {246: "Guardrail checks failed, let through", 446: "Denied by a guardrail"}
    if code in own:
        return f"{code} {own[code]}"
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)

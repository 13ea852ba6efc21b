"""Types of what ``/v1/analytics`` answers, for the API's documentation."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType


class StatusCount(Struct):
    response_status_code: int | None
    count: int


class RetryCount(Struct):
    retry_success_count: int
    count: int


_NUMBER = float | None
_TIME = ("timestamp", str)
_LATENCY = [("avg", _NUMBER), ("p50", _NUMBER), ("p90", _NUMBER), ("p99", _NUMBER)]
_COST = [("total", _NUMBER), ("avg", _NUMBER), ("saved", _NUMBER), ("requests_without_price", int)]
_TOKENS = [("total", _NUMBER), ("avg", _NUMBER), ("input", _NUMBER), ("output", _NUMBER)]
_TOTAL: list[Any] = [("total", _NUMBER)]
_AVERAGE: list[Any] = [("avg", _NUMBER)]


def _graph(name: str, summary: list[Any], point: list[Any]) -> Any:
    title = "".join(word.capitalize() for word in name.replace("/", "-").split("-")) + "Graph"
    parts = (
        msgspec.defstruct(f"{title}Summary", summary, module=__name__),
        msgspec.defstruct(f"{title}Point", point, module=__name__),
    )
    return msgspec.defstruct(
        title,
        [
            ("summary", parts[0]),
            ("data_points", list[parts[1]]),  # type: ignore[valid-type]
            ("object", str),
            ("partial_since", str | UnsetType, UNSET),
        ],
        module=__name__,
    )


def _over_time(name: str, summary: list[Any], point: list[Any]) -> Any:
    return _graph(name, summary, [_TIME, *point])


# By the name in the address.
GRAPH_TYPES: dict[str, Any] = {
    "requests": _over_time("requests", _TOTAL, _TOTAL),
    "cost": _over_time("cost", _COST, _COST),
    "latency": _over_time("latency", _LATENCY, _LATENCY),
    "tokens": _over_time("tokens", _TOKENS, _TOKENS),
    "users": _over_time("users", _TOTAL, _TOTAL),
    "users/requests": _over_time("users/requests", [*_TOTAL, ("unique", int), *_AVERAGE], _AVERAGE),
    "errors": _over_time("errors", _TOTAL, _TOTAL),
    "errors/rate": _over_time("errors/rate", [("rate", _NUMBER)], [("rate", _NUMBER)]),
    "errors/stacks": _over_time("errors/stacks", _TOTAL, [("stats", list[StatusCount])]),
    "errors/status-codes": _graph(
        "errors/status-codes",
        [("total_errors", int), ("unique_error_codes", int)],
        [("status_code", int | None), ("count", int)],
    ),
    "requests/rescued": _over_time(
        "requests/rescued", [("retry", int), ("fallback", int)], [("retry", list[RetryCount]), ("fallback", int)]
    ),
    "cache/hit-rate": _over_time(
        "cache/hit-rate",
        [("total", int), ("rate", _NUMBER)],
        [
            ("simple_hits", int),
            ("semantic_hits", int),
            ("rate", _NUMBER),
            ("cumulative_simple_cache_savings", _NUMBER),
            ("cumulative_semantic_cache_savings", _NUMBER),
        ],
    ),
    "cache/latency": _over_time("cache/latency", _AVERAGE, _AVERAGE),
    "feedbacks": _over_time("feedbacks", _TOTAL, _TOTAL),
    "feedbacks/scores": _graph("feedbacks/scores", _TOTAL, [("score", float), ("total", int)]),
    "feedbacks/weighted": _over_time("feedbacks/weighted", _AVERAGE, _AVERAGE),
    "feedbacks/ai-models": _graph(
        "feedbacks/ai-models",
        _TOTAL,
        [("ai_model", str | None), ("total", int), ("avg_weighted_feedback", _NUMBER)],
    ),
}


class CacheSummary(Struct):
    """``cache_speedup`` is in percent."""

    hits: int
    avg_latency: float | None
    total_requests: int
    cache_speedup: float | None


class CacheSummaryAnswer(Struct, kw_only=True):
    summary: CacheSummary
    object: str
    partial_since: str | UnsetType = UNSET


class Group(Struct, kw_only=True):
    """One group. The columns that are not listed here are those that the call names."""

    object: str
    requests: int | str


class UserGroup(Group, kw_only=True):
    """``requests`` and ``cost`` are strings, as Portkey's are."""

    user: str | None
    cost: str


class ModelGroup(Group, kw_only=True):
    """``requests`` is a string, as Portkey's is."""

    ai_model: str | None


class MetadataGroup(Group, kw_only=True):
    metadata_value: str | None
    cost: float | None
    avg_tokens: float | None
    last_seen: str | None
    requests_with_feedback: int
    avg_weighted_feedback: float | None


class ColumnGroup(Group, kw_only=True):
    """A group of any dimension: its value under the dimension's name, and the columns that the call names."""

    cost: float | UnsetType | None = UNSET
    total_tokens: float | UnsetType = UNSET
    avg_tokens: float | UnsetType = UNSET
    avg_input_tokens: float | UnsetType = UNSET
    avg_output_tokens: float | UnsetType = UNSET
    avg_latency: float | UnsetType | None = UNSET
    p95_latency: float | UnsetType | None = UNSET
    p99_latency: float | UnsetType | None = UNSET
    success_rate: float | UnsetType = UNSET
    error_count: int | UnsetType = UNSET
    cache_hit_rate: float | UnsetType | None = UNSET
    last_seen: str | UnsetType | None = UNSET
    first_seen: str | UnsetType | None = UNSET
    requests_without_price: int | UnsetType = UNSET
    ai_service: str | UnsetType | None = UNSET
    provider: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
    status_code: int | UnsetType | None = UNSET
    api_key: str | UnsetType | None = UNSET
    config: str | UnsetType | None = UNSET
    prompt: str | UnsetType | None = UNSET
    virtual_key: str | UnsetType | None = UNSET
    user: str | UnsetType | None = UNSET
    workspace: str | UnsetType = UNSET

"""What can be exported of a log: Portkey's names for what Portkey exports, the log page's for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from logs.models import Log

Kind = Literal["text", "integer", "number", "boolean", "time", "json", "body"]


@dataclass(frozen=True)
class Field:
    """One field. ``columns`` are what ``value`` reads; a body's value is read from elsewhere."""

    name: str
    label: str
    group: str
    kind: Kind
    columns: tuple[str, ...]
    value: Callable[[Log], Any]


def _column(name: str, label: str, group: str, kind: Kind, column: str = "") -> Field:
    column = column or name
    return Field(name, label, group, kind, (column,), lambda log: getattr(log, column))


def _mode(log: Log) -> str:
    if log.fallback_status in ("active", "triggered"):
        return "fallback"
    return "loadbalance" if log.loadbalance_status == "active" else "single"


def _cost(log: Log) -> float | None:
    return None if log.cost is None else float(log.cost)


_BODY_COLUMNS = ("url", "method", "status_code", "latency_ms", "stream", "request_bytes", "response_bytes")
_ALL = (
    Field("id", "Log id", "Request", "text", ("id",), lambda log: str(log.id)),
    _column("trace_id", "Trace id", "Request", "text"),
    Field("created_at", "Created at", "Request", "time", ("id",), lambda log: log.created_at),
    _column("type", "Type", "Request", "text", "request_type"),
    _column("request_url", "URL", "Request", "text", "url"),
    _column("ai_org", "Provider", "Request", "text", "provider"),
    _column("ai_model", "Model", "Request", "text", "model"),
    _column("requested_model", "Requested model", "Request", "text"),
    _column("user", "User", "Request", "text"),
    _column("metadata", "Metadata", "Request", "json"),
    _column("span_id", "Span id", "Request", "text"),
    _column("parent_span_id", "Parent span id", "Request", "text"),
    _column("span_name", "Span name", "Request", "text"),
    _column("is_success", "Success", "Outcome", "boolean"),
    _column("response_status_code", "Status code", "Outcome", "integer", "status_code"),
    _column("response_time", "Latency (ms)", "Outcome", "integer", "latency_ms"),
    _column("time_to_first_token_ms", "Time to first token (ms)", "Outcome", "integer"),
    _column("stream", "Stream", "Outcome", "boolean"),
    _column("finish_reason", "Finish reason", "Outcome", "text"),
    _column("error_type", "Error type", "Outcome", "text"),
    _column("error_message", "Error message", "Outcome", "text"),
    _column("completeness", "Completeness", "Outcome", "text"),
    _column("req_units", "Input tokens", "Usage", "integer", "input_tokens"),
    _column("res_units", "Output tokens", "Usage", "integer", "output_tokens"),
    _column("total_units", "Total tokens", "Usage", "integer", "total_tokens"),
    _column("cached_tokens", "Cached tokens", "Usage", "integer"),
    _column("reasoning_tokens", "Reasoning tokens", "Usage", "integer"),
    _column("tokens_origin", "Origin of the counts", "Usage", "text"),
    Field("cost", "Cost (cents)", "Usage", "number", ("cost",), _cost),
    Field("cost_currency", "Currency", "Usage", "text", ("id",), lambda log: "USD"),
    _column("cache", "Cache", "Gateway", "text", "cache_status"),
    _column("retry", "Retry", "Gateway", "text", "retry_status"),
    _column("retry_count", "Retries", "Gateway", "integer"),
    _column("fallback", "Fallback", "Gateway", "text", "fallback_status"),
    _column("fallback_option", "Fallback option", "Gateway", "integer"),
    _column("loadbalance", "Load balance", "Gateway", "text", "loadbalance_status"),
    Field("mode", "Mode", "Gateway", "text", ("fallback_status", "loadbalance_status"), _mode),
    _column("config", "Config", "Gateway", "text"),
    _column("prompt_slug", "Prompt", "Gateway", "text", "prompt"),
    _column("virtual_key", "Virtual key", "Gateway", "text"),
    Field("request", "Request", "Bodies", "body", _BODY_COLUMNS, lambda log: None),
    Field("response", "Response", "Bodies", "body", _BODY_COLUMNS, lambda log: None),
)  # fmt: skip
FIELDS = {field.name: field for field in _ALL}
# What is ticked at first: all but the bodies, which are most of the bytes, and what few need.
USUAL = (
    "id", "trace_id", "created_at", "type", "ai_org", "ai_model", "user", "metadata", "is_success",
    "response_status_code", "response_time", "error_message", "req_units", "res_units", "total_units", "cost",
    "cost_currency", "cache", "retry", "retry_count", "fallback", "loadbalance", "config", "prompt_slug",
)  # fmt: skip


def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The fields by their groups, for a form."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for field in _ALL:
        groups.setdefault(field.group, []).append((field.name, field.label))
    return list(groups.items())

"""The JSON shape of a log: one item of ``GET /v1/logs`` and of the ``.json`` twins, and Portkey's LogObject."""

from __future__ import annotations

import codecs
import json
import secrets
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from logs import extensions
from logs.explorer import filters, pagination, presentation
from logs.explorer.pagination import BadCursor, Cursor
from logs.extension_types import FeedbackScore, LogAction
from logs.llm.request_context import first_keys
from logs.models import Log
from logs.storage import body_storage
from logs.viewer.bodies import Side, read_sides
from portkey_logs.accounts.addresses import absolute_url
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.errors import INVALID, api_error

_BODY_HERE = f"body {secrets.token_hex(16)}"  # where a body goes: nobody can have sent it
_PART_BYTES = 256 * 1024
MAX_LIMIT = 200  # items of one page: some 300 KB of JSON


def list_response(request: HttpRequest, workspace: Workspace) -> JsonResponse:
    """A page of items, with the same filters and cursor as the page; 400 names the parameter that is wrong."""
    selection = filters.select(Log.objects.in_workspace(workspace).select_related("api_key"), request.GET)
    errors = {name: [str(error) for error in errors] for name, errors in selection.form.errors.items()}
    cursor: Cursor | None = None
    limit = pagination.PAGE_SIZE
    try:
        cursor = Cursor.parse(request.GET.get("cursor", ""))
    except BadCursor:
        errors["cursor"] = ["This is no cursor of ours."]
    if text := request.GET.get("limit"):
        if text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MAX_LIMIT:
            limit = int(text)
        else:
            errors["limit"] = [f"Give a number from 1 to {MAX_LIMIT}."]
    if errors:
        message = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items())
        return api_error(400, message, INVALID, errors=errors)
    page = pagination.fetch_page(selection.queryset, cursor, size=limit, from_index=selection.answers_from_index)
    scores = extensions.scores(workspace.pk, page.rows)
    actions = extensions.actions(request, workspace, page.rows)
    body: dict[str, Any] = {
        "object": "list",
        "data": [item(log, workspace, request, scores.get(log.id), actions[log.id]) for log in page.rows],
        "next_cursor": str(page.older) if page.older else None,
        "has_more": page.older is not None,
    }
    if page.searched_back_to:
        body["searched_back_to"] = presentation.iso(page.searched_back_to)
    if page.findings:
        body["search"] = {"waiting": page.findings.waiting, "partial": page.findings.partial}
        for log, shown in zip(page.rows, body["data"], strict=True):
            match = page.findings.matches[log.id]
            shown["match"] = {"side": match.side, "text": match.text}
    return JsonResponse(body)


def log_response(request: HttpRequest, log: Log) -> HttpResponseBase:
    """Portkey's LogObject with our item under ``log``; bodies exactly as received where they are JSON.

    Sent in parts where the bodies are large: never more than one of them is in memory.
    """
    asked, answered = read_sides(log)
    envelope = msgspec.json.encode(_log_object(log, asked, answered, request))
    before, between, after = envelope.split(msgspec.json.encode(_BODY_HERE))
    parts = chain([before], _body(asked), [between], _body(answered), [after])
    if asked.is_large or answered.is_large:
        return StreamingHttpResponse(parts, content_type="application/json")
    return HttpResponse(b"".join(parts), content_type="application/json")


def item(
    log: Log,
    workspace: Workspace,
    request: HttpRequest,
    score: FeedbackScore | None = None,
    actions: Mapping[str, LogAction] | None = None,
) -> dict[str, Any]:
    cache, retry, fallback, loadbalance = presentation.pill(log)
    return {
        "id": str(log.id),
        "url": absolute_url(request, reverse("log_detail", args=[workspace.slug, log.id])),
        "created_at": presentation.iso(log.created_at),
        "workspace": workspace.slug,
        "trace_id": log.trace_id,
        "span_id": log.span_id,
        "parent_span_id": log.parent_span_id,
        "request_type": log.request_type,
        "method": log.method,
        "path": log.path,
        "provider": log.provider,
        "model": log.model,
        "requested_model": log.requested_model,
        "stream": log.stream,
        "status_code": log.status_code,
        "is_success": log.is_success,
        "error": None
        if log.is_success
        else {"type": log.error_type, "code": log.error_code, "message": log.error_message},
        "latency_ms": log.latency_ms,
        "time_to_first_token_ms": log.time_to_first_token_ms,
        "finish_reason": log.finish_reason,
        "has": {"images": log.has_images, "audio": log.has_audio, "tools": log.has_tools},
        "tokens": {
            "input": log.input_tokens,
            "output": log.output_tokens,
            "total": log.total_tokens,
            "cached": log.cached_tokens,
            "cache_write": log.cache_write_tokens,
            "reasoning": log.reasoning_tokens,
            "input_audio": log.input_audio_tokens,
            "output_audio": log.output_audio_tokens,
            "origin": log.tokens_origin,
        },
        "cost": None if log.cost is None else {"cents": float(log.cost), "source": log.cost_source},
        "gateway": {
            "cache": {"state": cache.state, "label": cache.text},
            "retry": {"state": retry.state, "count": log.retry_count, "label": retry.text},
            "fallback": {"state": fallback.state, "option": log.fallback_option, "label": fallback.text},
            "loadbalance": {"state": loadbalance.state, "label": loadbalance.text},
            "option_path": log.option_path,
        },
        "config": log.config,
        "prompt": log.prompt,
        "virtual_key": log.virtual_key,
        "api_key": log.api_key.name if log.api_key else None,
        "user": log.user,
        "metadata": first_keys(log.metadata),
        "feedback": {
            "count": score.count if score else 0,
            "weighted_average": float(score.average) if score and score.average is not None else None,
        },
        "source": log.source,
        "completeness": log.completeness,
        "request_bytes": log.request_bytes,
        "response_bytes": log.response_bytes,
        **{name: action.json for name, action in (actions or {}).items()},
    }


def _log_object(log: Log, asked: Side, answered: Side, request: HttpRequest) -> dict[str, Any]:
    """https://portkey.ai/docs: LogObject. Required: _id, request, response, organisation_id, created_at."""
    return {
        "_id": str(log.id),
        "organisation_id": str(log.workspace.organisation_id),
        "created_at": presentation.iso(log.created_at),
        "request": {
            "url": log.url,
            "method": log.method,
            "headers": {k: v for k, v in asked.headers.items() if not k.startswith("x-portkey-")},
            "portkeyHeaders": {k: v for k, v in asked.headers.items() if k.startswith("x-portkey-")},
            "body": _BODY_HERE,
        },
        "response": {
            "status": log.status_code,
            "headers": answered.headers,
            "body": _BODY_HERE,
            "responseTime": log.latency_ms,
            "lastUsedOptionJsonPath": log.option_path or "config",
            "streamingMode": log.stream,
        },
        "metrics": _metrics(log),
        "log": item(
            log,
            log.workspace,
            request,
            extensions.scores(log.workspace_id, [log]).get(log.id),
            extensions.actions(request, log.workspace, [log])[log.id],
        )
        | {"variables": _variables(log)},
    }


def _variables(log: Log) -> msgspec.Raw | None:
    octets = body_storage.fetch_variables(log.workspace_id, log.id) if log.prompt else None
    return msgspec.Raw(octets) if octets else None


def _body(side: Side) -> Iterator[bytes]:
    yield from as_json(side.octets)
    side.forget()


def as_json(octets: bytes | None) -> Iterator[bytes]:
    """The exact JSON text where it is one, else the text as a JSON string, else null; in parts."""
    if octets is None:
        yield b"null"
        return
    try:
        msgspec.json.decode(octets, type=msgspec.Raw)
        _check_utf8(octets)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _as_string(octets)
    else:
        yield from (octets[start : start + _PART_BYTES] for start in range(0, len(octets), _PART_BYTES))


def _check_utf8(octets: bytes) -> None:
    """Raises UnicodeDecodeError. In parts: as one text 20 MB may take 80."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(octets), _PART_BYTES):
        decoder.decode(octets[start : start + _PART_BYTES])
    decoder.decode(b"", final=True)


def _as_string(octets: bytes) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    yield b'"'
    for start in range(0, len(octets), _PART_BYTES):
        part = decoder.decode(octets[start : start + _PART_BYTES])
        yield json.dumps(part, ensure_ascii=False)[1:-1].encode()
    yield json.dumps(decoder.decode(b"", final=True), ensure_ascii=False)[1:-1].encode() + b'"'


def _metrics(log: Log) -> dict[str, Any]:
    """The columns of Portkey's AnalyticsMetrics that a log answers."""
    codes = {
        "disabled": "DISABLED",
        "miss": "MISS",
        "refreshed": "REFRESH",
        "hit": "HIT",
        "semantic_hit": "SEMANTIC HIT",
    }
    metadata = first_keys(log.metadata)
    return {
        "request_url": log.url,
        "request_method": log.method,
        "ai_org": log.provider,
        "ai_model": log.model,
        "stream_mode": log.stream,
        "response_status_code": log.status_code,
        "is_success": log.is_success,
        "response_time": log.latency_ms,
        "req_units": log.input_tokens,
        "res_units": log.output_tokens,
        "total_units": log.total_tokens,
        "cost": None if log.cost is None else float(log.cost),
        "cost_currency": "USD",
        "cache_status": codes.get(log.cache_status),
        "retry_success_count": -1 if log.retry_status == "failed" else log.retry_count,
        "config": log.config,
        "prompt_slug": log.prompt,
        "virtual_key": log.virtual_key,
        "trace_id": log.trace_id,
        "span_id": log.span_id,
        "span_name": log.span_name,
        "parent_span_id": log.parent_span_id,
        "metadata.key": list(metadata),
        "metadata.value": list(metadata.values()),
        "_user": log.user,
    }

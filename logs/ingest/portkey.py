"""The body of ``POST /v1/logs``, as Portkey's API and its SDKs write it, to exchanges.

Loose where the hosted service is loose (objects or JSON strings, missing bodies,
camelCase), strict about types: a field of the wrong type is an error that names it.
Unknown fields are ignored. Bodies keep the bytes they were sent as.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec

from logs.ingest import json_slices, timestamps
from logs.llm import gateway_status, request_context
from logs.llm.vocabulary import Source
from logs.record import Exchange
from portkey_logs.lib import uuid7
from portkey_logs.lib.text import count, decode_json

# The writer commits batches of this size; a request that fits into one is answered after one commit.
MAX_ROWS = 2000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Members = dict[str, bytes]

_IDS = {
    "trace_id": "traceId",
    "span_id": "spanId",
    "parent_span_id": "parentSpanId",
    "span_name": "spanName",
}
_TIMES = ("createdAt", "created_at", "start_time", "startTime")
_METADATA_TIMES = ("startTime", "start_time")


class RowError(msgspec.Struct, frozen=True):
    """Why one log of a request is refused: ``path`` names the field ("[3].response.status")."""

    index: int
    path: str
    message: str


class EnvelopeError(ValueError):
    """The request as a whole cannot be read; ``path`` is "" for the body itself."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


class _FieldError(Exception):
    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def parse(body: bytes, headers: Mapping[str, str], *, now_ms: int) -> list[Exchange | RowError]:
    """One entry for each log of the request, in its order: the exchange, or why it is refused.

    ``headers`` are those of the request to us: its trace and span ids and its
    metadata beat the body's, its provider fills in, ``x-portkey-debug: false`` keeps
    no content. Raises EnvelopeError when the body is no JSON object or array.
    """
    rows, is_array = _rows(body)
    parsed: list[Exchange | RowError] = []
    for index, raw in enumerate(rows):
        try:
            parsed.append(_exchange(raw, headers, alone=len(rows) == 1))
        except _FieldError as error:
            path = f"[{index}]{error.path}" if is_array else error.path.removeprefix(".")
            parsed.append(RowError(index, path, error.message))
        except ValueError as error:  # a value that is JSON by its grammar and still cannot be read
            parsed.append(RowError(index, f"[{index}]" if is_array else "", str(error)))
    if is_array:
        _share_trace([row for row in parsed if isinstance(row, Exchange)], body, now_ms)
    return parsed


def _rows(body: bytes) -> tuple[list[bytes], bool]:
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        if not body.isascii():
            body.decode()
    except UnicodeDecodeError as error:
        raise EnvelopeError("", f"must be UTF-8: byte {error.start} is not") from None
    start = body.lstrip()[:1]
    try:
        if start == b"[":
            rows = json_slices.elements(body)
        elif start == b"{":
            json_slices.members(body)
            rows = [body]
        else:
            raise EnvelopeError("", "must be a JSON object or an array of objects")
    except ValueError as error:
        if isinstance(error, EnvelopeError):
            raise
        raise EnvelopeError("", f"is not JSON: {error}") from None
    if len(rows) > MAX_ROWS:
        raise EnvelopeError("", f"holds {len(rows):,} logs; at most {MAX_ROWS:,} are taken at once")
    return rows, start == b"["


def _exchange(raw: bytes, headers: Mapping[str, str], *, alone: bool) -> Exchange:
    row = _object(raw, "")
    request, request_body = _side(row, "request")
    response, response_body = _side(row, "response")
    metadata = _metadata(row)
    known = _ids(row, metadata, headers, alone=alone)
    for names in _IDS.items():
        for name in names:
            metadata.pop(name, None)
    return Exchange(
        source=Source.API,
        url=_text(request, "request", "url") or "",
        method=_text(request, "request", "method") or "POST",
        request_headers=_headers(request, "request"),
        request_body=request_body,
        response_headers=_headers(response, "response"),
        response_body=response_body,
        status_code=_status(response),
        latency_ms=_latency(response),
        streaming=_flag(response, "response", "streamingMode", "streaming_mode"),
        provider=_text(request, "request", "provider") or gateway_status.header(headers, "x-portkey-provider"),
        metadata={
            key: request_context.as_text(value)
            for key, value in (metadata | request_context.metadata_header(headers)).items()
        },
        event_time_ms=_event_time(row, metadata),
        bodies_kept=(gateway_status.header(headers, "x-portkey-debug") or "").lower() != "false",
        trace_id=known["trace_id"],
        span_id=known["span_id"],
        parent_span_id=known["parent_span_id"],
        span_name=known["span_name"],
        **_output(row),
    )


def _share_trace(rows: list[Exchange], body: bytes, now_ms: int) -> None:
    """Rows of one batch that name no trace form one, as at Portkey.

    Where rows can be recognised when sent again (they have a time and a span id), the
    trace's id derives from the body: sending the batch again then names the same one.
    """
    nameless = [row for row in rows if not row.trace_id and not _header_trace(row)]
    if len(nameless) < 2:
        return
    if any(row.event_time_ms is not None and row.span_id for row in nameless):
        trace = UUID(bytes=hashlib.sha256(body).digest()[:16], version=5)
    else:
        trace = uuid7.uuid7(now_ms)
    for row in nameless:
        row.trace_id = str(trace)


def _header_trace(row: Exchange) -> str | None:
    return gateway_status.header(row.request_headers, "x-portkey-trace-id") or gateway_status.header(
        row.response_headers, "x-portkey-trace-id"
    )


# --- fields ------------------------------------------------------------------------------------------------


def _object(raw: bytes, path: str) -> Members:
    if raw.lstrip()[:1] != b"{":
        raise _FieldError(path, "must be an object")
    try:
        return json_slices.members(raw)
    except ValueError as error:
        raise _FieldError(path, f"is not JSON: {error}") from None


def _value(members: Members, name: str) -> Any:
    """The value of ``members[name]``; None where it is absent or null."""
    raw = members.get(name)
    return None if raw is None else decode_json(raw)


def _side(row: Members, name: str) -> tuple[Members, bytes | None]:
    """``request`` or ``response`` with its body: an object or a JSON string; without ``body`` it is the body."""
    raw = row.get(name, b"null")
    if raw == b"null":
        return {}, None
    if raw[:1] == b'"':
        raw = json_slices.string_bytes(raw)
        if raw.lstrip()[:1] != b"{":
            raise _FieldError(f".{name}", "must be an object, or a string that holds one")
    members = _object(raw, f".{name}")
    body = members.get("body")
    if body is None:
        return members, raw
    if body == b"null":
        return members, None
    return members, json_slices.string_bytes(body) if body[:1] == b'"' else body


def _text(members: Members, parent: str, *names: str) -> str | None:
    for name in names:
        value = _value(members, name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise _FieldError(f".{parent}.{name}", "must be a string")
        return value
    return None


def _flag(members: Members, parent: str, *names: str) -> bool | None:
    for name in names:
        value = _value(members, name)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            value = value.lower() == "true"
        if value is None:
            continue
        if not isinstance(value, bool):
            raise _FieldError(f".{parent}.{name}", "must be true or false")
        return value
    return None


def _headers(members: Members, parent: str) -> dict[str, str]:
    value = _value(members, "headers")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _FieldError(f".{parent}.headers", "must be an object")
    return {name.lower(): _header_value(item) for name, item in value.items() if item is not None}


def _header_value(value: Any) -> str:
    """A header given twice is a list in some clients."""
    return ", ".join(map(request_context.as_text, value)) if isinstance(value, list) else request_context.as_text(value)


def _status(response: Members) -> int:
    value = _value(response, "status")
    if value is None:
        return 200
    if isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) == 3:
        value = int(value)
    code = count(value)
    if code is None or not 100 <= code <= 599:
        raise _FieldError(".response.status", "must be an HTTP status from 100 to 599")
    return code


def _latency(response: Members) -> int | None:
    """``response_time`` in ms: the SDK's handlers send whole numbers, fractions and texts ("0123")."""
    for name in ("response_time", "responseTime"):
        value = _value(response, name)
        if value is None:
            continue
        number = _decimal(value, f".response.{name}")
        if not 0 <= number < 2**31:
            raise _FieldError(f".response.{name}", "must be milliseconds, from 0 to 24 days")
        return round(number)
    return None


def _metadata(row: Members) -> dict[str, Any]:
    value = _value(row, "metadata")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _FieldError(".metadata", "must be an object")
    return value


def _ids(row: Members, metadata: dict[str, Any], headers: Mapping[str, str], *, alone: bool) -> dict[str, str | None]:
    """Trace and span ids: the request's headers before the top level before the metadata.

    A span id in the headers cannot be that of every log of a batch and counts for a
    log sent alone only.
    """
    found: dict[str, str | None] = {}
    for name, camel in _IDS.items():
        value = (
            gateway_status.header(headers, "x-portkey-" + name.replace("_", "-"))
            if alone or name == "trace_id"
            else None
        )
        for key in (name, camel):
            value = value or _id(_value(row, key), f".{key}")
        for key in (name, camel):
            value = value or _id(metadata.get(key), f".metadata.{key}")
        found[name] = value or None
    return found


def _id(value: Any, path: str) -> str | None:
    """Span ids may be numbers; LangChain's handler writes a missing parent as "None"."""
    if value is None or value == "None":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise _FieldError(path, "must be a string")
    return str(value)


def _event_time(row: Members, metadata: dict[str, Any]) -> int | None:
    candidates = [(f".{name}", _value(row, name)) for name in _TIMES]
    candidates += [(f".metadata.{name}", metadata.get(name)) for name in _METADATA_TIMES]
    for path, value in candidates:
        if value is None:
            continue
        try:
            return timestamps.to_ms(value)
        except ValueError as error:
            raise _FieldError(path, str(error)) from None
    return None


def _output(row: Members) -> dict[str, Any]:
    """``output``: the sender's own token counts and cost (in cents; US dollars only)."""
    value = _value(row, "output")
    if value is None:
        return {}
    tokens = _part(value, "tokens", ".output")
    cost = _part(value, "cost", ".output")
    stated: dict[str, Any] = {}
    for field, name in (("input_tokens", "requestUnits"), ("output_tokens", "responseUnits")):
        if tokens.get(name) is not None:
            stated[field] = count(tokens[name])
            if stated[field] is None:
                raise _FieldError(f".output.tokens.{name}", "must be a whole number from 0 to 2,147,483,647")
    if cost.get("cost") is not None and str(cost.get("currency") or "USD").upper() == "USD":
        stated["cost_cents"] = _decimal(cost["cost"], ".output.cost.cost")
        if not 0 <= stated["cost_cents"] < 10**10:
            raise _FieldError(".output.cost.cost", "must be cents, from 0 to 10,000,000,000")
    return stated


def _part(value: Any, name: str, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _FieldError(path, "must be an object")
    part = value.get(name)
    if part is not None and not isinstance(part, dict):
        raise _FieldError(f"{path}.{name}", "must be an object")
    return part or {}


def _decimal(value: Any, path: str) -> Decimal:
    """A number, or a text that holds one."""
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise InvalidOperation
        number = Decimal(str(value).strip())
        if not number.is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise _FieldError(path, "must be a number") from None
    return number

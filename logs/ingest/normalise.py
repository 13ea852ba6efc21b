"""From an :class:`Exchange` to the :class:`LogRecord` that is stored: every derived column is derived here.

Nothing in here raises, whatever the bytes: what cannot be read stays empty, and the
exact bytes are kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from logs.ingest import usage as costs
from logs.llm import content_flags, gateway_status, multipart, providers, request_context, request_types, sse
from logs.llm.content_flags import Marks
from logs.llm.errors import MAX_MESSAGE, Problem, is_error, is_refusal, read_problem
from logs.llm.gateway_status import GatewayStatus
from logs.llm.providers import AssembledStream
from logs.llm.providers.base import Json, Usage, mapping
from logs.llm.vocabulary import CacheStatus, Completeness, FallbackStatus, LoadbalanceStatus, RetryStatus, Source
from logs.record import Exchange, LogRecord
from portkey_logs.lib import redaction, uuid7
from portkey_logs.lib.text import clean, clean_or_none, count, decode_json

# Lengths in characters. An index entry of PostgreSQL holds 2,704 bytes, so what is indexed stays below 600
# characters even at 4 bytes each; names that people gave are far shorter.
MAX_NAME = 200  # provider, model, finish reason, error type
MAX_ID = 256  # ids of traces, spans, users, configs, prompts, virtual keys
MAX_URL = 2048  # what browsers and proxies accept
MAX_METHOD = 10


class _Body(msgspec.Struct):
    """A body and what could be read of it. ``stream`` is set where it is an event stream, ``files`` (the content
    types of its files) where it is a form, whose fields are then the ``value``."""

    raw: bytes | None
    value: Any = None
    unparsed: bool = False
    stream: AssembledStream | None = None
    files: list[str] = []

    @property
    def answer(self) -> Json:
        return mapping(self.stream.answer if self.stream else self.value)


class Derived(NamedTuple):
    """A record, and the JSON objects it was derived from: empty where there is none, a stream's as assembled."""

    record: LogRecord
    asked: Json
    answer: Json


def to_record(exchange: Exchange, *, workspace_id: int, api_key_id: int | None, now_ms: int) -> LogRecord:
    """The record of :func:`derive`."""
    return derive(exchange, workspace_id=workspace_id, api_key_id=api_key_id, now_ms=now_ms).record


def derive(exchange: Exchange, *, workspace_id: int, api_key_id: int | None, now_ms: int) -> Derived:
    """Derive everything a column holds. ``now_ms`` (UTC) is the event's time where the exchange has none."""
    exchange = msgspec.structs.replace(
        exchange,
        request_headers=gateway_status.Headers.of(exchange.request_headers),
        response_headers=gateway_status.Headers.of(exchange.response_headers),
    )
    path = request_types.path_of(exchange.url)
    request_type = request_types.request_type(exchange.method, path)
    request = _read_request(exchange)
    asked = mapping(request.value)
    response = _read_response(exchange, request_type, _asks_for_stream(asked))

    config = request_context.read_config(exchange.request_headers)
    gateway = gateway_status.derive(config, exchange.response_headers, exchange.status_code, exchange.request_headers)
    requested_model = _requested_model(exchange, asked, path)
    source = request_context.read(
        exchange.request_headers,
        config,
        gateway.option_path,
        url=exchange.url,
        body_model=requested_model,
        response_provider=gateway_status.header(exchange.response_headers, "x-portkey-provider"),
        stated_provider=exchange.provider,
        refused=gateway.option_path is None and is_refusal(response.value),
    )
    success = _is_success(exchange, path, response)
    answer = providers.read(request_type, response.answer)
    if request_types.handles_stored(exchange.method, path):
        answer = msgspec.structs.replace(answer, usage=Usage())
    usage = costs.usage_of(exchange, request_type, answer)
    sent, made = _marks(exchange, request_type, request, response)
    has = sent.merge(made)
    model = clean_or_none(answer.model, MAX_NAME) or clean_or_none(requested_model, MAX_NAME)
    at_ms = exchange.event_time_ms if exchange.event_time_ms is not None else now_ms
    cost, cost_source = costs.cost_of(
        exchange,
        request_type,
        asked,
        answer,
        provider=source.provider,
        model=model,
        usage=usage,
        sent=sent,
        made=made,
        at_ms=at_ms,
    )
    problem = Problem() if success else _problem(exchange, response)
    metadata = request_context.tidy_metadata(
        {**exchange.metadata, **request_context.metadata_header(exchange.request_headers)}
    )
    span_id = exchange.span_id or gateway_status.header(exchange.request_headers, "x-portkey-span-id")
    sent_trace = _sent_trace(exchange)
    id, idempotent = _identify(exchange, workspace_id, sent_trace, span_id, at_ms)
    kept = _keep(exchange, request, response, success)

    record = LogRecord(
        workspace_id=workspace_id,
        id=id,
        idempotent=idempotent,
        source=exchange.source,
        completeness=_completeness(exchange, kept, request, response),
        trace_id=clean_or_none(sent_trace, MAX_ID) or str(id),
        span_id=clean_or_none(span_id, MAX_ID),
        parent_span_id=_id_field(exchange.parent_span_id, exchange, "x-portkey-parent-span-id"),
        span_name=_id_field(exchange.span_name, exchange, "x-portkey-span-name"),
        request_type=request_type,
        method=clean(exchange.method.upper(), MAX_METHOD) or "POST",
        url=clean(redaction.mask_url(exchange.url), MAX_URL),
        path=clean(path, MAX_URL),
        provider=clean_or_none(source.provider, MAX_NAME),
        model=model,
        requested_model=clean_or_none(requested_model, MAX_NAME),
        stream=_is_stream(exchange, response, asked),
        finish_reason=clean_or_none(answer.finish_reason, MAX_NAME),
        status_code=exchange.status_code,
        is_success=success,
        has_images=has.images,
        has_audio=has.audio,
        has_tools=has.tools,
        error_type=clean_or_none(problem.type, MAX_NAME),
        error_code=clean_or_none(problem.code, MAX_NAME),
        error_message=_said(problem.message, exchange.request_headers),
        latency_ms=count(exchange.latency_ms),
        time_to_first_token_ms=count(exchange.time_to_first_token_ms),
        input_tokens=usage.input,
        output_tokens=usage.output,
        total_tokens=usage.total,
        cached_tokens=usage.cached,
        reasoning_tokens=usage.reasoning,
        cache_write_tokens=usage.cache_write,
        input_audio_tokens=usage.input_audio,
        output_audio_tokens=usage.output_audio,
        tokens_origin=costs.tokens_origin(usage),
        cost=cost,
        cost_source=cost_source,
        gateway=_known(gateway, exchange),
        config=clean_or_none(source.config, MAX_ID),
        config_version_id=clean_or_none(source.config_version_id, MAX_ID),
        prompt=clean_or_none(source.prompt, MAX_ID),
        prompt_version_id=clean_or_none(source.prompt_version_id, MAX_ID),
        prompt_in_config_target=source.prompt_in_config_target,
        own_credential=kept.own_credential,
        virtual_key=clean_or_none(source.virtual_key, MAX_ID),
        api_key_id=api_key_id,
        user=clean_or_none(metadata.get("_user"), MAX_ID) or clean_or_none(asked.get("user"), MAX_ID),
        metadata=metadata,
        request_headers=kept.request_headers,
        response_headers=kept.response_headers,
        request_body=kept.request_body,
        response_body=kept.response_body,
        variables=exchange.variables if kept.whole else None,
        request_bytes=len(exchange.request_body or b""),
        response_bytes=len(exchange.response_body or b""),
    )
    return Derived(record, asked, response.answer)


# --- bodies ------------------------------------------------------------------------------------------------


def _read_request(exchange: Exchange) -> _Body:
    """A JSON body, or the fields of a form; its files are left where they are."""
    raw, content_type = exchange.request_body, gateway_status.header(exchange.request_headers, "content-type")
    if not raw or not multipart.is_form(content_type):
        return _read_body(raw, exchange.request_headers)
    files = [part.content_type for part in multipart.parts(raw, content_type) if part.filename is not None]
    return _Body(raw, multipart.fields(raw, content_type), files=files)


def _asks_for_stream(asked: Json) -> bool:
    return asked.get("stream") is True or asked.get("stream") == "true"  # a form has texts only


def _read_body(raw: bytes | None, headers: Mapping[str, str]) -> _Body:
    """A body as JSON. One that says it is JSON, by its type or its first character, and is not, is unparsed."""
    if not raw:
        return _Body(raw)
    content_type = (gateway_status.header(headers, "content-type") or "").lower()
    says_json = "json" in content_type or raw.lstrip()[:1] in (b"{", b"[")
    if content_type and not says_json:
        return _Body(raw)
    try:
        return _Body(raw, decode_json(raw))
    except ValueError:
        return _Body(raw, unparsed=says_json)


def _read_response(exchange: Exchange, request_type: str, stream_asked: bool) -> _Body:
    raw = exchange.response_body
    content_type = (gateway_status.header(exchange.response_headers, "content-type") or "").lower()
    by_type = content_type.startswith("text/event-stream")
    expected = by_type or exchange.streaming is True or stream_asked
    if raw and expected and sse.looks_like_sse(raw):
        return _Body(raw, stream=providers.assemble(request_type, raw))
    if by_type and not (raw or b"").strip():  # the connection broke before the first event
        return _Body(raw, stream=AssembledStream(complete=False))
    return _read_body(raw, {} if by_type else exchange.response_headers)


class _Kept(msgspec.Struct):
    request_headers: dict[str, str]
    response_headers: dict[str, str]
    request_body: bytes | None
    response_body: bytes | None
    whole: bool
    own_credential: bool


def _keep(exchange: Exchange, request: _Body, response: _Body, success: bool) -> _Kept:
    """What of the exchange is stored, secrets masked.

    ``x-portkey-debug: false`` keeps no content: of the headers only Portkey's own, of
    the bodies only an answer that is an error (a cut stream is content and goes).
    """
    sensitive = redaction.sensitive_names(exchange.request_headers)
    request_headers = _masked(exchange.request_headers, sensitive)
    response_headers = _masked(exchange.response_headers, sensitive)
    own_credential = request_context.brings_credential(request_headers)
    debug = (gateway_status.header(exchange.request_headers, "x-portkey-debug") or "").lower()
    if exchange.bodies_kept and debug != "false":
        return _Kept(
            request_headers,
            response_headers,
            request.raw,
            response.raw,
            whole=True,
            own_credential=own_credential,
        )
    failed_answer = not success and response.stream is None
    return _Kept(
        _own(request_headers),
        response_headers if failed_answer else _own(response_headers),
        None,
        response.raw if failed_answer else None,
        whole=False,
        own_credential=own_credential,
    )


def _masked(headers: dict[str, str], sensitive: set[str]) -> dict[str, str]:
    masked = redaction.mask_headers(headers, sensitive)
    everything = "".join(masked) + "".join(masked.values())
    if everything.isascii() and "\0" not in everything:  # the usual case, without a look at each
        return masked
    return {clean(name, len(name)): clean(value, len(value)) for name, value in masked.items()}


def _own(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower().startswith("x-portkey-")}


def _completeness(exchange: Exchange, kept: _Kept, request: _Body, response: _Body) -> Completeness:
    if not kept.whole:
        return Completeness.NOT_KEPT
    if exchange.client_left:
        return Completeness.CLIENT_LEFT
    if response.stream is not None and response.stream.complete is False:
        return Completeness.CUT
    if request.unparsed or response.unparsed:
        return Completeness.UNPARSED
    return Completeness.COMPLETE


# --- outcome -----------------------------------------------------------------------------------------------


def _is_success(exchange: Exchange, path: str, response: _Body) -> bool:
    """2xx (246, a failed guardrail that lets pass, included), no error object, and a stream to its end.

    A span or an imported row may have no HTTP status: then only the body can tell. In
    capture no status means that no answer came. To read a response or a job that failed is a success.
    """
    if exchange.status_code is None:
        answered = exchange.source in (Source.OTLP, Source.IMPORT)
    else:
        answered = 200 <= exchange.status_code < 300
    if response.stream is not None:
        return answered and response.stream.complete is not False and response.stream.error is None
    if request_types.handles_stored(exchange.method, path) and "id" in response.answer:
        return answered
    return answered and not is_error(response.value)


def _problem(exchange: Exchange, response: _Body) -> Problem:
    stream = response.stream
    if stream is not None and stream.error is not None:
        return read_problem(stream.error, None)
    if exchange.client_left:
        return Problem("client_left", None, "The client closed the connection before the answer was complete.")
    if stream is not None and stream.complete is False:
        return Problem("stream_cut", None, "The stream ended without its end mark.")
    if exchange.status_code is None and not response.raw:
        return Problem("no_answer", None, "No answer came.")
    return read_problem(response.value, response.raw, exchange.response_headers)


def _said(message: str | None, headers: Mapping[str, str]) -> str | None:
    """An error's words as they are kept: in lists and exports, where the caller's key has no place."""
    return clean_or_none(redaction.mask_echoes(message[: 4 * MAX_MESSAGE], headers), MAX_MESSAGE) if message else None


def _is_stream(exchange: Exchange, response: _Body, asked: Json) -> bool:
    if response.stream is not None:
        return True
    return exchange.streaming if exchange.streaming is not None else _asks_for_stream(asked)


def _known(gateway: GatewayStatus, exchange: Exchange) -> GatewayStatus:
    """A span or an import without a gateway's headers says nothing of a gateway: unknown, not disabled."""
    if exchange.source not in (Source.OTLP, Source.IMPORT) or gateway.option_path is not None:
        return gateway
    if any(name.lower().startswith("x-portkey-") for name in exchange.response_headers):
        return gateway
    return GatewayStatus(
        cache_status=CacheStatus.UNKNOWN,
        retry_status=RetryStatus.UNKNOWN,
        fallback_status=FallbackStatus.UNKNOWN,
        loadbalance_status=LoadbalanceStatus.UNKNOWN,
    )


# --- model, marks -----------------------------------------------------------------------------------------


def _requested_model(exchange: Exchange, asked: Json, path: str) -> str | None:
    model = asked.get("model")
    if isinstance(model, str) and model:
        return model
    return request_types.deployment_in(path)


def _marks(exchange: Exchange, request_type: str, request: _Body, response: _Body) -> tuple[Marks, Marks]:
    """What the request and what the answer has: bodies of JSON, forms, or files themselves."""
    if request.files:
        asked = content_flags.of_form(request_type, request.files)
    elif isinstance(request.value, dict):
        asked = content_flags.of_request(request_type, request.value)
    else:
        asked = content_flags.of_file(gateway_status.header(exchange.request_headers, "content-type"))
    if response.answer:
        return asked, content_flags.of_answer(request_type, response.answer)
    return asked, content_flags.of_file(
        gateway_status.header(exchange.response_headers, "content-type") if response.raw else None
    )


# --- identity ----------------------------------------------------------------------------------------------


def _sent_trace(exchange: Exchange) -> str | None:
    return (
        exchange.trace_id
        or gateway_status.header(exchange.request_headers, "x-portkey-trace-id")
        or gateway_status.header(exchange.response_headers, "x-portkey-trace-id")
        or None
    )


def _id_field(stated: str | None, exchange: Exchange, name: str) -> str | None:
    return clean_or_none(stated or gateway_status.header(exchange.request_headers, name), MAX_ID)


def _identify(
    exchange: Exchange, workspace_id: int, trace_id: str | None, span_id: str | None, at_ms: int
) -> tuple[UUID, bool]:
    """The log's id, and whether sending the exchange again gives the same one.

    Only where the sender itself gave time and span id: capture's time is its own clock.
    """
    if exchange.id is not None:
        return exchange.id, False
    at_ms = min(max(at_ms, 0), uuid7.MAX_MS)
    if exchange.event_time_ms is not None and span_id and exchange.source not in (Source.CAPTURE, Source.REPLAY):
        return uuid7.deterministic_uuid7(at_ms, workspace_id, trace_id or "", span_id), True
    return uuid7.uuid7(at_ms), False

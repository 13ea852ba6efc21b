"""The two shapes of the write path: what came in, and what is stored.

Every way in (``POST /v1/logs``, capture, OTLP) builds an :class:`Exchange`;
``normalise.to_record`` derives everything a column holds and returns a
:class:`LogRecord`; the writer stores records and knows nothing of wire shapes.
Neither module imports Django: records also travel through the spool.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import msgspec

from logs.llm.gateway_status import GatewayStatus
from logs.llm.vocabulary import (
    Completeness,
    RequestType,
    Source,
    TokensOrigin,
)


class Exchange(msgspec.Struct, kw_only=True):
    """One request and its answer as delivered, before anything is derived.

    Header names are lower case and values unmasked. Bodies are the exact octets
    after removing Content-Encoding; ``None`` means that there was none.
    ``cost_cents`` and the token counts are set only where the sender states them,
    ``id`` only where somebody has been told the log's id already.
    """

    source: Source
    id: UUID | None = None
    url: str = ""
    method: str = "POST"
    request_headers: dict[str, str] = {}
    request_body: bytes | None = None
    variables: bytes | None = None  # of the prompt that the request was rendered from, as a JSON object
    response_headers: dict[str, str] = {}
    response_body: bytes | None = None
    status_code: int | None = None
    latency_ms: int | None = None
    time_to_first_token_ms: int | None = None
    streaming: bool | None = None
    provider: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    span_name: str | None = None
    metadata: dict[str, str] = {}
    event_time_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_cents: Decimal | None = None
    client_left: bool = False
    bodies_kept: bool = True


class LogRecord(msgspec.Struct, kw_only=True):
    """One row of ``log`` and its ``log_body``, ready to be stored.

    Fields carry the names of the columns. Bodies are raw (the writer
    compresses them); headers are masked already. Times are UTC, latencies ms,
    cost is in cents, sizes in bytes.
    """

    workspace_id: int
    id: UUID
    idempotent: bool = False  # the id derives from the sender's time and span id: a re-send is a duplicate
    source: Source
    completeness: Completeness

    trace_id: str
    span_id: str | None = None
    parent_span_id: str | None = None
    span_name: str | None = None

    request_type: RequestType
    method: str
    url: str
    path: str
    provider: str | None = None
    model: str | None = None
    requested_model: str | None = None
    stream: bool = False
    finish_reason: str | None = None
    has_images: bool = False
    has_audio: bool = False
    has_tools: bool = False  # offered or called

    status_code: int | None = None
    is_success: bool
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    latency_ms: int | None = None
    time_to_first_token_ms: int | None = None

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    tokens_origin: TokensOrigin = TokensOrigin.MISSING
    cost: Decimal | None = None
    cost_source: str | None = None

    gateway: GatewayStatus = GatewayStatus()
    config: str | None = None
    config_version_id: str | None = None
    prompt: str | None = None
    prompt_version_id: str | None = None
    prompt_in_config_target: bool = False
    own_credential: bool = False
    virtual_key: str | None = None
    api_key_id: int | None = None

    user: str | None = None
    metadata: dict[str, str] = {}

    request_headers: dict[str, str] = {}
    response_headers: dict[str, str] = {}
    request_body: bytes | None = None
    response_body: bytes | None = None
    variables: bytes | None = None
    request_bytes: int = 0
    response_bytes: int = 0

    @property
    def request_kept(self) -> bool:
        """Whether there is a request body to read."""
        return self.request_body is not None

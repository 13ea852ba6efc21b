"""Types of what ``/v1/logs`` takes and answers, for the API's documentation. ``log_json`` builds the answers."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from logs.llm.vocabulary import (
    CacheStatus,
    Completeness,
    FallbackStatus,
    LoadbalanceStatus,
    RequestType,
    RetryStatus,
    Source,
    TokensOrigin,
)


class SentRequest(Struct, kw_only=True):
    """The request as it went to the provider. Without ``body``, the whole object is the body."""

    url: str = ""
    method: str = "POST"
    headers: dict[str, Any] = {}
    body: Any = None
    provider: str | None = None


class SentResponse(Struct, kw_only=True):
    """The provider's answer. ``response_time`` is in ms; a stream may be its SSE text, with ``streamingMode``."""

    status: int = 200
    headers: dict[str, Any] = {}
    body: Any = None
    response_time: float | str | None = None
    streamingMode: bool | None = None


class SentTokens(Struct, kw_only=True):
    requestUnits: int | None = None
    responseUnits: int | None = None


class SentCost(Struct, kw_only=True):
    """In cents."""

    cost: float | None = None
    currency: str = "USD"


class SentOutput(Struct, kw_only=True):
    """Usage and cost, where the sender knows them better."""

    tokens: SentTokens | None = None
    cost: SentCost | None = None


class NewLog(Struct, kw_only=True):
    """A log to record. ``request`` and ``response`` may also be JSON strings."""

    request: SentRequest | str = ""
    response: SentResponse | str = ""
    metadata: dict[str, Any] = {}
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    span_name: str | None = None
    createdAt: str | int | None = None
    output: SentOutput | None = None


NewLogs = NewLog | list[NewLog]


class LogsRecorded(Struct):
    status: str
    log_ids: list[str]


class RowProblem(Struct):
    """A log of a batch that is not stored. ``index`` counts from 0."""

    index: int
    path: str
    message: str


class LogsPartlyRecorded(LogsRecorded):
    errors: list[RowProblem]


class LogError(Struct):
    type: str | None
    code: str | None
    message: str | None


class HasContent(Struct):
    images: bool
    audio: bool
    tools: bool


class TokenCounts(Struct):
    input: int | None
    output: int | None
    total: int | None
    cached: int | None
    cache_write: int | None
    reasoning: int | None
    input_audio: int | None
    output_audio: int | None
    origin: TokensOrigin


class LogCost(Struct):
    cents: float
    source: str | None


class CacheState(Struct):
    state: CacheStatus
    label: str


class RetryState(Struct):
    state: RetryStatus
    count: int
    label: str


class FallbackState(Struct):
    """``option`` counts from 0."""

    state: FallbackStatus
    option: int | None
    label: str


class LoadbalanceState(Struct):
    state: LoadbalanceStatus
    label: str


class GatewayStates(Struct):
    cache: CacheState
    retry: RetryState
    fallback: FallbackState
    loadbalance: LoadbalanceState
    option_path: str | None


class FeedbackScoreOfLog(Struct):
    count: int
    weighted_average: float | None


class ReplayVerdict(Struct):
    """Whether the log can be replayed."""

    allowed: bool
    reason: str | None
    needs_key: bool


class SearchMatch(Struct):
    """Where the text of a search is: the body and the words around it."""

    side: str
    text: str


class LogItem(Struct, kw_only=True):
    """One log, without its bodies; null where unknown."""

    id: str
    url: str
    created_at: str
    workspace: str
    trace_id: str
    span_id: str | None
    parent_span_id: str | None
    request_type: RequestType
    method: str
    path: str
    provider: str | None
    model: str | None
    requested_model: str | None
    stream: bool
    status_code: int | None
    is_success: bool
    error: LogError | None
    latency_ms: int | None
    time_to_first_token_ms: int | None
    finish_reason: str | None
    has: HasContent
    tokens: TokenCounts
    cost: LogCost | None
    gateway: GatewayStates
    config: str | None
    prompt: str | None
    virtual_key: str | None
    api_key: str | None
    user: str | None
    metadata: dict[str, str]
    feedback: FeedbackScoreOfLog
    source: Source
    completeness: Completeness
    request_bytes: int
    response_bytes: int
    replay: ReplayVerdict
    match: SearchMatch | UnsetType = UNSET


class SearchProgress(Struct):
    """Logs that are not indexed yet, and logs of which only a part is."""

    waiting: int
    partial: int


class LogPage(Struct, kw_only=True):
    """``searched_back_to``: the page is complete down to this time only; ``next_cursor`` goes on from it."""

    object: str
    data: list[LogItem]
    next_cursor: str | None
    has_more: bool
    searched_back_to: str | UnsetType = UNSET
    search: SearchProgress | UnsetType = UNSET


class LoggedRequest(Struct):
    url: str
    method: str
    headers: dict[str, str]
    portkeyHeaders: dict[str, str]
    body: Any


class LoggedResponse(Struct):
    status: int | None
    headers: dict[str, str]
    body: Any
    responseTime: int | None
    lastUsedOptionJsonPath: str
    streamingMode: bool


class LogMetrics(Struct):
    """The columns of Portkey's AnalyticsMetrics that a log answers."""

    request_url: str
    request_method: str
    ai_org: str | None
    ai_model: str | None
    stream_mode: bool
    response_status_code: int | None
    is_success: bool
    response_time: int | None
    req_units: int | None
    res_units: int | None
    total_units: int | None
    cost: float | None
    cost_currency: str
    cache_status: str | None
    retry_success_count: int
    config: str | None
    prompt_slug: str | None
    virtual_key: str | None
    trace_id: str
    span_id: str | None
    span_name: str | None
    parent_span_id: str | None
    metadata_keys: list[str] = field(name="metadata.key")
    metadata_values: list[str] = field(name="metadata.value")
    user: str | None = field(name="_user")


class FullLogItem(LogItem, kw_only=True):
    """``variables`` filled in the prompt that was run; null without one."""

    variables: dict[str, Any] | None


class LogObject(Struct, kw_only=True):
    """Portkey's LogObject. Bodies are exactly the JSON that was received; one that is no JSON is a string."""

    id: str = field(name="_id")
    organisation_id: str
    created_at: str
    request: LoggedRequest
    response: LoggedResponse
    metrics: LogMetrics
    log: FullLogItem

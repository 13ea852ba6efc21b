"""A finished exchange on its way to becoming a record."""

from __future__ import annotations

from uuid import UUID

from logs.capture.bodies import BODY_BYTES, Kept
from logs.capture.estimate import estimate
from logs.ingest import normalise
from logs.llm.vocabulary import Completeness, Source
from logs.record import Exchange, LogRecord
from portkey_logs.lib import redaction
from portkey_logs.lib.compression import DecompressionError, decompress

_MAX_SIZE = 2**31 - 1  # of the columns for sizes
# A compressed body is decompressed for the record to 100 times its size, but always to 1 MB: text shrinks to a tenth or
# less, and only what is sent to cost memory to a thousandth.
MAX_RATIO = 100
MIN_DECOMPRESSED_LIMIT = 1024 * 1024


class Draft:
    """What happened, as far as it has."""

    def __init__(self, id: UUID, started_ms: int, request: Kept, response: Kept) -> None:
        self.id = id
        self.started_ms = started_ms  # UTC
        self.request = request
        self.response = response
        self.method = "POST"
        self.url = ""
        self.provider: str | None = None
        self.request_headers: dict[str, str] = {}
        self.sent_headers: dict[str, str] = {}  # with the secrets that were kept here, where the call used any
        self.variables: bytes | None = None  # of the prompt that the request was rendered from, as JSON
        self.response_headers: dict[str, str] = {}
        self.status: int | None = None
        self.latency_ms: int | None = None
        self.first_byte_ms: int | None = None
        self.client_left = False
        self.cut = ""  # why the answer ended early
        self.bodies_kept = True
        self.is_replay = False

    def to_record(self, *, workspace_id: int, api_key_id: int | None) -> LogRecord:
        """The record. Takes a time that grows with the bodies; calls nothing that waits."""
        request = _plain(self.request, self.request_headers)
        response = _plain(self.response, self.response_headers)
        streamed = self.response_headers.get("content-type", "").lower().startswith("text/event-stream")
        derived = normalise.derive(
            Exchange(
                source=Source.REPLAY if self.is_replay else Source.CAPTURE,
                id=self.id,
                url=self.url,
                method=self.method,
                request_headers=self.request_headers,
                request_body=request,
                variables=self.variables,
                response_headers=self.response_headers,
                response_body=response,
                status_code=self.status,
                latency_ms=self.latency_ms,
                time_to_first_token_ms=self.first_byte_ms if streamed else None,
                provider=self.provider,
                event_time_ms=self.started_ms,
                client_left=self.client_left,
                bodies_kept=self.bodies_kept,
            ),
            workspace_id=workspace_id,
            api_key_id=api_key_id,
            now_ms=self.started_ms,
        )
        estimate(derived)
        record = derived.record
        if record.error_message and self.sent_headers:
            record.error_message = redaction.mask_echoes(record.error_message, self.sent_headers)
        if self.cut and not self.client_left:
            record.is_success = False
            record.error_type, record.error_message = "upstream_cut", self.cut
            if record.completeness in (Completeness.COMPLETE, Completeness.UNPARSED):
                record.completeness = Completeness.CUT
        if not (self.request.whole and self.response.whole):
            record.request_bytes = min(record.request_bytes or self.request.size, _MAX_SIZE)
            record.response_bytes = min(record.response_bytes or self.response.size, _MAX_SIZE)
            record.completeness = Completeness.NOT_KEPT
        return record


def _plain(kept: Kept, headers: dict[str, str]) -> bytes | None:
    """Return the body without its Content-Encoding; as it came where that cannot be undone."""
    body = kept.octets()
    if not body:
        return body
    try:
        limit = min(BODY_BYTES, max(MIN_DECOMPRESSED_LIMIT, MAX_RATIO * len(body)))
        return decompress(body, headers.get("content-encoding", ""), limit, allow_truncated=True)
    except DecompressionError:
        return body

"""``POST /v1/logs``: an object or an array of objects, plain or compressed."""

from __future__ import annotations

import time
import uuid
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.http.request import UnreadablePostError

from logs.ingest import normalise, portkey, writer
from portkey_logs.accounts.api import ApiRequest, api_key_required
from portkey_logs.lib.compression import (
    DecompressedSizeError,
    DecompressionError,
    UnsupportedEncodingError,
    decompress,
)


class _BodyError(Exception):
    """The body cannot be read; ``status`` is what to answer."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@api_key_required("logs.write")
def create_logs(request: ApiRequest) -> JsonResponse:
    """Record logs. 200 when all rows are safe, 207 when only some were good, 400 when none was.

    503 says that nothing is stored and nothing was kept: there is neither database nor disk space.
    """
    now_ms = time.time_ns() // 1_000_000
    try:
        body = read_body(request)
        rows = portkey.parse(body, request.headers, now_ms=now_ms)
    except _BodyError as error:
        return _failure(error.status, str(error))
    except portkey.EnvelopeError as error:
        return _failure(HTTPStatus.BAD_REQUEST, f"{error.path or 'The body'} {error.message}")

    errors: list[dict[str, Any]] = []
    records, places = [], []
    for index, row in enumerate(rows):
        if isinstance(row, portkey.RowError):
            errors.append({"index": index, "path": row.path, "message": row.message})
            continue
        row.bodies_kept = row.bodies_kept and request.grant.keeps_bodies
        records.append(
            normalise.to_record(
                row,
                workspace_id=request.grant.workspace_id,
                api_key_id=request.grant.api_key_id,
                now_ms=now_ms,
            )
        )
        places.append(index)
    try:
        outcomes = writer.submit(records)
    except writer.UnavailableError:
        return _unavailable()
    log_ids = []
    is_array = body.lstrip()[:1] == b"["
    for index, record, outcome in zip(places, records, outcomes, strict=True):
        if outcome.state == "refused":
            path = f"[{index}].{outcome.field}" if is_array else outcome.field
            errors.append({"index": index, "path": path.removesuffix("."), "message": outcome.message})
        else:
            log_ids.append(str(record.id))
    return _answer(log_ids, sorted(errors, key=lambda error: error["index"]))


def read_body(request: HttpRequest) -> bytes:
    """The request's body without its Content-Encoding.

    Both sizes have the same limit, DATA_UPLOAD_MAX_MEMORY_SIZE: what a call may carry does not depend on how
    it is packed, and a call never takes more than twice that in memory. Raises _BodyError.
    """
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    too_large = _BodyError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {limit >> 20} MiB; send fewer logs per call."
    )
    try:
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            body = bytes(request.META["wsgi.input"].read(limit + 1))  # Django reads nothing without a Content-Length
        else:
            body = request.body
    except RequestDataTooBig:
        raise too_large from None
    except UnreadablePostError:
        raise _BodyError(HTTPStatus.BAD_REQUEST, "The body ended early.") from None
    if len(body) > limit:
        raise too_large
    try:
        return decompress(body, request.headers.get("Content-Encoding", ""), limit)
    except DecompressedSizeError:
        raise too_large from None
    except UnsupportedEncodingError as error:
        raise _BodyError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error)) from error
    except DecompressionError as error:
        raise _BodyError(HTTPStatus.BAD_REQUEST, str(error)) from error


def _answer(log_ids: list[str], errors: list[dict[str, Any]]) -> JsonResponse:
    if not errors:
        return JsonResponse({"status": "success", "log_ids": log_ids})
    if log_ids:
        body = {"status": "partial_success", "log_ids": log_ids, "errors": errors}
        return JsonResponse(body, status=HTTPStatus.MULTI_STATUS)
    first = errors[0]
    return _failure(
        HTTPStatus.BAD_REQUEST,
        f"{first['path']}: {first['message']}" if first["path"] else first["message"],
        errors=errors,
    )


def _failure(status: HTTPStatus, message: str, **more: Any) -> JsonResponse:
    return JsonResponse({"status": "failure", "message": message, **more}, status=status)


def _unavailable() -> JsonResponse:
    response = _failure(HTTPStatus.SERVICE_UNAVAILABLE, "Logs cannot be stored now; send them again later.")
    # Portkey's SDK sends a 5xx again at once, unless this header says that a gateway has seen the call.
    response["x-portkey-trace-id"] = str(uuid.uuid4())
    response["Retry-After"] = "5"
    return response

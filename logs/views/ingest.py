"""``POST /v1/logs``: an object or an array of objects, plain or compressed."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

from logs.ingest import normalise, portkey, writer
from portkey_logs.api.bodies import read_body
from portkey_logs.api.errors import INVALID, api_error, api_unavailable
from portkey_logs.api.keys import ApiRequest


def create_logs(request: ApiRequest) -> JsonResponse:
    """Record logs. 200 when all rows are safe, 207 when only some were good, 400 when none was.

    503 says that nothing is stored and nothing was kept: there is neither database nor disk space.
    """
    now_ms = time.time_ns() // 1_000_000
    body = read_body(request)
    try:
        rows = portkey.parse(body, request.headers, now_ms=now_ms)
    except portkey.EnvelopeError as error:
        return api_error(400, f"{error.path or 'The body'} {error.message}", INVALID)

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
        return api_unavailable("Logs cannot be stored now; send them again later.")
    log_ids = []
    is_array = body.lstrip()[:1] == b"["
    for index, record, outcome in zip(places, records, outcomes, strict=True):
        if outcome.state == "refused":
            path = f"[{index}].{outcome.field}" if is_array else outcome.field
            errors.append({"index": index, "path": path.removesuffix("."), "message": outcome.message})
        else:
            log_ids.append(str(record.id))
    return _answer(log_ids, sorted(errors, key=lambda error: error["index"]))


def _answer(log_ids: list[str], errors: list[dict[str, Any]]) -> JsonResponse:
    if not errors:
        return JsonResponse({"status": "success", "log_ids": log_ids})
    if log_ids:
        body = {"status": "partial_success", "log_ids": log_ids, "errors": errors}
        return JsonResponse(body, status=HTTPStatus.MULTI_STATUS)
    first = errors[0]
    message = f"{first['path']}: {first['message']}" if first["path"] else first["message"]
    return api_error(400, message, INVALID, errors=errors)

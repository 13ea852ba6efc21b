"""The one error shape of the JSON APIs, in which clients of Portkey's gateway and its SDKs find what they read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import JsonResponse

# Portkey's codes, by what is wrong: https://portkey.ai/docs
INVALID = "AB01"
NOT_FOUND = "AB02"
FORBIDDEN = "AB03"
UNAVAILABLE = "AB04"
UNAUTHORISED = "AB05"
TOO_MANY = "AB06"
CONFLICT = "AB07"
RETRY_SECONDS = 5  # a restart of PostgreSQL takes about that long

type Details = Sequence[Mapping[str, Any]] | Mapping[str, Sequence[str]]


def error_body(message: str, code: str, *, kind: str = "", errors: Details | None = None) -> dict[str, Any]:
    """Return the body of an error.

    The gateway's clients read ``message``, SDKs print ``error.message``. ``errors`` names the single values that are
    wrong. ``kind`` is ``error.type``; default: ``code``.
    """
    error = {"message": message, "type": kind or code, "param": None, "code": code}
    body: dict[str, Any] = {"status": "failure", "message": message, "error": error}
    return body if errors is None else body | {"errors": errors}


def api_error(status: int, message: str, code: str, *, errors: Details | None = None) -> JsonResponse:
    """Return an error with its HTTP status."""
    return JsonResponse(error_body(message, code, errors=errors), status=status)


def control_plane_error(status: int, message: str, code: str, *, errors: Details | None = None) -> JsonResponse:
    """Return an error with what Portkey's control plane, which serves the catalog, has beside it."""
    more = {"success": False, "data": {"message": message, "errorCode": code}}
    return JsonResponse(error_body(message, code, errors=errors) | more, status=status)


def api_unavailable(message: str) -> JsonResponse:
    """Return a 503 that Portkey's SDKs do not send again at once: its headers say that a gateway has seen the call."""
    response = api_error(503, message, UNAVAILABLE)
    response["x-portkey-trace-id"] = str(uuid.uuid4())
    response["x-portkey-gateway-exception"] = "true"
    response["Retry-After"] = str(RETRY_SECONDS)
    return response

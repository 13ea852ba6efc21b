"""The one error shape of the JSON APIs: what Portkey's gateway and its control plane answer, together."""

from __future__ import annotations

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

    The gateway's clients read ``message``, SDKs print ``error.message``, and ``success`` and ``data`` are what the
    control plane has. ``errors`` names the single values that are wrong. ``kind`` is ``error.type``; default: ``code``.
    """
    body: dict[str, Any] = {
        "status": "failure",
        "success": False,
        "message": message,
        "error": {"message": message, "type": kind or code, "param": None, "code": code},
        "data": {"message": message, "errorCode": code},
    }
    return body if errors is None else body | {"errors": errors}


def api_error(status: int, message: str, code: str, *, errors: Details | None = None) -> JsonResponse:
    """Return an error with its HTTP status."""
    return JsonResponse(error_body(message, code, errors=errors), status=status)


def api_unavailable(message: str) -> JsonResponse:
    """Return a 503 that Portkey's SDK does not send again at once: its header says that a gateway has seen the call."""
    response = api_error(503, message, UNAVAILABLE)
    response["x-portkey-gateway-exception"] = "true"
    response["Retry-After"] = str(RETRY_SECONDS)
    return response

"""When the database is away people get a page that says so, and programs a 503 they can act on."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5  # a restart of PostgreSQL takes about that long


class DatabaseAwayMiddleware:
    """Answers 503 instead of 500 where the database could not be asked. Nothing is lost by it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django asks here about what a view or its template raised."""
        if not isinstance(error, (OperationalError, InterfaceError)):
            return None
        logger.warning("The database is away: %s", str(error).partition("\n")[0])
        if request.path.startswith("/v1/") or request.path.endswith(".json"):
            body = {"status": "failure", "message": "The database is away; try again shortly."}
            response: HttpResponse = JsonResponse(body, status=503)
        else:
            response = HttpResponse(render_to_string("503.html"), status=503)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response

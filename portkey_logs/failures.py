"""What nothing could be done about: people get a page that says so, programs JSON they can act on."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import page_not_found
from psycopg.errors import UniqueViolation

from portkey_logs.accounts.hashers import PasswordsBusyError
from portkey_logs.api.errors import CONFLICT, INVALID, NOT_FOUND, RETRY_SECONDS, UNAVAILABLE, api_error, api_unavailable

logger = logging.getLogger(__name__)


class DatabaseMiddleware:
    """Answers 503 where the database could not be asked, 400 where it cannot hold what it was given (NUL, half a
    character, a number that is too large), and 409 where two saved the same name at once. Nothing is lost by any."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django asks here about what a view or its template raised."""
        if isinstance(error, (DataError, UnicodeEncodeError)):
            logger.warning("Refused at %s: %s", request.path[:200], str(error).partition("\n")[0])
            return _refused(request, 400, "A value holds a character that cannot be stored, or is too long.", INVALID)
        if isinstance(error, PasswordsBusyError):
            response = _refused(
                request, 503, "Many people are signing in at the moment. Try again shortly.", UNAVAILABLE
            )
            response["Retry-After"] = str(RETRY_SECONDS)
            return response
        if isinstance(error.__cause__, UniqueViolation):
            return _refused(request, 409, "Someone else has just saved the same. Look at it, then try again.", CONFLICT)
        if not isinstance(error, (OperationalError, InterfaceError)):
            return None
        return _away(request, error)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler404``. The page asks the database who reads it."""
    if _is_for_programs(request):
        return api_error(404, f"There is nothing at {request.path[:200]}", NOT_FOUND)
    try:
        return page_not_found(request, exception)
    except (OperationalError, InterfaceError) as error:
        return _away(request, error)


def _refused(request: HttpRequest, status: int, words: str, code: str) -> HttpResponse:
    if _is_for_programs(request):
        return api_error(status, words, code)
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")


def _away(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.warning("The database is away: %s", str(error).partition("\n")[0])
    response: HttpResponse
    if _is_for_programs(request):
        response = api_unavailable("The database is unavailable; try again shortly.")
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _is_for_programs(request: HttpRequest) -> bool:
    return request.path.startswith("/v1/") or request.path.endswith(".json")

"""The door of the JSON API: an API key instead of a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.http.request import UnreadablePostError

from portkey_logs.accounts import keyring
from portkey_logs.accounts.keyring import Grant
from portkey_logs.accounts.tokens import API_KEY_PREFIX


class ApiRequest(HttpRequest):
    """A request behind ``api_key_required``."""

    grant: Grant


def api_failure(status: int, message: str, code: str) -> JsonResponse:
    """An error in the gateway's shape. SDKs print ``error.message``."""
    body = {"status": "failure", "message": message, "error": {"message": message, "code": code}}
    return JsonResponse(body, status=status)


def api_key_of(request: HttpRequest) -> str:
    """The API key of the request, empty if it has none.

    SDKs send a placeholder (``Authorization: Bearer OPENAI_API_KEY``) or a provider's key beside ours: either
    header counts only with a key of ours, ``x-portkey-api-key`` first. Capture reads them the same way.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    candidates = (request.headers.get("x-portkey-api-key", ""), token if scheme.lower() == "bearer" else "")
    return next((key for key in map(str.strip, candidates) if key.startswith(API_KEY_PREFIX)), "")


class BodyUnreadable(Exception):
    """The request's body is too large, or the client left while it was read."""


def whole_body(request: HttpRequest) -> bytes:
    """The body, also one of unknown length, which Django would take for none. Raises BodyUnreadable."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        if "chunked" not in request.headers.get("Transfer-Encoding", "").lower():
            return request.body
        body = bytes(request.META["wsgi.input"].read(limit + 1))
    except (RequestDataTooBig, UnreadablePostError):
        raise BodyUnreadable from None
    if len(body) > limit:
        raise BodyUnreadable
    return body


type ApiView[**P] = Callable[Concatenate[ApiRequest, P], HttpResponseBase]
type View = Callable[..., HttpResponseBase]


def api_key_required[**P](*scopes: str) -> Callable[[ApiView[P]], View]:
    """Lets a call through whose key has any one of the scopes; the view finds it in ``request.grant``.

    401 without a valid key, 403 without the scope. CSRF does not apply: no cookie is looked at.
    """

    def decorate(view: ApiView[P]) -> View:
        @wraps(view)
        def checked(request: ApiRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            grant = keyring.find(api_key_of(request))
            if grant is None:
                return api_failure(401, "Portkey Error: Invalid API Key. Error Code: 03", "03")
            if scopes and not grant.allows(*scopes):
                needed = " or ".join(scopes)
                return api_failure(403, f"This API key lacks the scope {needed}.", "AB03")
            request.grant = grant
            return view(request, *args, **kwargs)

        checked.csrf_exempt = True  # type: ignore[attr-defined]
        return checked

    return decorate

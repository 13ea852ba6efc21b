"""API keys instead of a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.http import HttpRequest, HttpResponseBase

from portkey_logs.accounts import api_key_cache
from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.accounts.tokens import API_KEY_PREFIX
from portkey_logs.api.bodies import BodyReadError
from portkey_logs.api.errors import FORBIDDEN, INVALID, api_error

INVALID_KEY = "Portkey Error: Invalid API Key. Error Code: 03"  # Portkey's words


class ApiRequest(HttpRequest):
    """A request behind ``api_key_required``."""

    grant: Grant


def api_key_of(request: HttpRequest) -> str:
    """The API key of the request, empty if it has none.

    SDKs send a placeholder (``Authorization: Bearer OPENAI_API_KEY``) or a provider's key beside ours: either
    header counts only with a key of ours, ``x-portkey-api-key`` first. Capture reads them the same way.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    candidates = (request.headers.get("x-portkey-api-key", ""), token if scheme.lower() == "bearer" else "")
    return next((key for key in map(str.strip, candidates) if key.startswith(API_KEY_PREFIX)), "")


type ApiView[**P] = Callable[Concatenate[ApiRequest, P], HttpResponseBase]
type View = Callable[..., HttpResponseBase]


def api_key_required[**P](*scopes: str) -> Callable[[ApiView[P]], View]:
    """Lets a call through whose key has any one of the scopes; the view finds it in ``request.grant``.

    401 without a valid key, 403 without the scope. CSRF does not apply: no cookie is looked at.
    """

    def decorate(view: ApiView[P]) -> View:
        @wraps(view)
        def checked(request: ApiRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            grant = api_key_cache.find(api_key_of(request))
            if grant is None:
                return api_error(401, INVALID_KEY, "03")
            if scopes and not grant.allows(*scopes):
                needed = " or ".join(scopes)
                return api_error(403, f"This API key lacks the scope {needed}.", FORBIDDEN)
            request.grant = grant
            try:
                return view(request, *args, **kwargs)
            except BodyReadError as error:
                return api_error(error.status, str(error), INVALID)

        checked.csrf_exempt = True  # type: ignore[attr-defined]
        return checked

    return decorate

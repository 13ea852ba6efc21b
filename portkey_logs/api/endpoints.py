"""Addresses of the JSON API: each declares its methods with scope, handler and types, from which docs are made too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from django.http import HttpRequest, HttpResponseBase

from portkey_logs.api.errors import api_error
from portkey_logs.api.keys import api_key_required

METHOD_NOT_ALLOWED = "Portkey Error: Method not allowed. Error code: 01"  # Portkey's words

type Handler = Callable[..., HttpResponseBase]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of an address.

    ``scopes``: a key with any one of them may call it. ``body`` and ``answer`` (of a 200) are types that msgspec
    describes. ``query`` has the parameters with their descriptions. ``errors`` and ``answers`` are further statuses,
    beside those that any call may get.
    """

    scopes: tuple[str, ...]
    handler: Handler
    summary: str
    answer: Any
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    required_query: frozenset[str] = frozenset()
    answers: Mapping[int, Any] = field(default_factory=dict)
    errors: tuple[int, ...] = ()


class ApiView(Protocol):
    """A view made by ``endpoint``."""

    operations: Mapping[str, Operation]

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase: ...


def endpoint(**operations: Operation) -> ApiView:
    """Return the view of one address, by method. HEAD is answered as GET, any other method with 405."""
    handlers = {method: api_key_required(*each.scopes)(each.handler) for method, each in operations.items()}
    if "GET" in handlers:
        handlers["HEAD"] = handlers["GET"]

    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        handler = handlers.get(request.method or "")
        if handler is None:
            response = api_error(405, METHOD_NOT_ALLOWED, "01")
            response["Allow"] = ", ".join(handlers)
            return response
        return handler(request, *args, **kwargs)

    view.csrf_exempt = True  # type: ignore[attr-defined]  # no cookie is looked at
    view.operations = operations  # type: ignore[attr-defined]
    return cast(ApiView, view)

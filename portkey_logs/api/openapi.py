"""The OpenAPI document of ``/v1``, made of the addresses themselves (``endpoints.Operation``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any, cast

import msgspec
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from portkey_logs.api.endpoints import ApiView, Operation
from portkey_logs.api.types import ApiError

VERSION = "1"
PREFIX = "/v1/"
DESCRIPTION = (
    "Compatible with Portkey's API. Costs are in cents, latencies in ms, times in UTC. A key belongs to one workspace."
)
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_FORMATS = {"uuid": {"type": "string", "format": "uuid"}}
_ANY_CALL = (401, 403, 503)
_WITH_BODY = (400, 413, 415)
_REFERENCE = "#/components/schemas/{name}"


@require_safe
@cache_control(max_age=300)
def openapi(request: HttpRequest) -> HttpResponse:
    """Answer the document. It says nothing of this installation, so no key is needed."""
    return HttpResponse(_encoded(), content_type="application/json")


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())


def document() -> dict[str, Any]:
    """Return the document as plain data (OpenAPI 3.1)."""
    views = sorted(api_views().items())
    operations = [operation for _, view in views for operation in view.operations.values()]
    types = [kind for each in operations for kind in (each.body, each.answer, *each.answers.values()) if kind]
    schemas, components = msgspec.json.schema_components([ApiError, *types], ref_template=_REFERENCE)
    by_type = dict(zip(map(id, [ApiError, *types]), schemas, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Portkey Logs", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": "/", "description": "This server; a capture address passes these calls on to it."}],
        "security": [{"portkeyApiKey": []}, {"bearer": []}],
        "paths": {_PARAMETER.sub(r"{\2}", route): _path_item(route, view, by_type) for route, view in views},
        "components": {
            "schemas": components,
            "securitySchemes": {
                "portkeyApiKey": {"type": "apiKey", "in": "header", "name": "x-portkey-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def api_views() -> dict[str, ApiView]:
    """Return the views below /v1 by their routes. Each is made by ``endpoints.endpoint``."""
    routes = _patterns(get_resolver().url_patterns)
    return {
        route: cast(ApiView, pattern.callback)
        for route, pattern in routes
        if route.startswith(PREFIX) and pattern.callback is not openapi
    }


def _patterns(patterns: list[Any], prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, route)
        else:
            yield route, pattern


def _path_item(route: str, view: ApiView, schemas: dict[int, Any]) -> dict[str, Any]:
    return {method.lower(): _operation(route, each, schemas) for method, each in view.operations.items()}


def _operation(path: str, operation: Operation, schemas: dict[int, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "description": f"Scope: {' or '.join(f'`{scope}`' for scope in operation.scopes)}.",
        "tags": [path.split("/")[2].split(".")[0]],
        "parameters": [*_path_parameters(path), *_query_parameters(operation)],
        "responses": _responses(operation, schemas),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(schemas[id(operation.body)])}
    return described


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for converter, name in _PARAMETER.findall(path):
        schema = _FORMATS.get(converter, {"type": "string"})
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name, description in operation.query.items():
        yield {
            "name": name,
            "in": "query",
            "required": name in operation.required_query,
            "description": description,
            "schema": {"type": "string"},
        }


def _responses(operation: Operation, schemas: dict[int, Any]) -> dict[str, Any]:
    answers = {200: operation.answer, **operation.answers}
    errors = {*_ANY_CALL, *operation.errors, *(_WITH_BODY if operation.body is not None else ())}
    found = {status: _json(schemas[id(kind)]) for status, kind in answers.items()}
    found |= {status: _json(schemas[id(ApiError)]) for status in errors}
    return {
        str(status): {"description": HTTPStatus(status).phrase, "content": content}
        for status, content in sorted(found.items())
    }


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}

"""What the catalog's calls have in common: one view per address, the shapes of answers and errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.http import JsonResponse
from django.utils.dateparse import parse_datetime

from portkey_logs.accounts.models import Actor, Workspace
from portkey_logs.api.bodies import read_body
from portkey_logs.api.endpoints import Operation
from portkey_logs.api.errors import FORBIDDEN, INVALID, NOT_FOUND, api_unavailable, control_plane_error
from portkey_logs.api.keys import ApiRequest
from portkey_logs.catalog.models import Invalid, Item
from portkey_logs.catalog.schema import Finding

MAX_PAGE = 1000  # items; a workspace has some hundreds
PAGE_QUERY = {
    "current_page": "Number of the page, from 0.",
    "page_size": f"Items of a page, at most and by default {MAX_PAGE}.",
}
WORKSPACE_QUERY = {"workspace_id": "Slug or id of the key's own workspace; another one is refused."}
YEARS = range(2000, 2101)  # of the times that are taken; as on the pages

type Json = dict[str, Any]
type Handler = Callable[..., JsonResponse]


class Refused(Exception):
    """A call that cannot be done; ``code`` is Portkey's."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def decode_object(body: bytes) -> Json:
    """Return the JSON object of a body; an empty body is an empty one. Raises Refused (400)."""
    try:
        decoded = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused(400, "The body must be JSON.", INVALID) from None
    if not isinstance(decoded, dict):
        raise Refused(400, "The body must be a JSON object.", INVALID)
    return decoded


class Call:
    """A call by a key that may make it."""

    def __init__(self, request: ApiRequest) -> None:
        self.request = request
        self.workspace = Workspace.objects.get(pk=request.grant.workspace_id)
        self.by = Actor(api_key_id=request.grant.api_key_id)
        self.body = decode_object(read_body(request)) if request.method in ("POST", "PUT") else {}
        for given in (request.GET.get("workspace_id"), self.body.get("workspace_id")):
            if given not in (None, "", self.workspace.slug, str(self.workspace.pk)):
                raise Refused(403, f"This API key belongs to the workspace {self.workspace.slug}.", FORBIDDEN)

    def text(self, *names: str, default: str | None = None) -> str:
        """The text under the first of ``names`` that is there. Raises Invalid."""
        for name in names:
            value = self.body.get(name)
            if value is None:
                continue
            if not isinstance(value, str):
                raise Invalid([Finding(name, "must be a string")])
            return value
        if default is None:
            raise Invalid([Finding(names[0], "is required")])
        return default

    def moment(self, name: str) -> datetime | None:
        """A time in ISO 8601, UTC where it has no zone; None for none. Raises Invalid.

        Only of YEARS: PostgreSQL keeps others, which Python then cannot read back, in whatever list they stand.
        """
        text = self.text(name, default="")
        try:
            parsed = parse_datetime(text) if text else None
        except ValueError:
            parsed = None
        if text and (parsed is None or parsed.year not in YEARS):
            raise Invalid([Finding(name, f"must be a time such as 2027-01-31T12:00:00Z, up to the year {YEARS[-1]}")])
        return parsed if parsed is None or parsed.tzinfo else parsed.replace(tzinfo=UTC)

    def find[M: Item](self, model: type[M], slug: str) -> M:
        """The active or expired item of this slug or id. Raises Refused (404)."""
        items = model._default_manager.filter(workspace=self.workspace, archived_at=None)
        found = items.filter(slug=slug).first() or (items.filter(pk=slug).first() if _is_uuid(slug) else None)
        if found is None:
            raise Refused(404, f"There is no {model.KIND.replace('_', ' ')} {slug[:100]} in this workspace.", NOT_FOUND)
        return found

    def page[M: Item](self, items: QuerySet[M]) -> tuple[list[M], int]:
        """The items of the page that was asked for, and how many there are in all."""
        page = _whole_number(self.request.GET.get("current_page"), 0)
        size = min(_whole_number(self.request.GET.get("page_size"), MAX_PAGE), MAX_PAGE) or MAX_PAGE
        return list(items[page * size : (page + 1) * size]), items.count()


def operation(scope: str, handler: Handler, summary: str, answer: Any, **more: Any) -> Operation:
    """One method of an address of the catalog: its handler takes a ``Call`` and may raise Refused and Invalid."""
    return Operation(scopes=(scope,), handler=_answered(handler), summary=summary, answer=answer, **more)


def _answered(handler: Handler) -> Handler:
    @wraps(handler)
    def answered(request: ApiRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        try:
            with transaction.atomic():
                return handler(Call(request), *args, **kwargs)
        except Refused as refused:
            return control_plane_error(refused.status, str(refused), refused.code)
        except Invalid as invalid:
            return control_plane_error(
                400, str(invalid), INVALID, errors=[finding._asdict() for finding in invalid.findings]
            )
        except (OperationalError, InterfaceError):
            return api_unavailable("The database is unavailable; try again shortly.")

    return answered


def done(item: Json, warnings: list[Finding] | None = None) -> JsonResponse:
    """One item, flat as SDKs read it and under ``data`` as the API of configs and virtual keys has it."""
    more = {"warnings": [finding._asdict() for finding in warnings]} if warnings else {}
    return JsonResponse({"success": True, "data": item} | item | more)


def listed(items: list[Json], total: int) -> JsonResponse:
    """A list of items."""
    return JsonResponse({"success": True, "object": "list", "total": total, "data": items})


def base_of(item: Item, workspace: Workspace) -> Json:
    """What every item has."""
    return {
        "id": str(item.pk),
        "slug": item.slug,
        "name": item.name,
        "workspace_id": workspace.slug,
        "status": "archived" if item.is_archived else "active",
        "created_at": iso(item.created_at),
        "last_updated_at": iso(item.updated_at),
        "object": item.KIND.replace("_", "-"),
    }


def iso(moment: datetime | None) -> str | None:
    """UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def _whole_number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else default


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True

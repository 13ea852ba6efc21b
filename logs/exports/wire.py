"""The bodies of ``/v1/logs/exports``: what Portkey's SDKs send, and the ExportItem they get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from logs.explorer import presentation
from logs.exports import portkey
from logs.exports.fields import FIELDS
from logs.exports.models import Export
from logs.models import Log
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.errors import INVALID, NOT_FOUND
from portkey_logs.lib.text import clean, decode_json

MAX_DESCRIPTION = 200


class BodyError(ValueError):
    """The text says what is wrong with the call."""

    def __init__(self, message: str, status: int = 400, code: str = INVALID) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Asked:
    """What a draft shall become."""

    filters: dict[str, Any]
    query: str
    words: str
    fields: list[str]
    description: str


def parse(body: bytes, workspace: Workspace, *, before: Export | None = None) -> Asked:
    """What a POST or PUT asks for; what a PUT leaves out stays as it was. Raises BodyError."""
    try:
        sent = decode_json(body)
    except ValueError:
        sent = None
    if not isinstance(sent, dict):
        raise BodyError("The body must be a JSON object")
    check_workspace(sent.get("workspace_id"), workspace)
    description = sent.get("description")
    if description is None:
        description = before.description if before else ""
    if not isinstance(description, str):
        raise BodyError("description: give a text")
    filters, query, words = _filters(sent, workspace, before)
    return Asked(filters, query, words, _fields(sent, before), clean(description.strip(), MAX_DESCRIPTION))


def check_workspace(named: object, workspace: Workspace) -> None:
    """A key belongs to one workspace: any other that is named is not there. Raises BodyError."""
    if named not in (None, "", workspace.slug, str(workspace.pk), workspace.pk):
        raise BodyError(f"There is no workspace {named} for this API key.", 404, NOT_FOUND)


def _filters(sent: dict[str, Any], workspace: Workspace, before: Export | None) -> tuple[dict[str, Any], str, str]:
    filters = sent.get("filters")
    if filters is None and before is not None:
        return before.filters, before.query, before.words
    if not isinstance(filters, dict):
        raise BodyError("filters: give an object")
    check_workspace(filters.get("workspace_slug"), workspace)
    try:
        portkey.narrow(Log.objects.in_workspace(workspace), filters)
    except portkey.BadFilter as error:
        raise BodyError(str(error)) from error
    words = ", ".join(f"{name} {value}" for name, value in filters.items() if value not in (None, "", [], {}))
    return filters, "", words or "All logs"


def _fields(sent: dict[str, Any], before: Export | None) -> list[str]:
    fields = sent.get("requested_data")
    if fields is None and before is not None:
        return before.fields
    if not isinstance(fields, list) or not fields:
        raise BodyError("requested_data: give a list of fields")
    for name in fields:
        if not isinstance(name, str) or name not in FIELDS:
            raise BodyError(f"requested_data: there is no field {name}; there are {', '.join(FIELDS)}")
    return list(dict.fromkeys(fields))


def item(export: Export) -> dict[str, Any]:
    """Portkey's ExportItem; ``total_records`` are those that are written, once it has begun."""
    return {
        "id": str(export.id),
        "organisation_id": str(export.workspace.organisation_id),
        "workspace_id": export.workspace.slug,
        "filters": export.filters,
        "requested_data": export.fields,
        "status": export.status,
        "description": export.description,
        "created_at": presentation.iso(export.created_at),
        "last_updated_at": presentation.iso(export.updated_at),
        "created_by": export.creator,
        "total_records": export.records if export.started_at else export.total,
        "object": "export",
    }

"""``/v1/logs/exports``: Portkey's export calls, for SDKs and scripts with an API key."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from logs.exports import api_types, delivery, limits, selection, wire
from logs.exports.models import Export
from portkey_logs.accounts.models import Actor, Workspace
from portkey_logs.api.bodies import read_body
from portkey_logs.api.endpoints import Handler, Operation, endpoint
from portkey_logs.api.errors import CONFLICT, NOT_FOUND, TOO_MANY, api_error
from portkey_logs.api.keys import ApiRequest
from portkey_logs.api.types import list_of

SELECTION_FIELDS = ("filters", "query", "words", "fields", "description")

type OfExport[**P] = Callable[Concatenate[ApiRequest, Export, P], HttpResponseBase]


def _of_export[**P](view: OfExport[P]) -> Callable[..., HttpResponseBase]:
    """Finds the export by its id; exports of other workspaces are not there."""

    @wraps(view)
    def found(request: ApiRequest, id: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        exports = Export.objects.in_workspace(request.grant.workspace_id)
        export = exports.select_related("workspace", "created_by", "api_key").filter(pk=id).first()
        if export is None:
            return api_error(404, f"No export with id {id} in this workspace.", NOT_FOUND)
        return view(request, export, *args, **kwargs)

    return found


def _create(request: ApiRequest) -> HttpResponse:
    workspace = _workspace(request)
    try:
        asked = wire.parse(read_body(request), workspace)
    except wire.BodyError as error:
        return api_error(error.status, str(error), error.code)
    export = Export(workspace=workspace, api_key_id=request.grant.api_key_id, format=Export.Format.JSONL)
    _change(export, asked)
    try:
        limits.add(export)
    except limits.TooMuch as error:
        return api_error(429, str(error), TOO_MANY)
    return _saved(export)


def _list_exports(request: ApiRequest) -> HttpResponse:
    workspace = _workspace(request)
    try:
        wire.check_workspace(request.GET.get("workspace_id"), workspace)
    except wire.BodyError as error:
        return api_error(error.status, str(error), error.code)
    found = [wire.item(export) for export in Export.objects.in_workspace(workspace.pk).select_related("workspace")]
    return JsonResponse({"object": "list", "total": len(found), "data": found})


@_of_export
def _retrieve(request: ApiRequest, export: Export) -> HttpResponse:
    return JsonResponse(wire.item(export))


@_of_export
def _update(request: ApiRequest, export: Export) -> HttpResponse:
    try:
        asked = wire.parse(read_body(request), export.workspace, before=export)
    except wire.BodyError as error:
        return api_error(error.status, str(error), error.code)
    _change(export, asked)
    values = {name: getattr(export, name) for name in (*SELECTION_FIELDS, "total")}
    if not export.redraft(**values):  # started before the call, or while the logs were counted
        return api_error(409, "The export is in progress; cancel it first.", CONFLICT)
    return _saved(export)


@_of_export
def _start(request: ApiRequest, export: Export) -> HttpResponse:
    """Begin, or begin anew."""
    try:
        if not limits.start(export):
            return _done("The export is in progress already")
    except limits.TooMuch as error:
        return api_error(429, str(error), TOO_MANY)
    export.note("start", _actor(request))
    return _done("Export started")


@_of_export
def _cancel(request: ApiRequest, export: Export) -> HttpResponse:
    if not export.stop():
        return api_error(409, f"The export is {export.get_status_display().lower()} already.", CONFLICT)
    export.note("stop", _actor(request))
    return _done("Export cancelled")


@_of_export
def _download(request: ApiRequest, export: Export) -> HttpResponse:
    """A link to the file that needs no key, for an hour."""
    if not export.is_ready:
        return api_error(409, f"There is nothing to download: the export's status is {export.status}.", CONFLICT)
    export.note("download", _actor(request))
    return JsonResponse({"signed_url": delivery.signed_url(request, export, request.grant.api_key_id)})


def _change(export: Export, asked: wire.Asked) -> None:
    for name in SELECTION_FIELDS:
        setattr(export, name, getattr(asked, name))
    export.total = selection.count(export)


def _saved(export: Export) -> HttpResponse:
    return JsonResponse({"id": str(export.id), "total": export.total, "object": "export"})


def _done(message: str) -> JsonResponse:
    return JsonResponse({"message": message, "object": "export"})


def _workspace(request: ApiRequest) -> Workspace:
    return Workspace.objects.get(pk=request.grant.workspace_id)


def _actor(request: ApiRequest) -> Actor:
    return Actor(api_key_id=request.grant.api_key_id)


RESTRICTIONS: dict[str, Any] = {"object": "list", "data": []}  # every field may be exported


def _field_restrictions(request: ApiRequest) -> HttpResponse:
    return JsonResponse(RESTRICTIONS)


def _operation(handler: Handler, summary: str, answer: Any, **more: Any) -> Operation:
    return Operation(scopes=("logs.export",), handler=handler, summary=summary, answer=answer, **more)


exports = endpoint(
    GET=_operation(
        _list_exports,
        "List exports, newest first",
        list_of(api_types.ExportItem, total=int),
        query={"workspace_id": "Slug or id of the key's own workspace."},
        errors=(404,),
    ),
    POST=_operation(_create, "Draft an export", api_types.ExportSaved, body=api_types.NewExport, errors=(404, 429)),
)
export = endpoint(
    GET=_operation(_retrieve, "Get an export", api_types.ExportItem, errors=(404,)),
    PUT=_operation(
        _update,
        "Change an export that is not in progress",
        api_types.ExportSaved,
        body=api_types.ExportUpdate,
        errors=(404, 409),
    ),
)
start = endpoint(
    POST=_operation(_start, "Start an export, anew if it has ended", api_types.ExportMessage, errors=(404, 429))
)
cancel = endpoint(POST=_operation(_cancel, "Stop an export", api_types.ExportMessage, errors=(404, 409)))
download = endpoint(
    GET=_operation(_download, "Get a link to the file of an export", api_types.ExportDownload, errors=(404, 409))
)
field_restrictions = endpoint(
    GET=_operation(
        _field_restrictions,
        "List the fields that may not be exported",
        api_types.FieldRestrictions,
    )
)

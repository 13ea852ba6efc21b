"""``/v1/logs``: what SDKs and scripts call with an API key."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseBase

from logs.explorer.filters import LogFilterSet
from logs.models import Log
from logs.viewer import api_types, log_json
from logs.views.ingest import create_logs
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.endpoints import Operation, endpoint
from portkey_logs.api.errors import NOT_FOUND, api_error
from portkey_logs.api.keys import ApiRequest
from portkey_logs.front.limits import accepts_large_bodies


def _list_logs(request: ApiRequest) -> HttpResponse:
    return log_json.list_response(request, Workspace.objects.get(id=request.grant.workspace_id))


def _log(request: ApiRequest, id: UUID) -> HttpResponseBase:
    """One log in Portkey's LogObject shape; logs of other workspaces are not there."""
    found = (
        Log.objects.select_related("api_key", "workspace__organisation")
        .filter(workspace_id=request.grant.workspace_id, id=id)
        .first()
    )
    if found is None:
        return api_error(404, f"No log with id {id} in this workspace.", NOT_FOUND)
    return log_json.log_response(request, found)


LIST_QUERY = {
    **{name: str(each.label) for name, each in LogFilterSet.base_filters.items()},
    "meta.<key>": "Value of this key of the metadata.",
    "cursor": "The next_cursor of the page before.",
    "limit": f"Logs of a page, 1 to {log_json.MAX_LIMIT}.",
}

logs = accepts_large_bodies(
    endpoint(
        GET=Operation(
            scopes=("logs.view",),
            handler=_list_logs,
            summary="List logs, newest first",
            query=LIST_QUERY,
            answer=api_types.LogPage,
            errors=(400,),
        ),
        POST=Operation(
            scopes=("logs.write",),
            handler=create_logs,
            summary="Record logs",
            body=api_types.NewLogs,
            answer=api_types.LogsRecorded,
            answers={207: api_types.LogsPartlyRecorded},
        ),
    )
)
log = endpoint(
    GET=Operation(
        scopes=("logs.view",),
        handler=_log,
        summary="Get a log with its bodies",
        answer=api_types.LogObject,
        errors=(404,),
    )
)

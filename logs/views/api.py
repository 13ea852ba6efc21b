"""``/v1/logs``: what SDKs and scripts call with an API key."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from logs import wire
from logs.models import Log
from logs.views.ingest import create_logs
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.errors import NOT_FOUND, api_error
from portkey_logs.api.keys import ApiRequest, api_key_required
from portkey_logs.front.limits import accepts_large_bodies


@accepts_large_bodies
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def logs(request: ApiRequest) -> HttpResponseBase:
    """``POST`` records logs, ``GET`` lists them newest first."""
    return create_logs(request) if request.method == "POST" else list_logs(request)


@api_key_required("logs.view")
def list_logs(request: ApiRequest) -> HttpResponse:
    return wire.list_response(request, Workspace.objects.get(id=request.grant.workspace_id))


@require_safe
@api_key_required("logs.view")
def log(request: ApiRequest, id: UUID) -> HttpResponseBase:
    """One log in Portkey's LogObject shape; logs of other workspaces are not there."""
    found = (
        Log.objects.select_related("api_key", "workspace__organisation")
        .filter(workspace_id=request.grant.workspace_id, id=id)
        .first()
    )
    if found is None:
        return api_error(404, f"No log with id {id} in this workspace.", NOT_FOUND)
    return wire.log_response(request, found)

"""Parts of one log: its JSON twin, a side's view, a node of the JSON tree, and the exact bytes."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from logs.models import Log
from logs.storage.body_storage import CHUNK_BYTES, BodyGone
from logs.viewer import log_json as wire
from logs.viewer.bodies import SideName, read_side
from logs.viewer.body_cards import Asked, side_view
from portkey_logs.accounts.access import workspace_for
from portkey_logs.api.errors import UNAUTHORISED, api_error


def _log(request: HttpRequest, workspace: str, id: UUID) -> Log:
    return get_object_or_404(
        Log.objects.select_related("api_key", "workspace"),
        workspace=workspace_for(request.user, workspace),
        id=id,
    )


@require_safe
@cache_control(no_store=True)
def log_json(request: HttpRequest, workspace: str, id: UUID) -> HttpResponseBase:
    if not request.user.is_authenticated:
        return api_error(401, "Sign in first.", UNAUTHORISED)
    return wire.log_response(request, _log(request, workspace, id))


@login_required
@require_safe
@cache_control(no_store=True)
def log_body(request: HttpRequest, workspace: str, id: UUID, side: SideName) -> HttpResponse:
    """One side in one view: the fragment that the card's links swap in, and a page by itself without htmx."""
    log = _log(request, workspace, id)
    found = read_side(log, side)
    found.anyway = "anyway" in request.GET
    shown = side_view(found, log.workspace, Asked.of(request.GET.dict()))
    context = {"side": shown, "log": log, "workspace": log.workspace}
    template = "logs/panel.html#side" if request.htmx else "logs/body_page.html"  # type: ignore[attr-defined]
    try:
        response = TemplateResponse(request, template, context).render()
    except BodyGone as error:
        raise Http404 from error
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_required
@require_safe
@cache_control(no_store=True)
def log_node(request: HttpRequest, workspace: str, id: UUID, side: SideName) -> HttpResponse:
    """What stands inside one node of the JSON tree, from the member or character ``from`` on."""
    log = _log(request, workspace, id)
    asked = Asked.of(request.GET.dict() | {"view": "json"})
    found = read_side(log, side)
    try:
        node = found.tree(asked.at, first=asked.start)
    except BodyGone as error:
        raise Http404 from error
    if node is None:
        raise Http404
    shown = side_view(found, log.workspace, asked)
    context = {"node": node, "side": shown, "direction": request.GET.get("of", "")}
    return TemplateResponse(request, "logs/body_node.html", context)


@login_required
@require_safe
@cache_control(no_store=True)
def log_raw(request: HttpRequest, workspace: str, id: UUID, side: SideName) -> HttpResponseBase:
    """The octets as received, always as a download: a browser must never run what a log holds."""
    body = read_side(_log(request, workspace, id), side).body
    if body is None:
        raise Http404
    response: HttpResponseBase
    try:
        if body.size <= CHUNK_BYTES:
            response = HttpResponse(body.read(), content_type="application/octet-stream")
        else:
            response = StreamingHttpResponse(body.chunks(), content_type="application/octet-stream")
        extension = "json" if body.window(0, 1000).lstrip()[:1] in (b"{", b"[") else "txt"
    except BodyGone as error:
        raise Http404 from error
    response["Content-Length"] = str(body.size)
    response["Content-Disposition"] = f'attachment; filename="{id}-{side}.{extension}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response

"""Parts of one log: its JSON twin, a side's view, a node of the JSON tree, and the exact bytes."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from logs import wire
from logs.bodies import SideName, read_side
from logs.detail import side_view
from logs.models import Log
from portkey_logs.accounts.access import workspace_for


def _log(request: HttpRequest, workspace: str, id: UUID) -> Log:
    return get_object_or_404(
        Log.objects.select_related("api_key", "workspace"),
        workspace=workspace_for(request.user, workspace),
        id=id,
    )


@require_safe
@cache_control(no_store=True)
def log_json(request: HttpRequest, workspace: str, id: UUID) -> HttpResponse:
    if not request.user.is_authenticated:
        return JsonResponse({"status": "failure", "message": "Sign in first."}, status=401)
    return wire.log_response(request, _log(request, workspace, id))


@login_required
@require_safe
@cache_control(no_store=True)
def log_body(request: HttpRequest, workspace: str, id: UUID, side: SideName) -> HttpResponse:
    """One side in one view, as the fragment that the card's tabs swap in."""
    log = _log(request, workspace, id)
    shown = side_view(read_side(log, side), log.workspace, wanted=request.GET.get("view", "pretty"))
    return TemplateResponse(request, "logs/panel.html#side", {"side": shown})


@login_required
@require_safe
@cache_control(no_store=True)
def log_node(request: HttpRequest, workspace: str, id: UUID, side: SideName) -> HttpResponse:
    """The tree below one node that was too large to be drawn at once."""
    log = _log(request, workspace, id)
    found = read_side(log, side)
    node = found.tree(request.GET.get("at", ""))
    if node is None:
        raise Http404
    shown = side_view(found, log.workspace, wanted="json")
    return TemplateResponse(request, "logs/panel.html#children", {"node": node, "side": shown})


@login_required
@require_safe
@cache_control(no_store=True)
def log_raw(request: HttpRequest, workspace: str, id: UUID, side: SideName) -> HttpResponse:
    """The octets as received, always as a download: a browser must never run what a log holds."""
    octets = read_side(_log(request, workspace, id), side).octets
    if octets is None:
        raise Http404
    response = HttpResponse(octets, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{id}-{side}.{_extension(octets)}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _extension(octets: bytes) -> str:
    return "json" if octets.lstrip()[:1] in (b"{", b"[") else "txt"

"""Two logs side by side, at an address that can be shared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from logs.explorer import presentation
from logs.explorer.presentation import Row
from logs.models import Log
from logs.viewer import log_json
from portkey_logs.accounts.access import workspace_for
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.errors import UNAUTHORISED, api_error
from replay.compare import Comparison, as_json

OFFERED = 20  # logs to choose the second one from: about a screen
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(no_store=True)
def compare(request: HttpRequest, workspace: str) -> HttpResponse:
    """``a`` and ``b`` are ids of logs, or addresses that hold one; with one of them missing, a form that asks for it.

    The list's ticks come as a POST with two ``log``, and go on to that address.
    """
    found = workspace_for(request.user, workspace)
    if request.method == "POST":
        ids = sorted(request.POST.getlist("log"))[:2]
        return HttpResponseRedirect(_address(found, *ids), status=303)
    asked = {name: request.GET.get(name, "").strip() for name in ("a", "b")}
    logs = _logs(found, asked)
    before, after = logs["a"], logs["b"]
    if before is None or after is None:
        return _choose(request, found, asked, logs)
    context = {
        "workspace": found,
        "comparison": Comparison(before, after),
        "rows": [_row(found, before), _row(found, after)],
        "swapped_url": _address(found, after.id, before.id),
        "json_url": reverse("compare_json", args=[found.slug])
        + "?"
        + urlencode({"a": str(before.id), "b": str(after.id)}),
    }
    return TemplateResponse(request, "replay/compare.html", context)


@require_safe
@cache_control(no_store=True)
def compare_json(request: HttpRequest, workspace: str) -> JsonResponse:
    if not request.user.is_authenticated:
        return api_error(401, "Sign in first.", UNAUTHORISED)
    found = workspace_for(request.user, workspace)
    logs = _logs(found, {name: request.GET.get(name, "") for name in ("a", "b")})
    before, after = logs["a"], logs["b"]
    if before is None or after is None:
        raise Http404
    sides = {name: log_json.item(log, found, request) for name, log in (("a", before), ("b", after))}
    return JsonResponse(sides | as_json(Comparison(before, after)))


def _choose(
    request: HttpRequest, workspace: Workspace, asked: dict[str, str], logs: dict[str, Log | None]
) -> HttpResponse:
    """The form that asks for what is missing, and logs that are likely to be meant."""
    chosen = logs["a"] or logs["b"]
    errors = {name: "No log of this workspace has this id." for name in asked if asked[name] and logs[name] is None}
    context = {
        "workspace": workspace,
        "asked": asked,
        "errors": errors,
        "chosen": _row(workspace, chosen) if chosen else None,
        "offered": _offered(workspace, chosen) if chosen else [],
    }
    return TemplateResponse(request, "replay/compare_choose.html", context, status=404 if errors else 200)


def _logs(workspace: Workspace, asked: Mapping[str, str]) -> dict[str, Log | None]:
    """The logs that are named, in one query; None for what names none of this workspace."""
    ids = {name: UUID(match[0]) if (match := _ID.search(text)) else None for name, text in asked.items()}
    found = Log.objects.in_workspace(workspace).filter(id__in=[id for id in ids.values() if id])
    by_id = {log.id: log for log in found.select_related("api_key")}
    return {name: by_id.get(id) if id else None for name, id in ids.items()}


def _offered(workspace: Workspace, chosen: Log) -> list[tuple[Row, str]]:
    """The trace's other logs, then the newest ones of the same model, each with the address that compares it."""
    others = Log.objects.in_workspace(workspace).exclude(id=chosen.id).for_list().newest_first()
    found = list(others.filter(trace_id=chosen.trace_id)[:OFFERED])
    found += others.filter(model=chosen.model).exclude(trace_id=chosen.trace_id)[: OFFERED - len(found)]
    return [(_row(workspace, log), _address(workspace, *sorted([log.id, chosen.id]))) for log in found]


def _row(workspace: Workspace, log: Log) -> Row:
    return presentation.row(log, reverse("log_detail", args=[workspace.slug, log.id]))


def _address(workspace: Workspace, *ids: UUID | str) -> str:
    query = urlencode(dict(zip(("a", "b"), map(str, ids), strict=False)))
    return reverse("compare", args=[workspace.slug]) + (f"?{query}" if query else "")

"""The histogram and the facets above the list, as fragments that are fetched after the page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from logs.analytics.list_summary.parts import PARTS, shown
from logs.views.listing import list_address
from portkey_logs.accounts.access import workspace_for


@login_required
@require_safe
@cache_control(no_store=True)
def log_glance(request: HttpRequest, workspace: str, part: str) -> HttpResponse:
    found = workspace_for(request.user, workspace)
    if part not in PARTS:
        raise Http404
    context = {"shown": shown(part, found, request.GET, list_address(found, request.GET))}
    return TemplateResponse(request, f"logs/{part}.html", context)

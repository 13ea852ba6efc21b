"""Logs related to the one in the panel: a fragment that the panel fetches, and a page by itself without htmx."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from logs.explorer import presentation
from logs.explorer.presentation import Row
from logs.explorer.related import TRACE_MOST, related
from logs.models import Log
from logs.views.listing import list_address
from portkey_logs.accounts.access import SignedInRequest, workspace_for


@login_required
@require_safe
@cache_control(no_store=True)
def log_related(request: SignedInRequest, workspace: str, id: UUID) -> HttpResponse:
    place = workspace_for(request.user, workspace)
    log = get_object_or_404(Log, workspace=place, id=id)
    found = related(place, log)
    query = list_address(place, request.GET).params.urlencode()

    def row(each: Log) -> Row:
        url = reverse("log_detail", args=[place.slug, each.id]) + (f"?{query}" if query else "")
        return presentation.row(each, url, is_open=each == log)

    context: dict[str, Any] = {
        "workspace": place,
        "log": row(log),
        "related": found,
        "trace": [(step, row(step.log)) for step in found.trace],
        "of_user": [row(each) for each in found.of_user],
        "same": [row(each) for each in found.same],
        "most": TRACE_MOST,
        "trace_url": list_address(place, QueryDict()).only("trace_id", log.trace_id),
        "is_open": "related" in request.GET,
    }
    template = "logs/related.html" if request.htmx else "logs/related_page.html"  # type: ignore[attr-defined]
    response = TemplateResponse(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response

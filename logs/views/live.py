"""Following the list: the rows that have arrived since it was drawn, as a fragment that js/live.js puts in place."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest
from django.template.response import TemplateResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from logs.explorer import filters, live, saved_views
from logs.models import Log
from logs.views.listing import list_address, list_rows
from portkey_logs.accounts.access import SignedInRequest, workspace_for
from portkey_logs.lib import uuid7


@login_required
@require_safe
@cache_control(no_store=True)
def log_live(request: SignedInRequest, workspace: str) -> HttpResponse:
    """``after``: ms since 1970 up to which the reader has looked; ``known``: ends of the ids it need not get again."""
    found = workspace_for(request.user, workspace)
    params = request.GET.copy()
    after, known = params.pop("after", [""])[-1], params.pop("known", [""])[-1].split(",")
    selection = filters.select(Log.objects.in_workspace(found), params)
    if not (selection.is_valid and after.isascii() and after.isdecimal() and len(after) < 14):
        return HttpResponseBadRequest("This is no list to follow.", content_type="text/plain")
    shown = saved_views.shown_columns(found, request.user, params)
    moment = datetime.fromtimestamp(int(after) / 1000, UTC)
    logs = selection.queryset.for_list(with_metadata=shown.with_metadata)
    news = live.since(logs, moment, set(known[: live.KNOWN_MOST]))
    context = {
        "address": list_address(found, params),
        "rows": list_rows(request, found, params, news.rows, news.matches, shown),
        "until": uuid7.ms_of(news.until),
        "has_more": news.has_more,
    }
    return TemplateResponse(request, "logs/live.html", context)

"""What the logs of a workspace add up to. The page comes at once, each part of it follows by itself."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from logs import extensions
from logs.analytics import ALL, OutOfTime, summary
from logs.extension_types import AnalyticsTab, TabPart
from portkey_logs.accounts.access import workspace_for


@login_required
@require_safe
@cache_control(no_store=True)
def page(request: HttpRequest, workspace: str, tab: str = "overview") -> HttpResponse:
    """One tab. With ``all=1`` its figures are in the page: that is for browsers without scripts."""
    found = workspace_for(request.user, workspace)
    shown = _tab(tab)
    scope = shown.read(request.GET, found)
    at_once = "all" in request.GET
    parts = [
        _place(scope, name, part) | (_content(scope, part) if at_once and scope.is_valid else {})
        for name, part in shown.parts.items()
    ]
    context = {
        "workspace": found,
        "tab": shown,
        "tabs": [
            {"title": each.title, "url": scope.tab_url(each.name), "is_current": each is shown} for each in tabs()
        ],
        "scope": scope,
        "form": scope.form,
        "parts": parts,
        "has_any": scope.is_valid and shown.has_any(scope),
        "at_once": at_once,
        "all_url": scope.url(all="1"),
        "clear_url": reverse("analytics_tab", args=[found.slug, tab]),
    }
    return TemplateResponse(request, "analytics/page.html", context, status=200 if scope.is_valid else 400)


@login_required
@require_safe
@cache_control(no_store=True)
def fragment(request: HttpRequest, workspace: str, tab: str, part: str) -> HttpResponse:
    """One part of a tab."""
    found = workspace_for(request.user, workspace)
    shown = _tab(tab)
    if part not in shown.parts:
        raise Http404
    scope = shown.read(request.GET, found)
    if not scope.is_valid:
        return HttpResponse("A filter could not be understood.", status=400, content_type="text/plain")
    chosen = shown.parts[part]
    context = {"workspace": found, "scope": scope, "part": _place(scope, part, chosen) | _content(scope, chosen)}
    response = TemplateResponse(request, "analytics/part.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_required
@require_safe
@cache_control(no_store=True)
def summary_csv(request: HttpRequest, workspace: str) -> HttpResponse:
    """The Summary with all its groups, in its order."""
    scope = summary.TAB.read(request.GET, workspace_for(request.user, workspace))
    if not scope.is_valid:
        return HttpResponse("A filter could not be understood.", status=400, content_type="text/plain")
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="summary-{workspace}.csv"'
    try:
        summary.write_csv(scope, response)
    except OutOfTime:
        return HttpResponse(
            "This took too long to add up. Choose a shorter time.", status=503, content_type="text/plain"
        )
    return response


def tabs() -> list[AnalyticsTab]:
    """All tabs in their order: those about logs, those of other apps, and last the one that can show everything."""
    return [*ALL[:-1], *(tab for each in extensions.registered() for tab in each.analytics), ALL[-1]]


def _tab(name: str) -> AnalyticsTab:
    found = next((tab for tab in tabs() if tab.name == name), None)
    if found is None:
        raise Http404
    return found


def _place(scope: Any, name: str, part: TabPart) -> dict[str, Any]:
    """What is known of a part before it is computed."""
    return {
        "name": name, "title": part.title, "is_wide": part.is_wide, "is_tall": part.is_tall, "url": scope.url(name)
    }  # fmt: skip


def _content(scope: Any, part: TabPart) -> dict[str, Any]:
    try:
        return {"template": part.template, "shown": part.compute(scope)}
    except OutOfTime:
        return {"template": "analytics/out_of_time.html", "shown": None}

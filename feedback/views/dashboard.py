"""What the ratings of a workspace say. The page comes at once, each part of it follows by itself."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from feedback import scope as scopes
from feedback.board import PARTS, OutOfTime, Part, comments
from feedback.scope import Scope
from portkey_logs.accounts.access import workspace_for


@login_required
@require_safe
@cache_control(no_store=True)
def dashboard(request: HttpRequest, workspace: str) -> HttpResponse:
    """With ``all=1`` everything is in the page: that is for browsers without scripts."""
    found = workspace_for(request.user, workspace)
    scope = scopes.read(request.GET, found)
    at_once = "all" in request.GET
    parts = {
        name: {"name": name, "title": part.title, "url": scope.url("feedback_part", name)}
        | (_context(request, scope, name, part) if at_once else {})
        for name, part in PARTS.items()
    }
    context = {
        "workspace": found,
        "scope": scope,
        "form": scope.form,
        "parts": parts,
        "tables": [parts[name] for name in ("model", "user", "prompt", "config", "source")],
        "has_any": scope.is_valid and scope.ratings.exists(),
        "base_url": request.build_absolute_uri("/").rstrip("/"),
        "all_url": scope.url(all="1"),
        "unresolved_url": scope.url(feedback="unresolved"),
    }
    return TemplateResponse(request, "feedback/dashboard.html", context, status=200 if scope.is_valid else 400)


@login_required
@require_safe
@cache_control(no_store=True)
def fragment(request: HttpRequest, workspace: str, part: str) -> HttpResponse:
    """One part; in the address bar, the whole page."""
    found = workspace_for(request.user, workspace)
    if part not in PARTS:
        raise Http404
    scope = scopes.read(request.GET, found)
    if not scope.is_valid:
        return HttpResponse("A filter could not be understood.", status=400, content_type="text/plain")
    context = {
        "workspace": found,
        "scope": scope,
        "part": {"name": part, "title": PARTS[part].title, "url": scope.url("feedback_part", part)}
        | _context(request, scope, part, PARTS[part]),
    }
    response = TemplateResponse(request, "feedback/part.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _context(request: HttpRequest, scope: Scope, name: str, part: Part) -> dict[str, Any]:
    try:
        if name == "comments":
            shown: Any = comments(scope, request.GET.get("before", ""))
        else:
            shown = part.compute(scope)
    except OutOfTime:
        return {"template": "feedback/parts/out_of_time.html", "shown": None}
    return {"template": part.template, "shown": shown}

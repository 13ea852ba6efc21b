"""The log list, with or without one log's panel open: the product's main page."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from logs import extensions
from logs.analytics.list_summary.parts import PARTS, shown
from logs.explorer import filters, pagination, presentation, saved_views
from logs.explorer.columns import NARROWEST, WIDEST, Columns
from logs.explorer.filters import Selection, bar
from logs.explorer.filters.address import Address
from logs.explorer.filters.bar import Bar
from logs.explorer.filters.completion import complete
from logs.explorer.pagination import BadCursor, Cursor, Page
from logs.explorer.presentation import Row
from logs.explorer.query import QueryError
from logs.explorer.saved_views import Look
from logs.llm import gateway_status
from logs.models import COLUMNS, VIEW, Log
from logs.storage.search.find import COUNT_CAP, Match
from logs.viewer import log_json
from logs.viewer.bodies import read_sides
from logs.viewer.panel import Detail, detail
from portkey_logs.accounts.access import SignedInRequest, workspace_for
from portkey_logs.accounts.addresses import absolute_url
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.errors import UNAUTHORISED, api_error
from portkey_logs.lib import uuid7

# How the panel is drawn, and a line just typed: not part of what is selected.
VIEW_PARAMS = ("request", "response", "full", "related", bar.PARAM)
LOOK_PARAMS = (VIEW, COLUMNS)
TIME_PRESETS = (("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("30d", "30 d"), ("", "All"))


@login_required
@require_safe
@cache_control(no_store=True)
def log_list(request: SignedInRequest, workspace: str) -> HttpResponse:
    found = workspace_for(request.user, workspace)
    look = saved_views.look(found, request.user, request.GET)
    if bar.PARAM not in request.GET:
        elsewhere = saved_views.entrance(look, request.path, request.GET)
        return HttpResponseRedirect(elsewhere) if elsewhere else _page(request, found, look, None)
    line = request.GET[bar.PARAM]
    try:
        return HttpResponseRedirect(bar.address_of(line, list_address(found, request.GET)))
    except QueryError as error:
        kept = bar.draw(_query(request.GET), None).kept
        return _page(request, found, look, None, Bar(line, kept, error.message, error.position))


@login_required
@require_safe
@cache_control(no_store=True)
def log_detail(request: SignedInRequest, workspace: str, id: UUID) -> HttpResponse:
    """The list with the log's panel open; on a cold load the list starts where that log stands."""
    found = workspace_for(request.user, workspace)
    log = get_object_or_404(Log.objects.select_related("api_key"), workspace=found, id=id)
    return _page(request, found, saved_views.look(found, request.user, request.GET), log)


def _page(
    request: HttpRequest, workspace: Workspace, look: Look, log: Log | None, wrong: Bar | None = None
) -> HttpResponse:
    """``wrong``: a line of the query bar that could not be understood, so that nothing is shown."""
    logs = Log.objects.in_workspace(workspace)
    selection = filters.select(logs.none() if wrong else logs, request.GET)
    context: dict[str, Any] = {
        "workspace": workspace,
        "address": list_address(workspace, request.GET),
        "bar": wrong or bar.draw(_query(request.GET), selection.form),
        "selection": selection,
        "log": None,
        "extensions": extensions.registered(),
    }
    if log is not None:
        context["log"] = _panel(request, workspace, log, selection)
    if request.htmx and request.htmx.target == "log-panel":  # type: ignore[attr-defined]
        response = TemplateResponse(request, "logs/list.html#panel", context)
    else:
        context |= _list_context(request, workspace, selection, look, log)
        part = "#results" if request.htmx and request.htmx.target == "results" else ""  # type: ignore[attr-defined]
        code = 200 if selection.is_valid and not context["cursor_error"] and not wrong else 400
        response = TemplateResponse(request, f"logs/list.html{part}", context, status=code)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _list_context(
    request: HttpRequest, workspace: Workspace, selection: Selection, look: Look, log: Log | None
) -> dict[str, Any]:
    page, cursor_error = Page(), ""
    try:
        page = _rows(request.GET.get("cursor", ""), selection, look.columns, log)
    except BadCursor:
        cursor_error = "This page address is damaged. Start again from the newest logs."
    query = _query(request.GET)
    link = "?" + query.urlencode() if query else ""
    matches = page.findings.matches if page.findings else {}
    rows = list_rows(request, workspace, request.GET, page.rows, matches, look.columns, is_open=log)
    list_url = reverse("log_list", args=[workspace.slug])
    at_once = PARTS if "all" in request.GET else {}  # for browsers without scripts, which fetch no fragments
    return {
        "filters": selection,
        "form": selection.form,
        "terms": selection.terms,
        "sentence": selection.sentence,
        "is_filtered": bool(selection.terms),
        "days": [
            {"date": day, "heading": _heading(day), "rows": list(group)}
            for day, group in groupby(rows, key=lambda row: row.created_at.date())
        ],
        "page": page,
        "cap": COUNT_CAP,
        "cursor_error": cursor_error,
        "older_url": _with_cursor(list_url, request.GET, page.older),
        "newer_url": _with_cursor(list_url, request.GET, page.newer),
        "newest_url": _with_cursor(list_url, request.GET, None),
        "clear_url": f"{list_url}?{VIEW}={saved_views.ALL}" if look.default else list_url,
        "list_url": list_url,
        "look": look,
        "narrowest": NARROWEST,
        "widest": WIDEST,
        "look_params": {name: query[name] for name in LOOK_PARAMS if name in query},
        "here": query.urlencode(),
        "count_url": reverse("log_count", args=[workspace.slug]) + link,
        "glance_url": reverse("log_glance", args=[workspace.slug, "histogram"]) + link,
        "facets_url": reverse("log_glance", args=[workspace.slug, "facets"]) + link,
        "all_url": list_address(workspace, request.GET).changed({"all": "1"}),
        "at_once": at_once,
        "glance": {part: shown(part, workspace, request.GET, list_address(workspace, request.GET)) for part in at_once},
        "complete_url": reverse("log_complete", args=[workspace.slug]),
        "json_url": reverse("log_list_json", args=[workspace.slug]) + link,
        "live_url": reverse("log_live", args=[workspace.slug]) + link,
        "live_after": None if page.newer or cursor_error else uuid7.ms_of(timezone.now()),
        "presets": _presets(list_url, request.GET),
        "guide": gateway_status.GUIDE,
        "first_run": not rows and not selection.terms and not ({"cursor", bar.PARAM} & request.GET.keys()),
    }


def list_address(workspace: Workspace, params: QueryDict) -> Address:
    """The address of the list with these filters, for links that change one of them."""
    return Address(reverse("log_list", args=[workspace.slug]), _query(params))


def list_rows(
    request: HttpRequest,
    workspace: Workspace,
    params: QueryDict,
    logs: list[Log],
    matches: Mapping[UUID, Match],
    shown: Columns,
    *,
    is_open: Log | None = None,
) -> list[Row]:
    """Logs as rows of the list that these parameters select; each is opened beside that very list."""
    here = _query(params, keep_cursor=True)
    beside = "?" + here.urlencode() if here else ""
    scores = extensions.scores(workspace.pk, logs)
    actions = extensions.actions(request, workspace, logs)
    if shown.with_api_key:
        prefetch_related_objects(logs, "api_key")
    return [
        presentation.row(
            each,
            reverse("log_detail", args=[workspace.slug, each.id]) + beside,
            is_open=each == is_open,
            score=scores.get(each.id),
            match=matches.get(each.id),
            actions=actions[each.id].values(),
            cells=shown.cells(each),
        )
        for each in logs
    ]


def _rows(cursor_text: str, selection: Selection, shown: Columns, log: Log | None) -> Page:
    cursor = Cursor.parse(cursor_text)
    logs = selection.queryset.for_list(with_metadata=shown.with_metadata)
    page = pagination.fetch_page(logs, cursor, from_index=selection.answers_from_index)
    if log is None or cursor or log in page.rows:
        return page
    # A shared link to an old log: begin the list at that log, so that its neighbours are in sight.
    start = Cursor(UUID(int=log.id.int + 1))
    return pagination.fetch_page(logs, start, from_index=selection.answers_from_index)


def _panel(request: HttpRequest, workspace: Workspace, log: Log, selection: Selection) -> Detail:
    query = _query(request.GET, keep_cursor=True)
    url = reverse("log_detail", args=[workspace.slug, log.id])
    shown = detail(log, workspace, read_sides(log), url=absolute_url(request, url), views=request.GET.dict())
    link = "?" + query.urlencode() if query else ""
    older, newer = pagination.neighbours(selection.queryset, log.id, from_index=selection.answers_from_index)
    shown.close_url = reverse("log_list", args=[workspace.slug]) + link
    shown.older_url = reverse("log_detail", args=[workspace.slug, older]) + link if older else ""
    shown.newer_url = reverse("log_detail", args=[workspace.slug, newer]) + link if newer else ""
    shown.actions = list(extensions.actions(request, workspace, [log])[log.id].values())
    shown.sections = extensions.sections(request, workspace, log)
    kept = query.copy()
    if "related" in request.GET:
        kept["related"] = "1"
    shown.related_url = reverse("log_related", args=[workspace.slug, log.id]) + (f"?{kept.urlencode()}" if kept else "")
    shown.is_full = "full" in request.GET
    widened = query.copy()
    if not shown.is_full:
        widened["full"] = "1"
    shown.full_url = url + ("?" + widened.urlencode() if widened else "")
    return shown


@login_required
@require_safe
@cache_control(no_store=True)
def log_count(request: HttpRequest, workspace: str) -> HttpResponse:
    """How many logs are selected, as a fragment that is fetched after the page: it may take its time."""
    selection = filters.select(Log.objects.in_workspace(workspace_for(request.user, workspace)), request.GET)
    count = pagination.capped_count(selection.queryset) if selection.is_valid else 0
    context = {
        "count": count,
        "cap": pagination.COUNT_CAP,
        "is_capped": count is not None and count > pagination.COUNT_CAP,
    }
    return TemplateResponse(request, "logs/list.html#count", context)


@require_safe
@cache_control(no_store=True)
def log_list_json(request: HttpRequest, workspace: str) -> JsonResponse:
    """The list's JSON twin: the same filters, cursor and rows."""
    if not request.user.is_authenticated:
        return api_error(401, "Sign in first.", UNAUTHORISED)
    return log_json.list_response(request, workspace_for(request.user, workspace))


@login_required
@require_safe
@cache_control(no_store=True)
def log_complete(request: HttpRequest, workspace: str) -> HttpResponse:
    """What may follow in the query bar: the list of its completions, as a fragment."""
    line, at = request.GET.get("line", "")[: bar.MOST_CHARACTERS], request.GET.get("at", "")
    caret = min(int(at), len(line)) if at.isascii() and at.isdecimal() and len(at) < 6 else len(line)
    completion = complete(workspace_for(request.user, workspace), line, caret)
    return TemplateResponse(request, "logs/bar.html#options", {"completion": completion})


def _query(params: QueryDict, *, keep_cursor: bool = False) -> QueryDict:
    """The selection's own parameters, without empty ones and the panel's."""
    query = QueryDict(mutable=True)
    for name, values in params.lists():
        if name not in VIEW_PARAMS and (keep_cursor or name != "cursor") and values[-1].strip():
            query[name] = values[-1]
    return query


def _with_cursor(list_url: str, params: QueryDict, cursor: Cursor | None) -> str:
    query = _query(params)
    if cursor is not None:
        query["cursor"] = str(cursor)
    return list_url + ("?" + query.urlencode() if query else "")


def _presets(list_url: str, params: QueryDict) -> list[dict[str, Any]]:
    presets = []
    for since, label in TIME_PRESETS:
        query = _query(params)
        query.pop("since", None)
        query.pop("until", None)
        if since:
            query["since"] = since
        current = params.get("since", "") == since and not params.get("until")
        presets.append(
            {"label": label, "url": list_url + ("?" + query.urlencode() if query else ""), "current": current}
        )
    return presets


def _heading(day: Any) -> str:
    """``Today``, ``Yesterday``, ``Mon 16 Nov``; with the year where it is another one (UTC)."""
    today = timezone.now().date()
    if day == today:
        return "Today"
    if (today - day).days == 1:
        return "Yesterday"
    return f"{day:%a %-d %b}" if day.year == today.year else f"{day:%a %-d %b %Y}"

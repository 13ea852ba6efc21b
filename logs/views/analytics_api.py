"""``/v1/analytics``: Portkey's analytics calls, for SDKs and scripts with an API key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, JsonResponse

from logs.analytics import group_lists
from logs.analytics.calls import analytics_call, graph_response, partial
from logs.analytics.graphs import GRAPHS, summary_of_cache
from logs.analytics.group_lists import Page
from logs.analytics.sources import Asked
from portkey_logs.api.errors import NOT_FOUND, api_error
from portkey_logs.api.keys import ApiRequest


@analytics_call
def graph(request: ApiRequest, asked: Asked, name: str) -> HttpResponse:
    if name not in GRAPHS:
        return api_error(404, f"There is no graph {name}.", NOT_FOUND)
    return graph_response(GRAPHS[name](asked))


@analytics_call
def group(request: ApiRequest, asked: Asked, name: str) -> HttpResponse:
    lists: dict[str, Callable[[Asked, Any], Page]] = {
        "users": group_lists.users,
        "ai-models": group_lists.ai_models,
        "workspaces": group_lists.workspaces,
        "workspace": group_lists.workspaces,
    }
    if name in lists:
        return _page_response(lists[name](asked, request.GET))
    return _page_response(group_lists.group_by(asked, request.GET, name))


@analytics_call
def metadata_group(request: ApiRequest, asked: Asked, key: str) -> HttpResponse:
    return _page_response(group_lists.metadata(asked, request.GET, key))


@analytics_call
def cache_summary(request: ApiRequest, asked: Asked) -> HttpResponse:
    found = summary_of_cache(asked)
    return JsonResponse({"summary": found.summary, "object": "analytics-summary"} | partial(found.reached))


def _page_response(page: Page) -> HttpResponse:
    return JsonResponse({"object": "list", "total": page.total, "data": page.rows} | partial(page.reached))

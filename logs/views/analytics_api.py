"""``/v1/analytics``: Portkey's analytics calls, for SDKs and scripts with an API key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, JsonResponse

from logs.analytics import api_types, group_lists
from logs.analytics.calls import analytics_endpoint, graph_response, partial
from logs.analytics.graphs import GRAPHS, Graph, summary_of_cache
from logs.analytics.group_lists import Page
from logs.analytics.rollup_queries import Asked
from portkey_logs.api.endpoints import ApiView
from portkey_logs.api.keys import ApiRequest
from portkey_logs.api.types import list_of


def _graph(compute: Callable[[Asked], Graph], name: str) -> ApiView:
    def view(request: ApiRequest, asked: Asked) -> HttpResponse:
        return graph_response(compute(asked))

    return analytics_endpoint(view, f"Graph: {name.replace('/', ', ')}", api_types.GRAPH_TYPES[name])


def _group(request: ApiRequest, asked: Asked, name: str) -> HttpResponse:
    return _page_response(group_lists.group_by(asked, request.GET, name))


def _users(request: ApiRequest, asked: Asked) -> HttpResponse:
    return _page_response(group_lists.users(asked, request.GET))


def _ai_models(request: ApiRequest, asked: Asked) -> HttpResponse:
    return _page_response(group_lists.ai_models(asked, request.GET))


def _workspaces(request: ApiRequest, asked: Asked) -> HttpResponse:
    return _page_response(group_lists.workspaces(asked, request.GET))


def _metadata_group(request: ApiRequest, asked: Asked, key: str) -> HttpResponse:
    return _page_response(group_lists.metadata(asked, request.GET, key))


def _cache_summary(request: ApiRequest, asked: Asked) -> HttpResponse:
    found = summary_of_cache(asked)
    return JsonResponse({"summary": found.summary, "object": "analytics-summary"} | partial(found.reached))


def _page_response(page: Page) -> HttpResponse:
    return JsonResponse({"object": "list", "total": page.total, "data": page.rows} | partial(page.reached))


def _list_of(item: Any) -> Any:
    return list_of(item, total=int, partial_since=str)


_GROUPS = _list_of(api_types.ColumnGroup)
# By the name in the address.
graphs = {name: _graph(compute, name) for name, compute in GRAPHS.items()}
_PAGE, _COLUMNS = group_lists.PAGE_PARAMETERS, group_lists.PAGE_PARAMETERS | group_lists.COLUMNS_PARAMETER
users = analytics_endpoint(_users, "Users with their requests and cost", _list_of(api_types.UserGroup), _PAGE)
ai_models = analytics_endpoint(_ai_models, "Models with their requests", _list_of(api_types.ModelGroup), _PAGE)
_BY_WORKSPACE = "The key's own workspace, with the columns of any group"
workspaces = analytics_endpoint(_workspaces, _BY_WORKSPACE, _GROUPS, _COLUMNS)
metadata_group = analytics_endpoint(
    _metadata_group, "Values of one metadata key", _list_of(api_types.MetadataGroup), _PAGE
)
_BY_DIMENSION = f"Values of one of {', '.join(group_lists.DIMENSIONS)}"
group = analytics_endpoint(_group, _BY_DIMENSION, _GROUPS, _COLUMNS)
cache_summary = analytics_endpoint(_cache_summary, "Summary of the cache", api_types.CacheSummaryAnswer)

"""What all calls of ``/v1/analytics`` have in common: the key, the question, the errors, the shape of a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate

from django.http import HttpResponse, JsonResponse

from logs.analytics import report_query
from logs.analytics.graphs import Graph
from logs.analytics.report_query import QuestionError
from logs.analytics.rollup_queries import Asked, OutOfTime
from logs.analytics.scope import iso
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.endpoints import ApiView, Operation, endpoint
from portkey_logs.api.errors import FORBIDDEN, INVALID, api_error, api_unavailable
from portkey_logs.api.keys import ApiRequest

_TOO_LONG = "This took too long to add up. Ask for a shorter time, or with fewer filters."


def analytics_endpoint[**P](
    view: Callable[Concatenate[ApiRequest, Asked, P], HttpResponse],
    summary: str,
    answer: Any,
    query: Mapping[str, str] | None = None,
) -> ApiView:
    """Return the view of one address; ``view`` gets the logs that the call is about. 400 for a bad parameter."""

    @wraps(view)
    def answered(request: ApiRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        slug = request.GET.get("workspace_slug", "")
        if slug not in ("", request.grant.workspace_slug):
            return api_error(403, "workspace_slug: this API key belongs to another workspace.", FORBIDDEN)
        try:
            workspace = Workspace.objects.get(id=request.grant.workspace_id)
            return view(request, report_query.read(request.GET, workspace), *args, **kwargs)
        except QuestionError as error:
            return api_error(400, str(error), INVALID)
        except OutOfTime:
            return api_unavailable(_TOO_LONG)

    return endpoint(
        GET=Operation(
            scopes=("analytics.view", "logs.view"),
            handler=answered,
            summary=summary,
            answer=answer,
            query={**report_query.PARAMETERS, **(query or {})},
            required_query=frozenset({report_query.FIRST, report_query.LAST}),
            errors=(400,),
        )
    )


def graph_response(found: Graph) -> HttpResponse:
    body = {"summary": found.summary, "data_points": found.points, "object": "analytics-graph"}
    return JsonResponse(body | partial(found.reached))


def partial(reached: datetime | None) -> dict[str, str]:
    """From when on the numbers are complete, where they are not from the beginning."""
    return {} if reached is None else {"partial_since": iso(reached)}

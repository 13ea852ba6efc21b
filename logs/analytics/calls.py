"""What all calls of ``/v1/analytics`` have in common: the key, the question, the errors, the shape of a graph."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Concatenate

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_safe

from logs.analytics import question
from logs.analytics.graphs import Graph
from logs.analytics.question import QuestionError
from logs.analytics.scope import iso
from logs.analytics.sources import Asked, OutOfTime
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.errors import FORBIDDEN, INVALID, api_error, api_unavailable
from portkey_logs.api.keys import ApiRequest, api_key_required

_TOO_LONG = "This took too long to add up. Ask for a shorter time, or with fewer filters."


def analytics_call[**P](
    view: Callable[Concatenate[ApiRequest, Asked, P], HttpResponse],
) -> Callable[..., HttpResponseBase]:
    """A GET with a key that may read logs; the view gets what it is about. 400 for what cannot be understood."""

    @wraps(view)
    def answered(request: ApiRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        slug = request.GET.get("workspace_slug", "")
        if slug not in ("", request.grant.workspace_slug):
            return api_error(403, "workspace_slug: this API key belongs to another workspace.", FORBIDDEN)
        try:
            workspace = Workspace.objects.get(id=request.grant.workspace_id)
            return view(request, question.read(request.GET, workspace), *args, **kwargs)
        except QuestionError as error:
            return api_error(400, str(error), INVALID)
        except OutOfTime:
            return api_unavailable(_TOO_LONG)

    guard = api_key_required("analytics.view", "logs.view")
    return require_safe(guard(answered))  # type: ignore[arg-type]  # the stubs give its first parameter a name


def graph_response(found: Graph) -> HttpResponse:
    body = {"summary": found.summary, "data_points": found.points, "object": "analytics-graph"}
    return JsonResponse(body | partial(found.reached))


def partial(reached: datetime | None) -> dict[str, str]:
    """From when on the numbers are complete, where they are not from the beginning."""
    return {} if reached is None else {"partial_since": iso(reached)}

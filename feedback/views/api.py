"""``/v1/feedback``: Portkey's feedback calls, for SDKs and scripts with an API key."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse

from feedback import api_types, wire
from feedback.models import Feedback
from portkey_logs.api.bodies import read_body
from portkey_logs.api.endpoints import Operation, endpoint
from portkey_logs.api.errors import NOT_FOUND, api_error, api_unavailable
from portkey_logs.api.keys import ApiRequest

NO_SUCH = "Invalid Feedback Id passed. Nothing to update"
UNAVAILABLE = "The database is unavailable; send the feedback again shortly."


def _in_words_of_portkey[**P](
    view: Callable[Concatenate[ApiRequest, P], HttpResponse],
) -> Callable[Concatenate[ApiRequest, P], HttpResponse]:
    """Bad bodies are 400; an unavailable database is 503."""

    @wraps(view)
    def answered(request: ApiRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except wire.BodyError as error:
            return api_error(400, str(error), error.code)
        except (OperationalError, InterfaceError):
            return api_unavailable(UNAVAILABLE)

    return answered  # type: ignore[return-value]  # the stubs give its first parameter a name


@_in_words_of_portkey
def _create(request: ApiRequest) -> HttpResponse:
    """Rate traces: an object or an array. All of them are stored, or none."""
    grant = request.grant
    ratings = Feedback.record(grant.workspace_id, grant.api_key_id, wire.parse_new(read_body(request)))
    return _done("saved", [str(rating.id) for rating in ratings])


@_in_words_of_portkey
def _update(request: ApiRequest, id: str) -> HttpResponse:
    """Replace a rating that came through the API; people's own are theirs to change."""
    rating = _find(request.grant.workspace_id, id)
    given = wire.parse_update(read_body(request), rating)
    if rating is None:
        return api_error(404, NO_SUCH, NOT_FOUND)
    rating.say(given, anew=True)
    return _done("updated", [str(rating.id)])


def _find(workspace_id: int, id: str) -> Feedback | None:
    try:
        wanted = UUID(id)
    except ValueError:
        return None
    standing = Feedback.objects.standing().filter(source=Feedback.Source.API)
    return standing.filter(workspace=workspace_id, id=wanted).first()


def _done(what: str, ids: list[str]) -> JsonResponse:
    return JsonResponse({"status": "success", "message": f"Feedback successfully {what}", "feedback_ids": ids})


create = endpoint(
    POST=Operation(
        scopes=("logs.write",),
        handler=_create,
        summary="Rate traces: all of them are stored, or none",
        body=api_types.NewFeedbacks,
        answer=api_types.FeedbackSaved,
    )
)
update = endpoint(
    PUT=Operation(
        scopes=("logs.write",),
        handler=_update,
        summary="Replace a rating that came through the API",
        body=api_types.FeedbackUpdate,
        answer=api_types.FeedbackSaved,
        errors=(404,),
    )
)

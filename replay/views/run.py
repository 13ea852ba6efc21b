"""Running requests: as a stream for the playground, or to the end for a browser without scripts."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from logs.models import Log
from portkey_logs.accounts.access import SignedInRequest, workspace_for
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.errors import CONFLICT, TOO_MANY, UNAUTHORISED, api_error
from portkey_logs.front.limits import accepts_large_bodies
from replay import runner, source
from replay.cancellation import stops
from replay.concurrency_limits import Busy, Refused
from replay.eligibility import ENDPOINTS
from replay.models import Run
from replay.source import NoSource, Source, Target

RETRY_SECONDS = 5  # a place is free again when one of the running requests has ended


class Invalid(Refused):
    """A field of the form is wrong."""

    status = 422


@accepts_large_bodies
@login_required
@require_POST
@cache_control(no_store=True)
def run(request: SignedInRequest, workspace: str) -> HttpResponseBase:
    """Run a request: as server-sent events where they are accepted, else to its end, and on to the attempt."""
    found = workspace_for(request.user, workspace)
    return carry_out(request, found, lambda: _start(request, found))


def carry_out(request: HttpRequest, workspace: Workspace, start: Callable[[], Run]) -> HttpResponseBase:
    """The answer to a request to run something; ``start`` may raise Refused."""
    try:
        started = start()
        if not request.accepts("text/html") and request.accepts("text/event-stream"):
            return _streamed(request, started)
        runner.finish_run(started)
    except Refused as refusal:
        return _refused(request, workspace, refusal)
    response = HttpResponse(status=303)
    response["Location"] = reverse("playground", args=[workspace.slug]) + f"?run={started.id}"
    return response


@login_required
@require_POST
def stop(request: SignedInRequest, workspace: str, id: UUID) -> HttpResponse:
    """End one's own run. To leave its stream does the same; this works from another tab too."""
    found = get_object_or_404(Run, workspace=workspace_for(request.user, workspace), id=id, person=request.user)
    stops.ask(found)
    return HttpResponse(status=204)


@require_safe
@cache_control(no_store=True)
def run_json(request: HttpRequest, workspace: str, id: UUID) -> JsonResponse:
    """A run, and the log that it became."""
    if not request.user.is_authenticated:
        return api_error(401, "Sign in first.", UNAUTHORISED)
    in_workspace = workspace_for(request.user, workspace)
    found = get_object_or_404(Run.objects.light().select_related("workspace"), workspace=in_workspace, id=id)
    log = Log.objects.in_workspace(in_workspace).select_related("api_key").filter(id=found.log_id).first()
    known = {
        "id": str(found.id),
        "created_at": found.created_at.isoformat(),
        "parent": str(found.parent_id) if found.parent_id else None,
        "log_id": str(found.log_id),
        "group": str(found.group) if found.group else None,
        "label": found.label,
        "path": found.path,
        "target": found.aim.label,
    }
    return JsonResponse(known | runner.outcome(request, found, log))


def _start(request: SignedInRequest, workspace: Workspace) -> Run:
    form = request.POST
    try:
        target = Target.chosen(form.get("target", ""))
    except ValueError as error:
        raise Invalid(str(error)) from None
    text = form.get("body")
    # A text area sends its line ends as CR LF; inside a JSON string neither can stand.
    body = None if text is None else text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")
    return runner.start_run(
        user=request.user,
        workspace=workspace,
        source=_source(request, workspace, body),
        target=target,
        body=body,
        group=as_uuid(form.get("group", ""), "group"),
        label=form.get("label", ""),
    )


def _source(request: SignedInRequest, workspace: Workspace, body: bytes | None) -> Source:
    """What the run descends from: a log, an attempt, or nothing."""
    form = request.POST
    log_id, run_id = as_uuid(form.get("log", ""), "log"), as_uuid(form.get("run", ""), "run")
    try:
        if run_id:
            return source.of_run(get_object_or_404(Run, workspace=workspace, id=run_id))
        if log_id:
            return source.of_log(get_object_or_404(Log.objects.in_workspace(workspace), id=log_id))
    except NoSource as error:
        raise runner.Ineligible(str(error)) from None
    path = form.get("path", "")
    if path not in ENDPOINTS.values() or not body:
        raise Invalid("Say what to send, and to which endpoint.")
    return Source(path, body, Target(), None)


def as_uuid(text: str, field: str) -> UUID | None:
    """The id in a field, None where it is empty. Raises Invalid."""
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(f"{field} is no id.") from None


def _streamed(request: HttpRequest, run: Run) -> StreamingHttpResponse:
    response = StreamingHttpResponse(runner.stream_run(request, run), content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"  # nginx would wait for the end
    return response


def _refused(request: HttpRequest, workspace: Workspace, refusal: Refused) -> HttpResponse:
    response: HttpResponse
    if request.accepts("text/html"):
        context = {"workspace": workspace, "reason": str(refusal), "is_busy": isinstance(refusal, Busy)}
        response = TemplateResponse(request, "replay/refused.html", context, status=refusal.status)
    else:
        response = api_error(refusal.status, str(refusal), TOO_MANY if isinstance(refusal, Busy) else CONFLICT)
    if isinstance(refusal, Busy):
        response["Retry-After"] = str(RETRY_SECONDS)
    return response

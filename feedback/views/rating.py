"""Rating logs in the browser: from the panel, for several at once, and what may be done with a rating."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST

from feedback import panel_section
from feedback.forms import MAX_COMMENT, THUMBS, RatingForm
from feedback.models import Feedback, own_rating
from logs.models import Log
from portkey_logs.accounts.access import SignedInRequest, workspace_for
from portkey_logs.accounts.models import Workspace

MAX_TICKED = 200  # logs of one bulk rating: more than a page shows


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(no_store=True)
def log_feedback(request: SignedInRequest, workspace: str, id: UUID) -> HttpResponse:
    """The panel's section; a POST is one's own rating, new or said anew. 422 with the form where it is refused."""
    found = workspace_for(request.user, workspace)
    log = get_object_or_404(Log, workspace=found, id=id)
    if request.method != "POST":
        return _section(request, found, log) if request.htmx else redirect("log_detail", workspace, id)  # type: ignore[attr-defined]
    form = RatingForm(request.POST)
    if not form.is_valid():
        return _refused(request, found, log, form)
    Feedback.rate(log, request.user, form.given(log.trace_id))
    return _answer(request, found, log)


@login_required
@require_POST
def withdraw(request: SignedInRequest, workspace: str, id: UUID) -> HttpResponse:
    """Take one's own rating back."""
    found = workspace_for(request.user, workspace)
    rating = own_rating(found.id, id, request.user)
    if rating is None:
        raise Http404
    rating.withdraw()
    return _after(request, found, rating)


@login_required
@require_POST
def resolve(request: SignedInRequest, workspace: str, id: UUID) -> HttpResponse:
    """Somebody looked into a negative rating; anyone of the organisation may say so."""
    found = workspace_for(request.user, workspace)
    rating = get_object_or_404(Feedback.objects.standing().negative(), workspace=found, id=id)
    rating.resolve(request.user)
    return _after(request, found, rating)


@login_required
@require_POST
def reopen(request: SignedInRequest, workspace: str, id: UUID) -> HttpResponse:
    found = workspace_for(request.user, workspace)
    rating = get_object_or_404(Feedback.objects.standing(), workspace=found, id=id)
    rating.reopen()
    return _after(request, found, rating)


@login_required
@require_POST
def rate_ticked(request: SignedInRequest, workspace: str) -> HttpResponse:
    """The same thumb, and perhaps a comment, for every log that was ticked in the list."""
    found = workspace_for(request.user, workspace)
    value = THUMBS.get(request.POST.get("thumb", ""))
    comment = request.POST.get("comment", "").replace("\x00", "").strip()
    logs = list(Log.objects.in_workspace(found).filter(id__in=_ticked(request)))
    if value is None or len(comment) > MAX_COMMENT:
        messages.error(request, f"Press a thumb; a comment has at most {MAX_COMMENT:,} characters. Nothing was rated.")
    elif not logs:
        messages.error(request, "Tick the logs to rate first. Nothing was rated.")
    else:
        Feedback.rate_all(logs, request.user, value, comment)
        thumb = "up" if value > 0 else "down"
        messages.success(request, f"Thumbs {thumb} for {len(logs)} log{'' if len(logs) == 1 else 's'}.")
    return _go_on(request, reverse("log_list", args=[found.slug]))


def _ticked(request: HttpRequest) -> list[UUID]:
    ids = []
    for text in request.POST.getlist("log")[:MAX_TICKED]:
        try:
            ids.append(UUID(text))
        except ValueError:
            raise Http404 from None
    return ids


def _after(request: SignedInRequest, workspace: Workspace, rating: Feedback) -> HttpResponse:
    """The section of the log that is open; it says in ``log`` which of the trace's logs that is."""
    try:
        log_id = UUID(request.POST.get("log", ""))
    except ValueError:
        return _go_on(request, reverse("analytics_tab", args=[workspace.slug, "feedback"]))
    log = get_object_or_404(Log, workspace=workspace, id=log_id, trace_id=rating.trace_id)
    return _answer(request, workspace, log)


def _answer(request: HttpRequest, workspace: Workspace, log: Log) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return _section(request, workspace, log)
    return _go_on(request, reverse("log_detail", args=[workspace.slug, log.id]))


def _section(
    request: HttpRequest, workspace: Workspace, log: Log, form: RatingForm | None = None, status: int = 200
) -> HttpResponse:
    place = _place(request) or reverse("log_detail", args=[workspace.slug, log.id])
    shown = panel_section.shown(request, workspace, log, form=form, goes_on_at=place)
    return TemplateResponse(request, "feedback/section.html", {"shown": shown, "workspace": workspace}, status=status)


def _refused(request: HttpRequest, workspace: Workspace, log: Log, form: RatingForm) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return _section(request, workspace, log, form, status=422)
    shown = panel_section.shown(request, workspace, log, form=form, goes_on_at=_place(request))
    context = {"shown": shown, "workspace": workspace, "log": log}
    return TemplateResponse(request, "feedback/refused.html", context, status=422)


def _place(request: HttpRequest) -> str:
    """The address within this site that the form wants to go back to; empty for any other."""
    place = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(place, allowed_hosts=None) and place.startswith("/")
    return place if is_ours else ""


def _go_on(request: HttpRequest, otherwise: str) -> HttpResponse:
    return HttpResponseRedirect(_place(request) or otherwise, status=303)

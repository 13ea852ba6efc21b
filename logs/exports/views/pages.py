"""The page of a workspace's exports, making one, and fetching its file."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from logs.explorer import filters
from logs.exports import delivery, limits, selection
from logs.exports.fields import FIELDS
from logs.exports.forms import ExportForm
from logs.exports.models import KEPT, Export
from logs.models import Log
from portkey_logs.accounts.access import SignedInRequest, membership_of, workspace_for
from portkey_logs.accounts.models import Actor

SHOWN = 200  # expired ones go after a week; more than these nobody scrolls through


@login_required
@never_cache
@require_safe
def exports(request: SignedInRequest, workspace: str) -> HttpResponse:
    """The list; while one is being made, the table asks for itself again."""
    place = workspace_for(request.user, workspace)
    membership = membership_of(request.user, place.organisation)
    found = list(Export.objects.in_workspace(place.pk)[: SHOWN + 1])
    has_more = len(found) > SHOWN
    del found[SHOWN:]
    shown = [
        {
            "export": export,
            "logs_url": reverse("log_list", args=[place.slug]) + (f"?{export.query}" if export.query else ""),
            "labels": ", ".join(FIELDS[name].label for name in export.fields if name in FIELDS),
            "may_change": export.may_be_changed_by(membership),
        }
        for export in found
    ]
    busy = any(export.status == Export.Status.IN_PROGRESS for export in found)
    context = {"workspace": place, "exports": shown, "has_more": has_more, "busy": busy, "kept_days": KEPT.days}
    part = "#table" if request.htmx and request.htmx.target == "exports" else ""  # type: ignore[attr-defined]
    return render(request, f"exports/list.html{part}", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_export(request: SignedInRequest, workspace: str) -> HttpResponse:
    """Choose format and fields for what the address selects; the address is the log page's."""
    place = workspace_for(request.user, workspace)
    chosen = filters.select(Log.objects.in_workspace(place), request.GET)
    form = ExportForm(request.POST or None)
    export = Export(workspace=place, created_by=request.user)
    if chosen.is_valid:
        export.query, export.words = selection.lasting(chosen, request.GET), chosen.sentence
        if request.method == "POST" and form.is_valid():
            try:
                _make(export, form)
            except limits.TooMuch as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, "The export is being made. It appears here when it is done.")
                return redirect("exports", workspace=place.slug)
    context = {
        "workspace": place,
        "selection": chosen,
        "form": form,
        "total": selection.count(export) if chosen.is_valid else None,
        "logs_url": reverse("log_list", args=[place.slug]) + (f"?{request.GET.urlencode()}" if request.GET else ""),
        "kept_days": KEPT.days,
    }
    status = 400 if not chosen.is_valid else 422 if form.errors else 200
    return render(request, "exports/new.html", context, status=status)


def _make(export: Export, form: ExportForm) -> None:
    """Raises TooMuch."""
    export.description = form.cleaned_data["description"]
    export.format = form.cleaned_data["format"]
    export.fields = form.cleaned_data["fields_"]
    export.total = selection.count(export)
    with transaction.atomic():
        limits.add(export)
        limits.start(export)
        export.note("start", Actor(export.created_by))


@login_required
@require_safe
def download(request: SignedInRequest, workspace: str, id: UUID) -> HttpResponseBase:
    """The file, for members of the workspace's organisation."""
    place = workspace_for(request.user, workspace)
    export = get_object_or_404(Export.objects.in_workspace(place.pk).select_related("workspace"), pk=id)
    answer = delivery.response(request, export) if export.is_ready else None
    if answer is None:
        raise Http404
    if answer.status_code in (200, 206):  # a part too: whoever asks for one part may ask for all
        export.note("download", Actor(request.user))
    return answer


@require_safe
def signed_download(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """The file, for whoever has the link, while the link is good."""
    export = delivery.by_link(token)
    answer = delivery.response(request, export) if export else None
    if answer is None:
        raise Http404
    return answer


def _change(action: str) -> Callable[[Callable[[Export], None]], Callable[..., HttpResponse]]:
    """A button on the page: a POST by somebody who may change the export. Anything else leads back to the page."""

    def decorate(change: Callable[[Export], None]) -> Callable[..., HttpResponse]:
        @wraps(change)
        def view(request: SignedInRequest, workspace: str, id: UUID) -> HttpResponse:
            place = workspace_for(request.user, workspace)
            if request.method == "POST":
                export = get_object_or_404(Export.objects.in_workspace(place.pk).select_related("workspace"), pk=id)
                if not export.may_be_changed_by(membership_of(request.user, place.organisation)):
                    raise PermissionDenied("Only who made the export, an owner or an admin may do this.")
                try:
                    with transaction.atomic():
                        export.note(action, Actor(request.user))
                        change(export)
                except limits.TooMuch as error:
                    messages.error(request, str(error))
            return redirect("exports", workspace=place.slug)

        checked: Callable[..., HttpResponse] = login_required(view)
        return checked

    return decorate


@_change("stop")
def stop(export: Export) -> None:
    export.stop()


@_change("start")
def start(export: Export) -> None:
    limits.start(export)


@_change("delete")
def delete(export: Export) -> None:
    """The worker sees that it is gone and removes its file."""
    export.delete()

"""Saved views of the list: making, changing and deleting them; and the columns that a person chooses."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.forms.models import model_to_dict
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from logs.explorer import columns, filters, saved_views
from logs.explorer.columns import Columns, width_of
from logs.explorer.query import META
from logs.models import COLUMNS, Log, SavedView
from portkey_logs.accounts.access import SignedInRequest, workspace_for
from portkey_logs.accounts.locks import one_at_a_time
from portkey_logs.accounts.models import User, Workspace

WIDTH = "width."  # and a column's name: its width in pixels
LONGEST_QUERY = 8000  # characters; what a browser's address holds


class SavedViewForm(forms.Form):
    name = forms.CharField(max_length=80)
    is_shared = forms.BooleanField(required=False, label="For everybody in the workspace")


class SettingsForm(SavedViewForm):
    is_default = forms.BooleanField(
        required=False,
        label="The list opens with it",
        help_text="For you; if it is for everybody, for all who have no default of their own.",
    )

    def __init__(self, data: QueryDict | None, *, view: SavedView, person: User) -> None:
        super().__init__(data, initial=model_to_dict(view, ["name", "is_shared", "is_default"]))
        self.view, self.manages = view, saved_views.manages(view.workspace, person)
        # What belongs to somebody else would be out of reach for whoever made it private.
        self.fields["is_shared"].disabled = view.person_id != person.pk

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        is_new = given.get("is_default") and not (self.view.is_default and self.view.is_shared)
        if is_new and given.get("is_shared") and not self.manages:
            self.add_error("is_default", "Only an owner or an admin chooses what everybody's list opens with.")
        return given


@login_required
@require_http_methods(["GET", "POST"])
def views(request: SignedInRequest, workspace: str) -> HttpResponse:
    """A POST saves the filters of ``query`` under a name. A GET leads to the list, where the views are."""
    place = workspace_for(request.user, workspace)
    if request.method != "POST":
        return redirect("log_list", workspace=workspace)
    query, form = _query(request), SavedViewForm(request.POST)
    shown = saved_views.shown_columns(place, request.user, query) if "with_columns" in request.POST else None
    with one_at_a_time(request.user):
        refused = _refusal(place, request.user, query, form)
        if refused:
            messages.error(request, refused)
            return HttpResponseRedirect(_list(place, query), status=303)
        view = SavedView.objects.create(
            workspace=place,
            person=request.user,
            query=saved_views.filters_of(query),
            columns=shown.names if shown else [],
            **form.cleaned_data,
        )
    messages.success(request, f"Saved as “{view.name}”.")
    return HttpResponseRedirect(view.get_absolute_url(), status=303)


@login_required
@require_http_methods(["GET", "POST"])
@cache_control(no_store=True)
def view(request: SignedInRequest, workspace: str, id: int) -> HttpResponse:
    """The page of one view: its name, who has it, whether the list opens with it."""
    found = _changeable(request, workspace, id)
    form = SettingsForm(request.POST or None, view=found, person=request.user)
    if request.method == "POST" and form.is_valid():
        found.settle(**form.cleaned_data)
        return HttpResponseRedirect(found.get_absolute_url(), status=303)
    context = {"workspace": found.workspace, "view": found, "form": form, "url": found.get_absolute_url()}
    return TemplateResponse(request, "logs/saved_view.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def overwrite(request: SignedInRequest, workspace: str, id: int) -> HttpResponse:
    """The view has the filters of ``query`` from now on, and its columns, if it keeps any."""
    found = _changeable(request, workspace, id)
    query = _query(request)
    if request.method == "POST" and _is_understood(found.workspace, query):
        found.query = saved_views.filters_of(query)
        if found.columns:
            found.columns = saved_views.shown_columns(found.workspace, request.user, query).names
        found.save(update_fields=["query", "columns"])
    return HttpResponseRedirect(found.get_absolute_url(), status=303)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: SignedInRequest, workspace: str, id: int) -> HttpResponse:
    found = _changeable(request, workspace, id)
    if request.method != "POST":
        return redirect("saved_view", workspace=workspace, id=id)
    found.delete()
    messages.success(request, f"The view “{found.name}” is deleted.")
    return redirect("log_list", workspace=workspace)


@login_required
@require_http_methods(["GET", "POST"])
def choose_columns(request: SignedInRequest, workspace: str) -> HttpResponse:
    """The person's columns from now on: those ticked, in this order; ``left`` and ``right`` move one of them.

    ``width.<name>`` are their widths, and with ``only_widths`` these alone. ``usual`` takes all of it back.
    """
    place = workspace_for(request.user, workspace)
    query = _query(request)
    if request.method == "POST":
        query.pop(COLUMNS, None)
        if "usual" in request.POST:
            saved_views.forget_columns(place, request.user)
        else:
            chosen = None if "only_widths" in request.POST else _chosen(request.POST)
            saved_views.keep_columns(place, request.user, chosen, _widths(request.POST))
    return HttpResponseRedirect(_list(place, query), status=303)


def _widths(given: QueryDict) -> dict[str, int | None]:
    names = (name.removeprefix(WIDTH) for name in given if name.startswith(WIDTH))
    return {name: width_of(str(given[WIDTH + name])) for name in names if columns.named(name)}


def _chosen(given: QueryDict) -> Columns:
    names = given.getlist("column")
    if key := given.get("key", "").strip():
        names.append(META + key)
    chosen = Columns.of(names)
    for direction, step in (("left", -1), ("right", 1)):
        if direction in given:
            chosen = chosen.moved(str(given[direction]), step)
    return chosen


def _changeable(request: SignedInRequest, workspace: str, id: int) -> SavedView:
    """Raises Http404 for what the person does not see, PermissionDenied for what they may not change."""
    place = workspace_for(request.user, workspace)
    found = next((each for each in saved_views.visible(place, request.user) if each.pk == id), None)
    if found is None:
        raise Http404
    if not saved_views.may_change(found, request.user):
        raise PermissionDenied("Only who made a view, an owner or an admin may change it.")
    return found


def _query(request: SignedInRequest) -> QueryDict:
    """The list's parameters that a form was sent from."""
    return QueryDict(request.POST.get("query", "")[:LONGEST_QUERY], mutable=True)


def _list(workspace: Workspace, query: QueryDict) -> str:
    address = reverse("log_list", args=[workspace.slug])
    return address + ("?" + query.urlencode() if query else "")


def _refusal(workspace: Workspace, person: User, query: QueryDict, form: forms.Form) -> str:
    """Why no view is made; empty where nothing stands against it."""
    if not form.is_valid():
        return "Give the view a name of at most 80 characters. Nothing was saved."
    if not _is_understood(workspace, query):
        return "These filters are not understood, so they were not saved."
    if SavedView.objects.filter(workspace=workspace, person=person).count() >= SavedView.MOST:
        return f"You have {SavedView.MOST} views here: delete one first."
    return ""


def _is_understood(workspace: Workspace, query: QueryDict) -> bool:
    return filters.select(Log.objects.in_workspace(workspace), query).is_valid

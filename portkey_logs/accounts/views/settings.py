"""The organisation's name and its workspaces."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portkey_logs.accounts.access import SignedInRequest, managed_workspace_for, membership_of, workspace_for
from portkey_logs.accounts.forms import LoggingForm, OrganisationForm, OutsideHostsForm, WorkspaceForm
from portkey_logs.accounts.models import Actor, AuditEvent
from portkey_logs.accounts.views.common import action_of

WORKSPACE_IDS = "workspace_%s"  # the page has a second form with a field "name"


@login_required
@require_http_methods(["GET", "POST"])
def workspace_settings(request: SignedInRequest, workspace: str) -> HttpResponse:
    """What there is, for every member; a POST renames the organisation."""
    place = workspace_for(request.user, workspace)
    form = OrganisationForm(instance=place.organisation)
    if request.method == "POST":
        managed_workspace_for(request.user, workspace)
        form = OrganisationForm(request.POST, instance=place.organisation)
        if form.is_valid():
            place.organisation.rename(form.cleaned_data["name"], Actor(request.user))
            messages.success(request, "The name is changed.")
            return redirect("workspace_settings", workspace=workspace)
    return _page(request, workspace, organisation_form=form)


@action_of("workspace_settings")
def create_workspace(request: SignedInRequest, workspace: str) -> HttpResponse:
    place = managed_workspace_for(request.user, workspace)
    form = WorkspaceForm(request.POST, auto_id=WORKSPACE_IDS)
    if not form.is_valid():
        return _page(request, workspace, workspace_form=form)
    form.instance.organisation = place.organisation
    new = form.save(commit=False)
    new.save(force_insert=True)
    AuditEvent.record(new, Actor(request.user), "workspace.make", new.slug, new.name)
    messages.success(request, f"The workspace “{new.name}” is ready. It needs an API key to receive logs.")
    return redirect("api_keys", workspace=new.slug)


@action_of("workspace_settings")
def change_logging(request: SignedInRequest, workspace: str) -> HttpResponse:
    """What is kept of the logs to come; takes effect within 5 s."""
    place = managed_workspace_for(request.user, workspace)
    form = LoggingForm(request.POST, instance=place)
    form.save(commit=False)  # two checkboxes: there is nothing to get wrong
    place.change_logging(Actor(request.user))
    messages.success(request, "What is logged is changed. Logs that are there stay as they are.")
    return redirect("workspace_settings", workspace=workspace)


@action_of("workspace_settings")
def change_outside_hosts(request: SignedInRequest, workspace: str) -> HttpResponse:
    """The list of outside hosts; calls follow it within 5 s."""
    organisation = managed_workspace_for(request.user, workspace).organisation
    form = OutsideHostsForm(request.POST, instance=organisation)
    if not form.is_valid():
        return _page(request, workspace, hosts_form=form)
    organisation.save(update_fields=["host_policy", "allowed_hosts"])
    detail = " ".join([organisation.host_policy, *organisation.allowed_hosts])
    AuditEvent.record(organisation, Actor(request.user), "organisation.outside_hosts", organisation.slug, detail)
    messages.success(request, "The list of hosts is changed. Calls follow it within 5 seconds.")
    return redirect("workspace_settings", workspace=workspace)


def _page(
    request: SignedInRequest,
    workspace: str,
    organisation_form: OrganisationForm | None = None,
    workspace_form: WorkspaceForm | None = None,
    hosts_form: OutsideHostsForm | None = None,
) -> HttpResponse:
    place = workspace_for(request.user, workspace)  # anew: a form with errors has changed its instance
    membership = membership_of(request.user, place.organisation)
    organisation_form = organisation_form or OrganisationForm(instance=place.organisation)
    workspace_form = workspace_form or WorkspaceForm(auto_id=WORKSPACE_IDS)
    hosts_form = hosts_form or OutsideHostsForm(instance=place.organisation)
    context = {
        "workspace": place,
        "can_manage": membership is not None and membership.can_manage,
        "own_workspaces": place.organisation.workspaces.all(),
        "organisation_form": organisation_form,
        "logging_form": LoggingForm(instance=place),
        "workspace_form": workspace_form,
        "hosts_form": hosts_form,
    }
    failed = organisation_form.errors or workspace_form.errors or hosts_form.errors
    return render(request, "accounts/settings.html", context, status=422 if failed else 200)

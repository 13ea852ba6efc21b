"""API keys of a workspace: the list, a new one (shown once), revoking."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portkey_logs.accounts.access import SignedInRequest, managed_workspace_for, membership_of, workspace_for
from portkey_logs.accounts.forms import ApiKeyForm
from portkey_logs.accounts.models import Actor, ApiKey
from portkey_logs.accounts.permissions import Standing


@login_required
@never_cache  # the answer to a POST shows a key
@require_http_methods(["GET", "POST"])
def api_keys(request: SignedInRequest, workspace: str) -> HttpResponse:
    """The list, for every member; the form and its result, for those who manage the workspace."""
    place = workspace_for(request.user, workspace)
    membership = membership_of(request.user, place.organisation)
    maker = membership.standing if membership else Standing()
    form, new_key = ApiKeyForm(maker=maker), None
    if request.method == "POST":
        managed_workspace_for(request.user, workspace)
        form = ApiKeyForm(request.POST, maker=maker)
        if form.is_valid():
            _, new_key = ApiKey.issue(
                place,
                form.cleaned_data["name"],
                created_by=request.user,
                scopes=tuple(form.cleaned_data["scopes"]),
                expires_at=form.cleaned_data["last_day"],
            )
            form = ApiKeyForm(maker=maker)
    context = {
        "workspace": place,
        "can_manage": membership is not None and membership.can_manage,
        "keys": place.api_keys.with_standing().select_related("created_by", "owner"),
        "form": form,
        "new_key": new_key,
    }
    return render(request, "accounts/keys.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def revoke_api_key(request: SignedInRequest, workspace: str, id: int) -> HttpResponse:
    """Asks, then revokes the key for good; revoking it twice changes nothing."""
    place = managed_workspace_for(request.user, workspace)
    key = get_object_or_404(place.api_keys, pk=id)
    if request.method != "POST":
        return render(request, "accounts/revoke_key.html", {"workspace": place, "key": key})
    key.revoke(Actor(request.user))
    messages.success(request, f"“{key.name}” is revoked. It stops working within 5 seconds.")
    return redirect("api_keys", workspace=workspace)

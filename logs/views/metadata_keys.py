"""Which metadata keys a workspace's logs are summed up by."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from logs.models import MetadataKey
from portkey_logs.accounts.access import SignedInRequest, managed_workspace_for, membership_of, workspace_for
from portkey_logs.accounts.locks import one_at_a_time
from portkey_logs.accounts.models import Workspace


class MetadataKeyForm(forms.Form):
    key = forms.CharField(max_length=128, help_text="As it stands in the metadata, such as env or feature.")

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        declared = list(MetadataKey.objects.filter(workspace=self.workspace).values_list("key", flat=True))
        if key in declared:
            raise forms.ValidationError("This key is declared already.")
        if len(declared) >= MetadataKey.MOST:
            raise forms.ValidationError(f"At most {MetadataKey.MOST} keys: remove one first.")
        return key


@login_required
@require_http_methods(["GET", "POST"])
def metadata_keys(request: SignedInRequest, workspace: str) -> HttpResponse:
    """The declared keys, for every member; a POST declares another."""
    place = workspace_for(request.user, workspace)
    form = MetadataKeyForm(workspace=place)
    if request.method == "POST":
        managed_workspace_for(request.user, workspace)
        form = MetadataKeyForm(request.POST, workspace=place)
        with one_at_a_time(place):
            if form.is_valid():
                MetadataKey.objects.create(workspace=place, key=form.cleaned_data["key"])
        if form.is_valid():
            messages.success(request, f"Logs are summed up by “{form.cleaned_data['key']}” from now on.")
            return redirect("metadata_keys", workspace=workspace)
    membership = membership_of(request.user, place.organisation)
    context = {
        "workspace": place,
        "keys": MetadataKey.objects.filter(workspace=place),
        "most": MetadataKey.MOST,
        "form": form,
        "can_manage": membership is not None and membership.can_manage,
    }
    return render(request, "analytics/metadata_keys.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def remove(request: SignedInRequest, workspace: str, id: int) -> HttpResponse:
    place = managed_workspace_for(request.user, workspace)
    key = get_object_or_404(MetadataKey, workspace=place, id=id)
    key.delete()
    messages.success(request, f"Logs are not summed up by “{key.key}” any more.")
    return redirect("metadata_keys", workspace=workspace)

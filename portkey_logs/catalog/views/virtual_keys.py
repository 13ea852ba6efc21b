"""The pages of virtual keys: every member sees what there is; who may, changes it. Secrets only ever go in."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from logs.analytics import catalog_usage
from logs.models import Log
from logs.storage.time_budget import within
from portkey_logs.accounts.access import SignedInRequest, workspace_for
from portkey_logs.accounts.models import Actor, Workspace
from portkey_logs.catalog.forms import ChangeVirtualKeyForm, NewVirtualKeyForm, SecretForm
from portkey_logs.catalog.models import Invalid, VirtualKey
from portkey_logs.catalog.views.shared import archive_or_restore, item_or_404, saving, saving_workspace_for
from replay import runner
from replay.concurrency_limits import Refused
from replay.models import Run
from replay.source import Source, Target

LAST_MODEL_MS = 100  # a suggestion is not worth more


@login_required
@require_safe
def virtual_keys(request: SignedInRequest, workspace: str) -> HttpResponse:
    """All virtual keys of the workspace, archived ones last."""
    place = workspace_for(request.user, workspace)
    used = catalog_usage.uses(place, "virtual_key")
    found = VirtualKey.objects.in_workspace(place).select_related("created_by")
    rows = [
        {"key": key, "use": used.get(key.slug, catalog_usage.Use())}
        for key in sorted(found, key=lambda each: each.is_archived)
    ]
    context = {"workspace": place, "rows": rows} | saving(request, place)
    return render(request, "catalog/virtual_keys.html", context)


@login_required
@require_safe
def virtual_key(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """One key: what is known of it, its use, and for those who may change it the forms."""
    place = workspace_for(request.user, workspace)
    return _page(request, place, _key(place, slug))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def new_virtual_key(request: SignedInRequest, workspace: str) -> HttpResponse:
    """A form for the key; ``?slug=`` and ``?provider=`` fill it in."""
    place = saving_workspace_for(request, workspace)
    asked = {name: request.GET.get(name, "") for name in ("slug", "provider")}
    form = NewVirtualKeyForm(request.POST) if request.method == "POST" else NewVirtualKeyForm(initial=asked)
    if form.is_valid():
        values = form.cleaned_data
        try:
            key = VirtualKey.create(
                place,
                values["name"],
                values["provider"],
                values["key"],
                by=Actor(request.user),
                slug=values["slug"] or None,
                **form.settings,
            )
        except Invalid as invalid:
            form.add_findings(invalid)
        else:
            messages.success(request, f"The key is ready: name it {key.slug} in x-portkey-virtual-key.")
            return _to(place, key)
    context = {"workspace": place, "form": form}
    return render(request, "catalog/virtual_key_new.html", context, status=422 if form.errors else 200)


@login_required
def change_virtual_key(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """Name, host, options, last day and note."""
    place = saving_workspace_for(request, workspace)
    key = _key(place, slug)
    if request.method != "POST":
        return _to(place, key)
    form = ChangeVirtualKeyForm(request.POST)
    if form.is_valid():
        try:
            key.change(by=Actor(request.user), secret=form.cleaned_data["key"], **form.settings)
            if form.cleaned_data["name"] != key.name:
                key.rename(form.cleaned_data["name"], Actor(request.user))
        except Invalid as invalid:
            form.add_findings(invalid)
        else:
            messages.success(request, "Saved. Calls use it within 5 seconds.")
            return _to(place, key)
    return _page(request, place, _key(place, slug), form=form)


@login_required
def rotate_virtual_key(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """Another secret under the same slug."""
    place = saving_workspace_for(request, workspace)
    key = _key(place, slug)
    if request.method != "POST":
        return _to(place, key)
    form = SecretForm(request.POST)
    if form.is_valid():
        try:
            key.rotate_secret(form.cleaned_data["key"], Actor(request.user))
        except Invalid as invalid:
            form.add_findings(invalid)
        else:
            messages.success(request, "The secret is replaced. Calls use it within 5 seconds.")
            return _to(place, key)
    return _page(request, place, key, secret_form=form)


@login_required
def test_virtual_key(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """A chat of two words with the model that the form names; the answer is a log, the verdict a message."""
    place = saving_workspace_for(request, workspace)
    key = _key(place, slug)
    model = request.POST.get("model", "").strip()
    if request.method == "POST" and model:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Say hi"}]}).encode()
        source = Source("/v1/chat/completions", body, Target(virtual_key=key.slug))
        try:
            run = runner.finish_run(
                runner.start_run(user=request.user, workspace=place, source=source, target=source.target)
            )
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            _tell(request, run, model)
            if Log.objects.in_workspace(place).filter(id=run.log_id).exists():
                return redirect("log_detail", place.slug, run.log_id)
    return _to(place, key)


def _tell(request: SignedInRequest, run: Run, model: str) -> None:
    if run.state == Run.State.SUCCEEDED:
        messages.success(request, f"The key works: {model} answered.")
    else:
        messages.error(request, f"The key does not work with {model}: {run.error or 'see the log'}")


@login_required
def archive_virtual_key(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """Archives the key, or restores it: what the page's button says."""
    place = saving_workspace_for(request, workspace)
    key = _key(place, slug)
    if request.method == "POST":
        archive_or_restore(request, key)
    return _to(place, key)


def _key(workspace: Workspace, slug: str) -> VirtualKey:
    return item_or_404(VirtualKey, workspace, slug)


def _to(workspace: Workspace, key: VirtualKey) -> HttpResponseRedirect:
    return redirect("virtual_key", workspace.slug, key.slug)


def _page(
    request: SignedInRequest,
    workspace: Workspace,
    key: VirtualKey,
    form: ChangeVirtualKeyForm | None = None,
    secret_form: SecretForm | None = None,
) -> HttpResponse:
    failed = form is not None or secret_form is not None
    context = {
        "workspace": workspace,
        "key": key,
        "use": catalog_usage.uses(workspace, "virtual_key").get(key.slug, catalog_usage.Use()),
        "form": form or ChangeVirtualKeyForm(initial=_initial(key)),
        "secret_form": secret_form or SecretForm(),
        "test_model": _last_model(workspace, key),
        "logs_url": reverse("log_list", args=[workspace.slug]) + f"?virtual_key={key.slug}",
    } | saving(request, workspace)
    return render(request, "catalog/virtual_key.html", context, status=422 if failed else 200)


def _last_model(workspace: Workspace, key: VirtualKey) -> str:
    """The model of the last chat with it: one that it should answer for."""
    logs = Log.objects.in_workspace(workspace).filter(virtual_key=key.slug, request_type="chat_completion")
    model = logs.newest_first().values_list("requested_model", flat=True)[:1]
    return next(iter(within(LAST_MODEL_MS, model) or []), None) or ""


def _initial(key: VirtualKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "custom_host": key.custom_host,
        "options": json.dumps(key.options, indent=2) if key.options else "",
        "last_day": (key.expires_at - timedelta(microseconds=1)).date() if key.expires_at else None,
        "note": key.note,
        "serves": key.serves,
    }

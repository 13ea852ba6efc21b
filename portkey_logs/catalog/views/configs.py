"""The pages of configs: the list, one config in one version with its picture and its use, the editor."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from logs.analytics import catalog_usage
from logs.analytics.catalog_usage import Routing
from logs.llm import request_context
from logs.models import Log
from logs.viewer import bodies
from portkey_logs.accounts.access import SignedInRequest, managed_workspace_for, refusal, workspace_for
from portkey_logs.accounts.models import Actor, AuditEvent, Workspace
from portkey_logs.accounts.permissions import Right
from portkey_logs.catalog import schema, strategy
from portkey_logs.catalog.forms import ConfigForm
from portkey_logs.catalog.models import Config, ConfigVersion, Invalid, SavedMeanwhile
from portkey_logs.catalog.strategy import Option
from portkey_logs.catalog.views.shared import archive_or_restore, item_or_404, saving, saving_workspace_for
from portkey_logs.lib import diff

EXAMPLE = {
    "strategy": {"mode": "fallback"},
    "targets": [{"virtual_key": "openai-prod"}, {"virtual_key": "anthropic-prod"}],
    "retry": {"attempts": 2},
}


@login_required
@require_safe
def configs(request: SignedInRequest, workspace: str) -> HttpResponse:
    """All configs of the workspace, archived ones last."""
    place = workspace_for(request.user, workspace)
    used = catalog_usage.uses(place, "config")
    found = Config.objects.in_workspace(place).select_related("current", "created_by")
    rows = [
        {
            "config": config,
            "summary": strategy.summary(config.current.body) if config.current else "",
            "use": used.get(config.slug, catalog_usage.Use()),
        }
        for config in sorted(found, key=lambda each: each.is_archived)
    ]
    return render(request, "catalog/configs.html", {"workspace": place, "rows": rows} | saving(request, place))


@login_required
@require_safe
def config(request: SignedInRequest, workspace: str, slug: str, version: UUID | None = None) -> HttpResponse:
    """A config in its current version, or in the one that a log names; ``?against=3`` compares with version 3."""
    place = workspace_for(request.user, workspace)
    found = _config(place, slug)
    versions = list(found.versions.select_related("created_by"))
    shown = next((each for each in versions if each.pk == (version or found.current_id)), None)
    if shown is None:
        raise Http404
    routing = catalog_usage.routing(place, found.slug, str(shown.pk) if version else None)
    context = {
        "workspace": place,
        "config": found,
        "shown": shown,
        "is_current": shown.pk == found.current_id,
        "versions": versions,
        "picture": _picture(strategy.tree(shown.body), routing),
        "routing": routing,
        "warnings": schema.check(shown.body).warnings,
        "difference": _difference(request.GET.get("against", ""), versions, shown),
        "logs_url": reverse("log_list", args=[place.slug]) + f"?config={found.slug}",
        "api_keys": place.api_keys.active(),
        "can_manage": not refusal(request.user, place, Right.MANAGE_ORGANISATION),
    } | saving(request, place)
    return render(request, "catalog/config.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new_config(request: SignedInRequest, workspace: str) -> HttpResponse:
    """An empty editor; with ``?log=<id>`` one with what that log tells of its config."""
    place = saving_workspace_for(request, workspace)
    form = ConfigForm(request.POST) if request.method == "POST" else ConfigForm(initial=_initial(request, place))
    if form.is_valid():
        values = form.cleaned_data
        try:
            made = Config.create(
                place, values["name"], values["body"], by=Actor(request.user), slug=values["slug"] or None
            )
        except Invalid as invalid:
            form.add_findings(invalid)
        else:
            messages.success(request, f"The config is ready: name it {made.slug} in x-portkey-config.")
            return _to(place, made)
    context = {"workspace": place, "form": form, "config": None}
    return render(request, "catalog/config_edit.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def edit_config(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """Another version, from the current one or from ``?version=<number>``."""
    place = saving_workspace_for(request, workspace)
    found = _config(place, slug)
    if request.method == "POST":
        form = ConfigForm(request.POST, is_new=False)
    else:
        number = request.GET.get("version", "")
        start = found.versions.filter(number=number).first() if number.isdecimal() and len(number) < 9 else None
        body = (start or found.current or ConfigVersion(body={})).text
        newest = found.versions.values_list("number", flat=True).first()
        form = ConfigForm(initial={"name": found.name, "body": body, "after": newest}, is_new=False)
    if form.is_valid() and _save(request, found, form):
        return _to(place, found)
    context = {"workspace": place, "form": form, "config": found}
    return render(request, "catalog/config_edit.html", context, status=422 if form.errors else 200)


@login_required
def set_default(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """Which API keys use this config for calls that bring none; only for those who manage the workspace."""
    place = managed_workspace_for(request.user, workspace)
    found = _config(place, slug)
    if request.method == "POST":
        chosen = {int(id) for id in request.POST.getlist("key") if id.isdecimal() and len(id) < 19}
        keys = place.api_keys.active()
        with transaction.atomic():
            keys.filter(default_config=found.slug).exclude(pk__in=chosen).update(default_config="")
            keys.filter(pk__in=chosen).update(default_config=found.slug)
            names = ", ".join(keys.filter(default_config=found.slug).values_list("name", flat=True))
            AuditEvent.record(place, Actor(request.user), "config.set_default", found.slug, names[:200])
        messages.success(request, "Saved. Calls of these keys use it within 5 seconds.")
    return _to(place, found)


@login_required
def archive_config(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """Archives the config, or restores it: what the page's button says. A GET leads to the page."""
    place = saving_workspace_for(request, workspace)
    found = _config(place, slug)
    if request.method == "POST":
        archive_or_restore(request, found)
    return _to(place, found)


def _config(workspace: Workspace, slug: str) -> Config:
    return item_or_404(Config, workspace, slug, "current")


def _to(workspace: Workspace, config: Config) -> HttpResponseRedirect:
    return redirect("config", workspace.slug, config.slug)


def _save(request: SignedInRequest, config: Config, form: ConfigForm) -> bool:
    values, by = form.cleaned_data, Actor(request.user)
    before = config.current_id
    try:
        with transaction.atomic():
            version = config.save_version(
                values["body"], by=by, description=values["description"], after=values["after"]
            )
            if values["name"] != config.name:
                config.rename(values["name"], by)
    except Invalid as invalid:
        form.add_findings(invalid)
        if isinstance(invalid, SavedMeanwhile):  # now its author has seen it
            form.data = request.POST.copy()
            form.data["after"] = str(invalid.version.number)
        return False
    if version.pk == before:
        messages.info(request, f"Nothing changed: version {version.number} stays.")
    else:
        messages.success(request, f"Version {version.number} serves calls within 5 seconds.")
    return True


def _initial(request: HttpRequest, workspace: Workspace) -> dict[str, str]:
    """A start for the editor: what a log used, where the address names one."""
    try:
        log = Log.objects.in_workspace(workspace).filter(id=UUID(request.GET.get("log", ""))).first()
    except ValueError:
        log = None
    if log is None:
        return {"body": json.dumps(EXAMPLE, indent=2)}
    sent = request_context.read_config(bodies.read_sides(log)[0].headers)
    body = json.dumps(sent if isinstance(sent, dict) else EXAMPLE, indent=2, ensure_ascii=False)
    return {"body": body, "slug": log.config or "", "name": log.config or ""}


def _picture(option: Option, routing: Routing) -> dict[str, Any]:
    """The tree with what each option served."""
    served, total = routing.below(option.path), routing.total.requests
    return {
        "option": option,
        "weight": f"{option.share:.0%}" if option.share is not None else "",
        "served": served,
        "percent": round(100 * served.requests / total) if total else 0,
        "children": [_picture(child, routing) for child in option.children],
    }


def _difference(against: str, versions: list[ConfigVersion], shown: ConfigVersion) -> dict[str, Any] | None:
    """The changes from version number ``against`` to the one shown, line by line; ``lines`` is None where the two are
    too long for that."""
    other = next((each for each in versions if str(each.number) == against), None)
    if other is None or other.pk == shown.pk:
        return None
    return {"other": other, "lines": diff.lines(other.text, shown.text), "changed": other.text != shown.text}

"""The pages of prompts: the list, and each version on the playground."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from logs.analytics import catalog_usage
from logs.explorer import presentation
from logs.models import Log
from logs.viewer import prompt_variables
from portkey_logs.accounts.access import SignedInRequest, permitted_workspace_for, refusal, workspace_for
from portkey_logs.accounts.models import Actor, Workspace
from portkey_logs.accounts.permissions import Right
from portkey_logs.catalog.models import Invalid, Prompt, PromptVersion
from portkey_logs.catalog.prompts import PromptSource
from portkey_logs.catalog.templates import TemplateError
from portkey_logs.front.limits import accepts_large_bodies
from portkey_logs.lib import diff
from replay import prompting, runner
from replay.compare import draw
from replay.prompting import NoPrompt
from replay.source import NoSource, Target
from replay.views import run as runs
from replay.views.playground import page_context

RECENT = 10  # logs below a prompt; the list has them all
VARIABLE = "var."  # fields of the form that are values of variables begin so


@login_required
@require_safe
def prompts(request: SignedInRequest, workspace: str) -> HttpResponse:
    """All prompts of the workspace, archived ones last."""
    place = workspace_for(request.user, workspace)
    used = catalog_usage.uses(place, "prompt")
    found = Prompt.objects.in_workspace(place).select_related("published", "created_by")
    rows = [
        (each, used.get(each.slug, catalog_usage.Use())) for each in sorted(found, key=lambda each: each.is_archived)
    ]
    why_not = refusal(request.user, place, Right.MANAGE_CATALOG)
    return TemplateResponse(request, "replay/prompts.html", {"workspace": place, "rows": rows, "why_not_save": why_not})


@login_required
@require_safe
@cache_control(no_store=True)
def prompt(request: SignedInRequest, workspace: str, slug: str, version: UUID | None = None) -> HttpResponse:
    """A prompt in its published version, or in the one that a log names; ``?against=3`` compares with version 3,
    ``?log=`` fills in the variables of a log."""
    place = workspace_for(request.user, workspace)
    found = _prompt(place, slug)
    versions = list(found.versions.select_related("created_by"))
    shown = next((each for each in versions if each.pk == (version or found.published_id)), None)
    if shown is None:
        raise Http404
    shown.prompt = found
    log = _log(place, request.GET.get("log", ""))
    against = next((each for each in versions if str(each.number) == request.GET.get("against")), None)
    opened = prompting.desk_of(shown, log)
    context = page_context(request, place, opened, name=f"prompt {shown.pk} {log.id if log else ''}") | {
        "prompt": found,
        "shown": shown,
        "versions": versions,
        "variables": _variables(shown.source, log),
        "names_target": prompting.target_of(shown) is not None,
        "is_published": shown.pk == found.published_id,
        "against": against,
        **(_changes(against, shown) if against else {}),
        "recent": _recent(place, found),
        "attempts_url": reverse("prompt_recent", args=[place.slug, found.slug]),
        "run_url": reverse("prompt_run", args=[place.slug, found.slug, shown.pk]),
    }
    return TemplateResponse(request, "replay/prompt.html", context)


@login_required
@require_safe
@cache_control(no_store=True)
def recent(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """The newest logs of a prompt, as they are now."""
    place = workspace_for(request.user, workspace)
    found = _prompt(place, slug)
    context = {"workspace": place, "prompt": found, "recent": _recent(place, found)}
    return TemplateResponse(request, "replay/prompt.html#recent", context)


@accepts_large_bodies
@login_required
@require_POST
@cache_control(no_store=True)
def run_version(request: SignedInRequest, workspace: str, slug: str, version: UUID) -> HttpResponseBase:
    """Run the edited version with the variables filled in; as ``run`` of a log."""
    place = workspace_for(request.user, workspace)
    shown = _version(place, slug, version)
    form = request.POST
    texts = {name.removeprefix(VARIABLE): form[name] for name in form if name.startswith(VARIABLE)}

    def start() -> Any:
        try:
            target = Target.chosen(form.get("target", "")) or prompting.target_of(shown)
            log = _log(place, form.get("log", ""))
            values = prompting.as_given(texts, (log and prompt_variables.read(log)) or {})
            call = prompting.call_of(shown, form.get("body", ""), values)
            source = prompting.in_place_of(log, call) if log else call
        except NoSource as error:
            raise runner.Ineligible(str(error)) from None
        except (NoPrompt, TemplateError, ValueError) as error:
            raise runs.Invalid(str(error)) from None
        if target is None and log is None:
            raise runs.Invalid("This version names no virtual key and no config: choose a target.")
        return runner.start_run(
            user=request.user,
            workspace=place,
            source=source,
            target=target,
            group=runs.as_uuid(form.get("group", ""), "group"),
            label=form.get("label", "") or f"{shown.prompt.name}, version {shown.number}",
        )

    return runs.carry_out(request, place, start)


@accepts_large_bodies
@login_required
@require_POST
def save(request: SignedInRequest, workspace: str) -> HttpResponse:
    """What is on the playground as a new prompt, or as a new version of one."""
    place = permitted_workspace_for(request.user, workspace, Right.MANAGE_CATALOG)
    form = request.POST
    try:
        source = prompting.source_of(form.get("body", "").replace("\r\n", "\n"))
        target = Target.chosen(form.get("target", "")) or Target()
        if slug := form.get("prompt", ""):
            saved = _new_version(request, _prompt(place, slug), source, target)
        else:
            made = Prompt.create(
                place, form.get("name", ""), source, by=Actor(request.user), virtual_key=target.virtual_key,
                config=target.config, description=form.get("description", ""),
            )  # fmt: skip
            saved = made.versions.get()
    except (NoPrompt, ValueError, Invalid, runs.Invalid) as error:
        messages.error(request, f"Not saved: {error}")
        return HttpResponseRedirect(_back(request, place), status=303)
    messages.success(request, f"Saved as version {saved.number} of {saved.prompt.slug}.")
    return _to(place, saved)


def _new_version(request: SignedInRequest, found: Prompt, source: PromptSource, target: Target) -> PromptVersion:
    """The next version; without another target it is answered by whom the edited one names."""
    edited = runs.as_uuid(request.POST.get("version", ""), "version")
    if target == Target() and edited:
        target = prompting.target_of(get_object_or_404(found.versions, pk=edited)) or target
    return found.save_version(
        source,
        by=Actor(request.user),
        virtual_key=target.virtual_key,
        config=target.config,
        description=request.POST.get("description", ""),
    )


@login_required
@require_POST
def publish(request: SignedInRequest, workspace: str, slug: str, version: UUID) -> HttpResponse:
    place = permitted_workspace_for(request.user, workspace, Right.MANAGE_CATALOG)
    shown = _version(place, slug, version)
    shown.prompt.publish(shown, by=Actor(request.user))
    messages.success(request, f"Calls of {slug} use version {shown.number} from now on.")
    return _to(place, shown)


@login_required
@require_POST
def archive(request: SignedInRequest, workspace: str, slug: str) -> HttpResponse:
    """Archive a prompt, or bring it back."""
    place = permitted_workspace_for(request.user, workspace, Right.MANAGE_CATALOG)
    found = _prompt(place, slug)
    if found.is_archived:
        found.restore(by=Actor(request.user))
        messages.success(request, f"Calls may use {slug} again.")
    else:
        found.archive(by=Actor(request.user))
        messages.success(request, f"Calls that name {slug} are refused from now on. Its logs still lead here.")
    return HttpResponseRedirect(reverse("prompt", args=[place.slug, found.slug]), status=303)


def _prompt(workspace: Workspace, slug: str) -> Prompt:
    found: Prompt = get_object_or_404(Prompt.objects.select_related("published"), workspace=workspace, slug=slug)
    return found


def _version(workspace: Workspace, slug: str, id: UUID) -> PromptVersion:
    found = PromptVersion.objects.select_related("prompt")
    return get_object_or_404(found, prompt__workspace=workspace, prompt__slug=slug, id=id)


def _log(workspace: Workspace, text: str) -> Log | None:
    """The log whose variables are meant, None where none is named. Raises Http404."""
    try:
        return get_object_or_404(Log.objects.in_workspace(workspace), id=UUID(text)) if text else None
    except ValueError:
        raise Http404 from None


def _variables(source: PromptSource, log: Log | None) -> list[tuple[str, str]]:
    """Each variable, and what a log was filled in with."""
    given = (log and prompt_variables.read(log)) or {}
    try:
        return [(name, prompt_variables.in_words(given.get(name, ""))) for name in source.variables()]
    except TemplateError:
        return []


def _changes(before: PromptVersion, after: PromptVersion) -> dict[str, Any]:
    found = diff.changes(*(prompting.body_of(each.source) for each in (before, after)))
    drawn = draw(found)
    return {"changes": drawn, "more_changes": len(found) - len(drawn)}


def _recent(workspace: Workspace, found: Prompt) -> list[presentation.Row]:
    logs = Log.objects.in_workspace(workspace).filter(prompt=found.slug).for_list().newest_first()[:RECENT]
    return [presentation.row(log, reverse("log_detail", args=[workspace.slug, log.id])) for log in logs]


def _back(request: HttpRequest, workspace: Workspace) -> str:
    """The page that the form was on."""
    with suppress(runs.Invalid, NoReverseMatch):
        if log := runs.as_uuid(request.POST.get("log", ""), "log"):
            return reverse("playground", args=[workspace.slug]) + f"?log={log}"
        if slug := request.POST.get("prompt"):
            return reverse("prompt", args=[workspace.slug, slug])
    return reverse("playground", args=[workspace.slug])


def _to(workspace: Workspace, version: PromptVersion) -> HttpResponse:
    address = reverse("prompt_version", args=[workspace.slug, version.prompt.slug, version.pk])
    return HttpResponseRedirect(address, status=303)

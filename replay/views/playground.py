"""The playground: a request to edit and run, its attempts, and what a run would cost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from logs.explorer import presentation
from logs.llm import prices
from logs.models import Log
from logs.viewer import prompt_variables
from logs.viewer.bodies import read_side
from logs.viewer.body_cards import Asked, side_view
from portkey_logs.accounts.access import SignedInRequest, refusal, workspace_for
from portkey_logs.accounts.models import Workspace
from portkey_logs.accounts.permissions import Right
from portkey_logs.api.errors import UNAUTHORISED, api_error
from portkey_logs.catalog import lookup
from portkey_logs.catalog.models import Prompt, VirtualKey
from replay import playground_state
from replay.models import Run
from replay.playground_state import Desk
from replay.source import Target

SNIPPETS = (("curl", "curl"), ("portkey", "Python, portkey-ai"), ("openai", "Python, openai"), ("json", "JSON"))
KINDS = {
    "chat": playground_state.CHAT,
    "completion": playground_state.COMPLETION,
    "embedding": playground_state.EMBEDDING,
}


@login_required
@require_safe
@cache_control(no_store=True)
def playground(request: SignedInRequest, workspace: str) -> HttpResponse:
    """A fresh request (``kind``), or that of a ``log``, of an attempt (``run``) or of a ``prompt``."""
    found = workspace_for(request.user, workspace)
    if slug := request.GET.get("prompt"):
        version = request.GET.get("version")
        name, args = ("prompt_version", [workspace, slug, _uuid(version)]) if version else ("prompt", [workspace, slug])
        try:
            return redirect(name, *args)
        except NoReverseMatch:  # no slug has a slash
            raise Http404 from None
    return TemplateResponse(request, "replay/playground.html", page_context(request, found, _opened(request, found)))


def _opened(request: HttpRequest, workspace: Workspace) -> Desk:
    if text := request.GET.get("run"):
        return playground_state.of_run(get_object_or_404(Run, workspace=workspace, id=_uuid(text)))
    if text := request.GET.get("log"):
        return playground_state.of_log(get_object_or_404(Log.objects.in_workspace(workspace), id=_uuid(text)))
    return playground_state.fresh(KINDS.get(request.GET.get("kind", ""), playground_state.CHAT))


def page_context(request: SignedInRequest, workspace: Workspace, opened: Desk, *, name: str = "") -> dict[str, Any]:
    """What the page shows of a desk; ``name`` tells the drafts of desks apart that come from neither log nor run."""
    log, run = opened.log, opened.run
    query = f"log={log.id}" if log else ""
    is_fresh = log is None and run is None and not name
    groups = playground_state.targets(workspace)
    has_own = not is_fresh and (opened.log is not None or opened.run is not None or opened.target != Target())
    return {
        "workspace": workspace,
        "desk": opened,
        "origin": presentation.row(log, reverse("log_detail", args=[workspace.slug, log.id])) if log else None,
        "kinds": [(kind, path == opened.path) for kind, path in KINDS.items()] if is_fresh else [],
        "targets": groups,
        "has_own_target": has_own,
        "target": "" if has_own else next((each.value for _, choices in groups for each in choices), ""),
        "models": playground_state.models(workspace),
        "prompts": Prompt.objects.in_workspace(workspace).active()
        if opened.path != playground_state.EMBEDDING
        else None,
        "attempts": _attempts(request, workspace, log),
        "attempts_url": reverse("playground_attempts", args=[workspace.slug]) + f"?{query}",
        "draft": f"{request.user.pk}/{workspace.slug}/{name or (run.id if run else log.id if log else opened.path)}",
        "answer": _answer(workspace, run) if run else None,
        "rendered": _rendered(workspace, log) if log and not run and not name else None,
        "why_not_save": refusal(request.user, workspace, Right.MANAGE_CATALOG),
        "view": "json" if request.GET.get("view") == "json" else "form",
        "snippets": SNIPPETS,
    }


def _rendered(workspace: Workspace, log: Log) -> dict[str, str] | None:
    """The version of a prompt that a request was rendered from, where its variables can be tried again."""
    kept = lookup.prompt(workspace, log.prompt, log.prompt_version_id) if log.prompt else None
    if kept is None or kept.version_id is None or prompt_variables.read(log) is None:
        return None
    address = reverse("prompt_version", args=[workspace.slug, kept.slug, kept.version_id])
    return {"words": kept.words, "url": f"{address}?log={log.id}"}


def _answer(workspace: Workspace, run: Run) -> dict[str, Any]:
    """What became of an attempt, for its own page."""
    log = Log.objects.in_workspace(workspace).select_related("api_key", "workspace").filter(id=run.log_id).first()
    if log is None:
        return {"run": run}
    shown = side_view(read_side(log, "response"), workspace, Asked())
    row = presentation.row(log, reverse("log_detail", args=[workspace.slug, log.id]))
    return {"run": run, "log": log, "row": row, "side": shown, "talk": shown.conversation}


@login_required
@require_safe
@cache_control(no_store=True)
def attempts(request: SignedInRequest, workspace: str) -> HttpResponse:
    """The list of attempts, as it is now."""
    found = workspace_for(request.user, workspace)
    text = request.GET.get("log")
    log = get_object_or_404(Log.objects.in_workspace(found), id=_uuid(text)) if text else None
    context = {"workspace": found, "attempts": _attempts(request, found, log), "origin": log}
    return TemplateResponse(request, "replay/attempts.html", context)


def _attempts(request: SignedInRequest, workspace: Workspace, log: Log | None) -> list[dict[str, Any]]:
    shown = []
    for run, made in playground_state.attempts(workspace, log=log, person=request.user):
        row = presentation.row(made, reverse("log_detail", args=[workspace.slug, made.id])) if made else None
        shown.append({"run": run, "row": row, "what": run.label or (row and row.model) or run.aim.label})
    return shown


@require_safe
@cache_control(no_store=True)
def estimate(request: HttpRequest, workspace: str) -> JsonResponse:
    """What so many tokens cost to send to a model; the text is empty where no price is known."""
    if not request.user.is_authenticated:
        return api_error(401, "Sign in first.", UNAUTHORISED)
    found = workspace_for(request.user, workspace)
    tokens = request.GET.get("tokens", "")
    cost, _ = prices.price(
        _provider(found, request),
        request.GET.get("model", "")[:200],
        input_tokens=int(tokens) if tokens.isascii() and tokens.isdecimal() and len(tokens) < 9 else None,
        output_tokens=0,
        at_ms=int(timezone.now().timestamp() * 1000),
    )
    text = "" if cost is None else f"about {presentation.cents(cost)} before the answer"
    return JsonResponse({"cents": None if cost is None else float(cost), "text": text})


def _provider(workspace: Workspace, request: HttpRequest) -> str | None:
    """Whose prices count: the chosen target's, else the log's."""
    try:
        target = Target.chosen(request.GET.get("target", ""))
    except ValueError:
        target = None
    if target and target.provider:
        return target.provider
    if target and target.virtual_key:
        keys = VirtualKey.objects.in_workspace(workspace).filter(slug=target.virtual_key)
        return keys.values_list("provider", flat=True).first()
    text = request.GET.get("log")
    logs = Log.objects.in_workspace(workspace).filter(id=_uuid(text)) if text else Log.objects.none()
    return logs.values_list("provider", flat=True).first()


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None

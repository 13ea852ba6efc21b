"""Replaying many logs together: choosing them, and looking at what came of it."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from logs.explorer import filters, pagination, presentation
from logs.explorer.filters import Selection
from logs.models import Log
from portkey_logs.accounts.access import SignedInRequest, membership_of, workspace_for
from portkey_logs.accounts.models import Workspace
from portkey_logs.api.errors import UNAUTHORISED, api_error
from replay import batches, panel_section, playground_state
from replay.batches import MAX_LOGS
from replay.concurrency_limits import Refused
from replay.forms import BatchForm
from replay.models import Batch, Run

SELECT_BUDGET_MS = 5000  # somebody waits, but a batch of nothing helps nobody
SHOWN_BATCHES = 50  # about a screen; older ones are found by their logs


@login_required
@require_safe
@cache_control(no_store=True)
def batch_list(request: HttpRequest, workspace: str) -> HttpResponse:
    """What was replayed together, by anybody, newest first."""
    found = workspace_for(request.user, workspace)
    newest = Batch.objects.in_workspace(found).with_names().newest_first()[:SHOWN_BATCHES]
    return TemplateResponse(request, "replay/batches.html", {"workspace": found, "rows": list(newest)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(no_store=True)
def new_batch(request: SignedInRequest, workspace: str) -> HttpResponse:
    """The form, for the list's ticks (a POST with ``log``) or for what the query string selects; the address is the
    list's. A POST with ``start`` begins."""
    found = workspace_for(request.user, workspace)
    selection = filters.select(Log.objects.in_workspace(found), request.GET)
    ticked = _ticked(request)
    starts = "start" in request.POST
    logs_url = reverse("log_list", args=[found.slug]) + (f"?{request.GET.urlencode()}" if request.GET else "")
    if request.method == "POST" and not starts and not ticked:
        messages.error(request, "Tick the logs to replay first.")
        return HttpResponseRedirect(f"{reverse('log_list', args=[found.slug])}?select=1", status=303)
    initial = {"prompt_version": request.GET.get("prompt_version", "")}
    form = BatchForm(found, request.POST if starts else None, ticked=bool(ticked), initial=initial)
    if selection.is_valid and starts and form.is_valid():
        asked = form.cleaned_data
        try:
            batch = batches.start(
                user=request.user,
                workspace=found,
                logs=_logs(found, ticked, selection, asked.get("count", MAX_LOGS)),
                target=asked["target"],
                model=asked["model"],
                prompt_version=asked.get("prompt_version"),
                cost_limit=asked["cost_limit"],
            )
            return redirect("replay_batch", found.slug, batch.id)
        except Refused as refusal:
            form.add_error(None, str(refusal))
    context = {
        "workspace": found,
        "form": form,
        "ticked": ticked,
        "selection": selection,
        "logs_url": logs_url,
        "models": playground_state.models(found),
        "max_logs": MAX_LOGS,
    }
    status = 400 if not selection.is_valid else 422 if form.errors else 200
    return TemplateResponse(request, "replay/batch_new.html", context, status=status)


@login_required
@require_safe
@cache_control(no_store=True)
def batch(request: HttpRequest, workspace: str, id: UUID) -> HttpResponse:
    """How far a batch is, and what came of each log. While it goes on, the page asks for itself again."""
    found, one = _batch(request, workspace, id)
    part = "#progress" if request.htmx and request.htmx.target == "progress" else ""  # type: ignore[attr-defined]
    shown = _shown(found, one)
    shown["may_cancel"] = shown["is_open"] and _may_cancel(request, one)
    response = TemplateResponse(request, f"replay/batch.html{part}", shown)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@login_required
@require_POST
def cancel_batch(request: HttpRequest, workspace: str, id: UUID) -> HttpResponse:
    """End a batch: what waits is not run, and the worker cuts what is under way."""
    found, one = _batch(request, workspace, id)
    if not _may_cancel(request, one):
        raise PermissionDenied("Only who started the replay, an owner or an admin may cancel it.")
    one.end(Batch.State.CANCELLED)
    return redirect("replay_batch", found.slug, one.id)


@require_safe
@cache_control(no_store=True)
def batch_json(request: HttpRequest, workspace: str, id: UUID) -> JsonResponse:
    """The same for programs."""
    if not request.user.is_authenticated:
        return api_error(401, "Sign in first.", UNAUTHORISED)
    found, one = _batch(request, workspace, id)
    shown = _shown(found, one)
    return JsonResponse(
        {
            "id": str(one.id),
            "state": one.state,
            "reason": one.reason or None,
            "target": one.label,
            "cost": {"cents": float(one.costs().spent)},
            "cost_limit": {"cents": float(one.cost_limit)} if one.cost_limit is not None else None,
            "counts": shown["counts"],
            "runs": [
                {
                    "log_id": str(line.run.parent_id),
                    "replay_id": str(line.run.log_id) if line.replay else None,
                    "state": line.run.state,
                    "result": line.run.result or None,
                    "cosine_distance": line.run.distance,
                    "error": line.run.error or None,
                }
                for line in shown["lines"]
            ],
        }
    )


def _ticked(request: HttpRequest) -> list[UUID]:
    try:
        return [UUID(text) for text in request.POST.getlist("log")[:MAX_LOGS]]
    except ValueError:
        raise Http404 from None


def _logs(workspace: Workspace, ticked: list[UUID], selection: Selection, count: int) -> list[Log]:
    """The logs that are meant, newest first."""
    if ticked:
        return list(Log.objects.in_workspace(workspace).filter(id__in=ticked).newest_first())
    page = pagination.fetch_page(
        selection.queryset, size=count, from_index=selection.answers_from_index, budget_ms=SELECT_BUDGET_MS
    )
    return page.rows


def _batch(request: HttpRequest, workspace: str, id: UUID) -> tuple[Workspace, Batch]:
    found = workspace_for(request.user, workspace)
    batches = Batch.objects.in_workspace(found).with_names().select_related("workspace__organisation")
    return found, get_object_or_404(batches, id=id)


def _may_cancel(request: HttpRequest, one: Batch) -> bool:
    return one.may_be_cancelled_by(membership_of(request.user, one.workspace.organisation))


def _shown(workspace: Workspace, one: Batch) -> dict[str, Any]:
    lines = panel_section.lines(workspace, one)
    states = Counter(line.run.state for line in lines)
    return {
        "workspace": workspace,
        "batch": one,
        "lines": lines,
        "counts": dict(Counter(line.outcome for line in lines)),
        "total": len(lines),
        "over": len(lines) - states[Run.State.PENDING] - states[Run.State.RUNNING],
        "is_open": one.state == Batch.State.RUNNING or states[Run.State.RUNNING] > 0,
        "spent": presentation.cents(one.costs().spent),
        "limit": presentation.cents(one.cost_limit) if one.cost_limit is not None else "",
    }

"""Removing a member: what is theirs is listed, and each thing ends with them or goes on in the remover's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from logs.exports.models import Export
from logs.models import Log
from logs.storage.time_budget import within
from portkey_logs.accounts.access import SignedInRequest, managed_workspace_for
from portkey_logs.accounts.models import Actor, ApiKey, Membership, Refused
from portkey_logs.accounts.views.common import own_membership
from replay.cancellation import stops
from replay.models import Batch, Run

LAST_USE_MS = 50  # of one key; a page that asks what to do is not worth more


@dataclass(frozen=True)
class Belonging:
    """Something of a member's that would go on without them. ``field`` names its choice in the form."""

    field: str
    kind: str
    name: str
    workspace: str
    details: str
    end: Callable[[], object]
    keep: Callable[[], object]  # in the remover's name
    is_key: bool = False
    last_use: datetime | None = None


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def remove_member(request: SignedInRequest, workspace: str, id: int) -> HttpResponse:
    """Asks what is to become of what is theirs, then removes them. What nothing is said of ends."""
    place = managed_workspace_for(request.user, workspace)
    remover = own_membership(request, place)
    other = get_object_or_404(place.organisation.memberships.select_related("user", "organisation"), pk=id)
    if request.method != "POST":
        if not remover.may_change(other):
            raise PermissionDenied
        context = {"workspace": place, "person": other, "belongings": list(belongings(other, remover))}
        return render(request, "accounts/remove_member.html", context)
    try:
        remove(other, remover, keep={name for name, value in request.POST.items() if value == "keep"})
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("members", workspace=workspace)
    messages.success(request, f"{other.user.display_name} is no longer in {place.organisation}.")
    return redirect("home") if other.user == request.user else redirect("members", workspace=workspace)


@transaction.atomic
def remove(other: Membership, remover: Membership, keep: set[str]) -> None:
    """Remove a member; of what is theirs, what ``keep`` names goes on in the remover's name. Raises Refused."""
    remover.check_removal(other)
    for each in belongings(other, remover):
        # Who removes themselves has nobody to leave it to.
        if each.field in keep and remover != other:
            each.keep()
        else:
            each.end()
    remover.remove(other)
    for run in Run.objects.open().filter(person=other.user, batch=None, workspace__organisation=other.organisation):
        stops.ask(run)


def belongings(other: Membership, remover: Membership) -> Iterator[Belonging]:
    """What is under way or works in the name of a member, in their organisation."""
    by, heir = Actor(remover.user), remover.user
    for key in other.api_keys.active().select_related("workspace"):
        yield Belonging(
            f"key-{key.pk}",
            "API key",
            key.name,
            key.workspace.name,
            ", ".join(key.scopes),
            end=partial(key.revoke, by),
            keep=partial(key.transfer, heir, by),
            is_key=True,
            last_use=_last_use(key),
        )
    batches = Batch.objects.running().filter(person=other.user, workspace__organisation=other.organisation)
    for batch in batches.select_related("workspace", "prompt_version__prompt"):
        yield Belonging(
            f"batch-{batch.pk}",
            "Replay of many logs",
            batch.label,
            batch.workspace.name,
            "under way",
            end=partial(batch.end, Batch.State.CANCELLED),
            keep=partial(Batch.objects.filter(pk=batch.pk).update, person=heir),
        )
    exports = Export.objects.in_progress().filter(created_by=other.user, workspace__organisation=other.organisation)
    for export in exports:
        yield Belonging(
            f"export-{export.pk}",
            "Export",
            export.description or export.file_name,
            export.workspace.name,
            "being made",
            end=export.stop,
            keep=partial(Export.objects.filter(pk=export.pk).update, created_by=heir),
        )
    for invitation in other.open_invitations:
        yield Belonging(
            f"invitation-{invitation.pk}",
            "Invitation",
            invitation.note or "without a note",
            "",
            invitation.get_role_display(),
            end=partial(invitation.revoke, by),
            keep=partial(invitation.transfer, heir, by),
        )


def _last_use(key: ApiKey) -> datetime | None:
    """When the newest log of a key began; None where there is none, or where looking takes too long."""
    newest = Log.objects.in_workspace(key.workspace).filter(api_key=key.pk).newest_first()
    return next((log.created_at for log in within(LAST_USE_MS, newest.only("id")[:1]) or []), None)

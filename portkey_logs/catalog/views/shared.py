"""What the pages of configs and of virtual keys have in common."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404

from portkey_logs.accounts.access import SignedInRequest, membership_of
from portkey_logs.accounts.models import Actor, Workspace
from portkey_logs.catalog.models.base import Item


def item_or_404[I: Item](kind: type[I], workspace: Workspace, slug: str, *related: str) -> I:
    """The one of the workspace with that slug, and who made it. Raises Http404."""
    items = kind._default_manager.filter(workspace=workspace).select_related("created_by", *related)
    return get_object_or_404(items, slug=slug)


def archive_or_restore(request: SignedInRequest, item: Item) -> None:
    """What the button of its page says."""
    if request.POST.get("archive"):
        item.archive(Actor(request.user))
        messages.success(request, "Archived: calls that name it are refused within 5 seconds.")
    else:
        item.restore(Actor(request.user))
        messages.success(request, "Restored: calls may name it again.")


def can_manage(request: SignedInRequest, workspace: Workspace) -> bool:
    """Whether the person is an owner or an admin."""
    membership = membership_of(request.user, workspace.organisation)
    return membership is not None and membership.can_manage

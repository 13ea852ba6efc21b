"""What the pages of configs and of virtual keys have in common."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404

from portkey_logs.accounts.access import SignedInRequest, permitted_workspace_for, refusal
from portkey_logs.accounts.models import Actor, Workspace
from portkey_logs.accounts.permissions import Right
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


def saving(request: SignedInRequest, workspace: Workspace) -> dict[str, str]:
    """For templates: ``why_not_save``, the reason why the person may not change the catalog, "" where they may."""
    return {"why_not_save": refusal(request.user, workspace, Right.MANAGE_CATALOG)}


def saving_workspace_for(request: SignedInRequest, slug: str) -> Workspace:
    """The workspace, for someone who may change its catalog. Raises Http404, PermissionDenied."""
    return permitted_workspace_for(request.user, slug, Right.MANAGE_CATALOG)

"""Who may open what. Every view asks here; strangers get the same 404 as for what does not exist."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from portkey_logs.accounts import permissions
from portkey_logs.accounts.models import Membership, Organisation, User, Workspace
from portkey_logs.accounts.permissions import Right, Standing


class SignedInRequest(HttpRequest):
    """A request behind ``login_required``."""

    user: User


def workspace_for(user: User | AnonymousUser, slug: str) -> Workspace:
    """The workspace, with its organisation loaded, if the person belongs to that organisation.

    Raises Http404 for strangers and unknown slugs alike: the answer never tells which slugs exist.
    """
    if not user.is_authenticated:
        raise Http404
    workspace = Workspace.objects.for_user(user).select_related("organisation").filter(slug=slug).first()
    if workspace is None:
        raise Http404
    return workspace


def membership_of(user: User | AnonymousUser, organisation: Organisation) -> Membership | None:
    """The person's membership of the organisation, None for strangers."""
    if not user.is_authenticated:
        return None
    return Membership.objects.filter(user=user, organisation=organisation).first()


def permitted_workspace_for(user: User | AnonymousUser, slug: str, right: Right) -> Workspace:
    """The workspace, for someone who has the right there.

    Raises Http404 for strangers, PermissionDenied with the reason for members without the right: they see the
    workspace anyway, so they may as well learn whom to ask.
    """
    workspace = workspace_for(user, slug)
    if reason := refusal(user, workspace, right):
        raise PermissionDenied(reason)
    return workspace


def managed_workspace_for(user: User | AnonymousUser, slug: str) -> Workspace:
    """The workspace, for someone who may manage it (an owner or an admin of its organisation)."""
    return permitted_workspace_for(user, slug, Right.MANAGE_ORGANISATION)


def refusal(user: User | AnonymousUser, workspace: Workspace, right: Right) -> str:
    """Why the person may not, in words for them; "" where they may."""
    membership = membership_of(user, workspace.organisation)
    return permissions.refusal(membership.standing if membership else Standing(), right)

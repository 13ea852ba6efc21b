"""Who may open what. Every view asks here; strangers get the same 404 as for what does not exist."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from portkey_logs.accounts.models import Membership, Organisation, User, Workspace


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


def managed_workspace_for(user: User | AnonymousUser, slug: str) -> Workspace:
    """The workspace, for someone who may manage it (an owner or an admin of its organisation).

    Raises Http404 for strangers, PermissionDenied for members without the right: they see the
    workspace anyway, so they may as well learn whom to ask.
    """
    workspace = workspace_for(user, slug)
    membership = membership_of(user, workspace.organisation)
    if membership is None or not membership.can_manage:
        raise PermissionDenied("Only an owner or an admin of the organisation may do this.")
    return workspace

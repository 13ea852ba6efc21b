"""Members of the organisation and the links that invite new ones."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portkey_logs.accounts.access import SignedInRequest, managed_workspace_for, workspace_for
from portkey_logs.accounts.addresses import absolute_url
from portkey_logs.accounts.forms import InvitationForm
from portkey_logs.accounts.models import Actor, Invitation, Membership, Refused, Workspace
from portkey_logs.accounts.permissions import CATALOG_HINT, CATALOG_LABEL
from portkey_logs.accounts.views.common import action_of, own_membership


@login_required
@never_cache  # the answer to a POST shows a link that lets people in
@require_http_methods(["GET", "POST"])
def members(request: SignedInRequest, workspace: str) -> HttpResponse:
    """Who is in the organisation, for every member; inviting and changing, for those who manage it."""
    place = workspace_for(request.user, workspace)
    membership = own_membership(request, place)
    roles = membership.grantable_roles
    form, new_link = InvitationForm(roles=roles), None
    if request.method == "POST":
        managed_workspace_for(request.user, workspace)
        form = InvitationForm(request.POST, roles=roles)
        if form.is_valid():
            _, token = Invitation.issue(place.organisation, request.user, **form.cleaned_data)
            new_link = absolute_url(request, reverse("invitation", args=[token]))
            form = InvitationForm(roles=roles)
    people = place.organisation.memberships.select_related("user").order_by("user__email")
    context = {
        "workspace": place,
        "membership": membership,
        "rows": [(person, membership.may_change(person)) for person in people],
        "roles": roles,
        "invitations": _open_invitations(place) if membership.can_manage else None,
        "form": form,
        "new_link": new_link,
        "lifetime_days": Invitation.LIFETIME.days,
    }
    return render(request, "accounts/members.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET"])
def member(request: SignedInRequest, workspace: str, id: int) -> HttpResponse:
    """The form that changes the role and right of a person, and the way to remove them."""
    place = managed_workspace_for(request.user, workspace)
    membership = own_membership(request, place)
    person = get_object_or_404(place.organisation.memberships.select_related("user"), pk=id)
    if not membership.may_change(person):
        raise PermissionDenied
    context = {
        "workspace": place,
        "person": person,
        "roles": membership.grantable_roles,
        "catalog_label": CATALOG_LABEL,
        "catalog_hint": CATALOG_HINT,
    }
    return render(request, "accounts/member.html", context)


@action_of("members")
def change_role(request: SignedInRequest, workspace: str, id: int) -> HttpResponse:
    place = managed_workspace_for(request.user, workspace)
    other = get_object_or_404(place.organisation.memberships.select_related("user"), pk=id)
    role = request.POST.get("role", "")
    try:
        if role not in Membership.Role:
            raise Refused("Choose a role.")
        may_manage_catalog = request.POST.get("may_manage_catalog") == "1"
        own_membership(request, place).give_role(other, role, may_manage_catalog=may_manage_catalog)
        right = " and may change what production calls" if may_manage_catalog else ""
        messages.success(request, f"{other.user.display_name} is {other.get_role_display().lower()} now{right}.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("members", workspace=workspace)


@action_of("members")
def revoke_invitation(request: SignedInRequest, workspace: str, id: int) -> HttpResponse:
    place = managed_workspace_for(request.user, workspace)
    get_object_or_404(place.organisation.invitations, pk=id).revoke(Actor(request.user))
    messages.success(request, "The invitation is revoked. Its link no longer works.")
    return redirect("members", workspace=workspace)


def _open_invitations(place: Workspace) -> QuerySet[Invitation]:
    return place.organisation.invitations.open().select_related("created_by").order_by("-created_at")

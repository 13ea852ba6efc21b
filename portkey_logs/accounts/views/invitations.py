"""Joining an organisation by an invitation link."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portkey_logs.accounts.access import membership_of
from portkey_logs.accounts.forms import JoinForm
from portkey_logs.accounts.models import Invitation, Organisation, User
from portkey_logs.accounts.tokens import hash_token
from portkey_logs.accounts.views.common import rate_limited


@never_cache
@sensitive_post_parameters("password")
@rate_limited("signup")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Signed in: a button that joins. Signed out: a form that makes the account, then joins."""
    found = Invitation.objects.select_related("organisation", "created_by").filter(token_hash=hash_token(token)).first()
    if request.user.is_authenticated and found and membership_of(request.user, found.organisation):
        messages.info(request, f"You are a member of {found.organisation} already.")
        return _first_workspace(found.organisation)
    if found is None or not found.is_open:
        return _gone(request, found)
    if request.method != "POST":
        form = None if request.user.is_authenticated else JoinForm()
        return render(request, "accounts/invitation.html", {"invitation": found, "form": form})
    if request.user.is_authenticated:
        return _joined(request, found) if found.accept(request.user) else _gone(request, found)
    return _join_with_new_account(request, found)


def _join_with_new_account(request: HttpRequest, found: Invitation) -> HttpResponse:
    form = JoinForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/invitation.html", {"invitation": found, "form": form}, status=422)
    values = form.cleaned_data
    with transaction.atomic():
        user = User.objects.create_user(values["email"], values["password"], name=values["name"])
        accepted = found.accept(user)
        if not accepted:  # somebody else was faster: no account without an invitation
            transaction.set_rollback(True)
    if not accepted:
        return _gone(request, found)
    login(request, user)
    return _joined(request, found)


def _joined(request: HttpRequest, found: Invitation) -> HttpResponse:
    messages.success(request, f"Welcome to {found.organisation}.")
    return _first_workspace(found.organisation)


def _first_workspace(organisation: Organisation) -> HttpResponse:
    workspace = organisation.workspaces.order_by("pk").first()
    return redirect("log_list", workspace=workspace.slug) if workspace else redirect("home")


def _gone(request: HttpRequest, found: Invitation | None) -> HttpResponse:
    context = {"invitation": found}
    return render(request, "accounts/invitation_gone.html", context, status=404 if found is None else 410)

"""What several pages share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from allauth.decorators import rate_limit
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect

from portkey_logs.accounts.access import SignedInRequest, membership_of, workspace_for
from portkey_logs.accounts.models import Membership, Workspace


def rate_limited[**P](action: str) -> Callable[[Callable[P, HttpResponse]], Callable[P, HttpResponse]]:
    """429 for more POSTs than allauth's limit of that name allows (ACCOUNT_RATE_LIMITS)."""
    limit: Callable[[Callable[P, HttpResponse]], Callable[P, HttpResponse]]
    limit = rate_limit(action=action)  # type: ignore[no-untyped-call]
    return limit


def own_membership(request: SignedInRequest, workspace: Workspace) -> Membership:
    """The person's own membership. Raises PermissionDenied where they were removed since the workspace was read."""
    membership = membership_of(request.user, workspace.organisation)
    if membership is None:
        raise PermissionDenied
    return membership


type Action[**P] = Callable[Concatenate[SignedInRequest, str, P], HttpResponse]


def action_of[**P](page: str) -> Callable[[Action[P]], Callable[..., HttpResponse]]:
    """For the target of a form on a workspace's page: needs a signed-in person and a POST.

    A GET leads back to the page: that is where people land who had to sign in again after they sent the form.
    Strangers get 404.
    """

    def decorate(view: Action[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: SignedInRequest, workspace: str, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "POST":
                return redirect(page, workspace=workspace_for(request.user, workspace).slug)
            return view(request, workspace, *args, **kwargs)

        return login_required(checked)

    return decorate

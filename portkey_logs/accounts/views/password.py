"""One page to set a first password and to change it later."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portkey_logs.accounts.access import SignedInRequest
from portkey_logs.accounts.models import Actor
from portkey_logs.accounts.views.common import rate_limited


@login_required
@never_cache
@sensitive_post_parameters()
@rate_limited("change_password")
@require_http_methods(["GET", "POST"])
def password(request: SignedInRequest) -> HttpResponse:
    """Asks for the old password where there is one. All other sessions of the person end with the change, and so do
    links that would begin one."""
    has_one = request.user.has_usable_password()
    form_class = PasswordChangeForm if has_one else SetPasswordForm
    form = form_class(request.user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        with transaction.atomic():
            request.user.set_password(form.cleaned_data["new_password1"])
            request.user.save(update_fields=["password"])
            request.user.note_password_change(Actor(request.user))
        update_session_auth_hash(request, request.user)
        messages.success(request, "The password is changed." if has_one else "The password is set.")
        return redirect("home")
    return render(
        request, "accounts/password.html", {"form": form, "has_one": has_one}, status=422 if form.errors else 200
    )

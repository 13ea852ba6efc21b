"""Audit events of sign-ins and sign-outs, however they come about: form, link, invitation."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from portkey_logs.accounts.models import Actor, AuditEvent, User
from portkey_logs.accounts.sessions import MAX_BROWSER, SIGNED_IN
from portkey_logs.lib.log_lines import escape_controls


@receiver(user_logged_in)
def _signed_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    AuditEvent.record(None, Actor(user), "sign_in", user.email, _address(request))
    request.session[SIGNED_IN] = {
        "signed_in_at": timezone.now().isoformat(),
        "address": _address(request).removeprefix("from "),
        "browser": escape_controls(request.headers.get("User-Agent", ""))[:MAX_BROWSER],
    }


@receiver(user_logged_out)
def _signed_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        AuditEvent.record(None, Actor(user), "sign_out", user.email, _address(request))


@receiver(user_login_failed)
def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Limits of sign-ins bound how many there are: what they refuse does not come here."""
    login = next((str(credentials[name]) for name in ("email", "username", "login") if credentials.get(name)), "")
    try:
        validate_email(login)
    except ValidationError:
        login = "no address"  # people type their password there
    AuditEvent.record(None, Actor(), "sign_in.failed", login, _address(request) if request else "")


def _address(request: HttpRequest | None) -> str:
    """The address that limits count by."""
    if request is None:
        return ""
    try:
        return f"from {get_adapter(request).get_client_ip(request)}"
    except PermissionDenied:  # it has none, as in tests
        return ""

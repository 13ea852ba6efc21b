"""What differs from allauth's defaults: accounts come from invitations only, and how failed sign-ins are limited."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest, HttpResponse

DEVICE_SALT = "portkey_logs.accounts.device"
DEVICE_SECONDS = 365 * 24 * 3600


class InvitedOnlyAdapter(DefaultAccountAdapter):
    """Signs people in, and lets nobody sign up.

    Failed sign-ins are counted by address, by address and account together, and by account over all addresses
    (ACCOUNT_RATE_LIMITS). The last of these would let anyone lock out a person whose e-mail they know. So it leaves
    out browsers in which the person has signed in before, which have a signed cookie that says so.
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: an account is made by an invitation or on the command line."""
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """No "you have signed in": the page that opens says so well enough."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt; allauth takes it back where it succeeds. Raises ValidationError above a limit."""
        account = str(credentials.get("email", "")).lower()
        keys = {"login_failed": f"{account} {ratelimit.get_ip(request)}"}
        if not _knows_device(request, account):
            keys["login_failed_of_account"] = account
        self._login_failed_rl_usage = ratelimit.RateLimitUsage([])
        for action, key in keys.items():
            usage = ratelimit.consume(request, app="allauth.account", action=action, key=key)
            if usage is None:
                raise self.validation_error("too_many_login_attempts")
            self._login_failed_rl_usage.usage += usage.usage

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        """Remember that the person has signed in in this browser."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        response.set_cookie(
            settings.DEVICE_COOKIE_NAME,
            signing.dumps(user.get_username().lower(), salt=DEVICE_SALT),
            max_age=DEVICE_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response


def _knows_device(request: HttpRequest, account: str) -> bool:
    cookie = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    try:
        return bool(signing.loads(cookie, salt=DEVICE_SALT, max_age=DEVICE_SECONDS) == account)
    except signing.BadSignature:
        return False

"""One-time sign-in links: a GET shows a button, only its POST uses the link up."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portkey_logs.accounts.models import SignInLink
from portkey_logs.accounts.tokens import hash_token


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """404 for a link nobody made, 410 for one that is used or expired; both say how to get a fresh one."""
    link = SignInLink.objects.select_related("user").filter(token_hash=hash_token(token)).first()
    if link is None or not link.is_open:
        return _gone(request, link)
    if request.method != "POST":
        return render(request, "accounts/link.html", {"link": link})
    if not link.use_up():
        return _gone(request, link)
    login(request, link.user)
    if not link.user.has_usable_password():
        text = '<a href="{}">Set a password to sign in without a link</a>'
        messages.info(request, format_html(text, reverse("password")))
    return redirect("home")


def _gone(request: HttpRequest, link: SignInLink | None) -> HttpResponse:
    return render(request, "accounts/link_gone.html", {"link": link}, status=404 if link is None else 410)

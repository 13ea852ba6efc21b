"""Addresses to hand on."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def absolute_url(request: HttpRequest, path: str) -> str:
    """The path as a link for others: below the configured public address, else the one of this request."""
    public_url: str = settings.PUBLIC_URL
    return public_url + path if public_url else request.build_absolute_uri(path)

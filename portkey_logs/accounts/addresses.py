"""Addresses to hand on."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


def absolute_url(request: HttpRequest, path: str) -> str:
    """The path as a link for others: below the configured public address, else the one of this request."""
    public_url: str = settings.PUBLIC_URL
    return public_url + path if public_url else request.build_absolute_uri(path)


def calls_url(request: HttpRequest) -> str:
    """Where callers find capture, to be told to people: as configured, else capture's port on the host of this page.

    Without a slash or ``/v1`` at its end.
    """
    if settings.CALLS_URL:
        return str(settings.CALLS_URL)
    host = urlsplit(absolute_url(request, "/")).hostname or "localhost"
    capture = urlsplit(settings.CAPTURE_URL)
    return f"http://{f'[{host}]' if ':' in host else host}:{capture.port or 80}"

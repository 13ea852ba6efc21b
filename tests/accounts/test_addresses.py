"""The addresses that pages tell people to use."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from portkey_logs.accounts.addresses import calls_url


@pytest.mark.parametrize(
    ("options", "host", "expected"),
    [
        ({}, "127.0.0.1:9000", "http://127.0.0.1:8788"),
        ({}, "logs.example.org", "http://logs.example.org:8788"),
        ({"CAPTURE_URL": "http://capture:9001"}, "logs.example.org:8000", "http://logs.example.org:9001"),
        ({}, "[::1]:8000", "http://[::1]:8788"),
        ({"PUBLIC_URL": "https://logs.example.org"}, "10.0.0.5:8000", "http://logs.example.org:8788"),
        ({"CALLS_URL": "https://llm.example.org"}, "logs.example.org", "https://llm.example.org"),
    ],
)
def test_where_callers_find_capture(settings: Settings, options: dict[str, str], host: str, expected: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    for name, value in options.items():
        setattr(settings, name, value)
    assert calls_url(RequestFactory().get("/", headers={"host": host})) == expected

"""Low 9: with an https address there was no HSTS, and any subdomain could set our cookies."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.logs.processes import PROJECT

SHOW = """
import json, django
django.setup()
from django.test import Client, override_settings
from django.conf import settings
response = Client(headers={"x-forwarded-proto": "%s"}).get("/static/css/base.css", headers={"host": "localhost"})
names = [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.DEVICE_COOKIE_NAME]
flags = [settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE]
paths = [settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN, settings.CSRF_COOKIE_PATH]
print(json.dumps([response.headers.get("Strict-Transport-Security"), names, flags, paths]))
"""


def of(public_url: str, scheme: str) -> list[object]:
    """What a process with that public address says."""
    known = os.environ | {"PORTKEY_LOGS_PUBLIC_URL": public_url, "DJANGO_SETTINGS_MODULE": "portkey_logs.settings"}
    command = [sys.executable, "-c", SHOW % scheme]
    done = subprocess.run(command, cwd=PROJECT, env=known, capture_output=True, text=True, check=True)
    answer: list[object] = json.loads(done.stdout)
    return answer


def test_with_https() -> None:
    hsts, names, flags, paths = of("https://logs.example.org", "https")
    assert hsts == "max-age=31536000"
    assert names == ["__Host-sessionid", "__Host-csrftoken", "__Host-device"]
    assert flags == [True, True]
    assert paths == ["/", None, "/"], "browsers refuse __Host- cookies with anything else"


@pytest.mark.parametrize("public_url", ["", "http://logs.example.org"])
def test_without(public_url: str) -> None:
    """A forged header of a proxy that is not there changes nothing."""
    hsts, names, flags, _ = of(public_url, "https")
    assert (hsts, flags) == (None, [False, False])
    assert names == ["sessionid", "csrftoken", "device"]

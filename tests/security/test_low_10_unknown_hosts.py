"""Low 10: each request for an unknown host wrote a traceback of some twenty lines."""

from __future__ import annotations

import logging
import logging.config

import pytest
from django.conf import settings
from django.test import Client

from tests.factories import People


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "[::2]", "a b", "\x1b[2J", "x" * 5_000])
def test_an_unknown_host_is_one_line(client: Client, capsys: pytest.CaptureFixture[str], host: str) -> None:
    logging.config.dictConfig(settings.LOGGING)  # its handler writes where the test reads
    response = client.get("/accounts/login/", headers={"host": host})
    assert response.status_code == 400
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if "Invalid HTTP_HOST" in line]) == 1
    assert len(lines) <= 2, "the other is that of the answer"
    assert "Traceback" not in "".join(lines)


def test_what_a_member_may_not_is_one_line(client: Client, people: People, capsys: pytest.CaptureFixture[str]) -> None:
    logging.config.dictConfig(settings.LOGGING)
    client.force_login(people.bob)
    for path in ("/w/acme/members/1/role/", "/w/acme/keys/"):
        assert client.post(path).status_code == 403
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("Forbidden" in line for line in lines)

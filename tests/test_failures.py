"""What people and programs are told when there is nothing, or nothing to ask."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from logs import pagination
from tests.factories import PASSWORD, People


@pytest.fixture
def _away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    monkeypatch.setattr(pagination, "fetch_page", fail)


@pytest.mark.usefixtures("_away")
@pytest.mark.parametrize(("path", "kind"), [("/w/acme/logs/", "text/html"), ("/w/acme/logs.json", "application/json")])
def test_it_is_said_and_not_a_crash(path: str, kind: str, client: Client, people: People) -> None:
    client.login(username="alice@example.org", password=PASSWORD)
    answer = client.get(path)
    assert answer.status_code == 503
    assert answer["Content-Type"].startswith(kind)
    assert answer["Retry-After"] == "5"
    assert b"atabase is away" in answer.content
    assert b"unexpectedly" not in answer.content


@pytest.mark.parametrize("path", ["/v1/configs", "/v1/logs/17", "/w/other/logs.json"])
def test_programs_get_json_where_there_is_nothing(path: str, client: Client, people: People) -> None:
    client.login(username="alice@example.org", password=PASSWORD)
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["status"] == "failure"
    assert path in answer.json()["message"]

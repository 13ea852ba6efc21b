"""What people and programs are told when there is nothing, or nothing to ask."""

import json
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from logs.explorer import pagination
from portkey_logs.accounts.models import ApiKey
from portkey_logs.catalog.models import Config
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
    assert b"atabase is unavailable" in answer.content
    assert b"unexpectedly" not in answer.content


@pytest.mark.parametrize("path", ["/nothing", "/w/acme/nothing/", "/exports/forged/file"])
def test_that_there_is_nothing_cannot_be_said_to_people_without_a_database(
    path: str, client: Client, people: People
) -> None:
    def fail(*args: Any) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    client.login(username="alice@example.org", password=PASSWORD)
    with connection.execute_wrapper(fail):
        answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/logs/17", "/w/other/logs.json"])
def test_programs_get_json_where_there_is_nothing(path: str, client: Client, people: People) -> None:
    client.login(username="alice@example.org", password=PASSWORD)
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["status"] == "failure"
    assert path in answer.json()["message"]


TIMES = "time_of_generation_min=2026-11-20T00:00:00Z&time_of_generation_max=2026-11-26T00:00:00Z"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/configs/a%00b", ""),
        ("/v1/prompts?search=%00", ""),
        (f"/v1/analytics/graphs/requests?{TIMES}&span_id=%00", ""),
        (f"/v1/analytics/graphs/requests?{TIMES}&metadata={'[' * 2000}", ""),
        ("/v1/configs", r'{"name": "\ud800", "config": {"retry": {"attempts": 1}}}'),
        ("/v1/configs", f'{{"name": "a", "config": {{"virtual_key": "a", "request_timeout": 1{"0" * 400}}}}}'),
        ("/v1/prompts", r'{"name": "a", "string": "a", "parameters": {}, "label": "\u0000"}'),
        ("/v1/prompts", f'{{"name": "a", "string": "a", "parameters": {{}}, "model": "{"m" * 300}"}}'),
        ("/v1/prompts", f'{{"name": "a", "string": "a", "parameters": {{}}, "config": "{"c" * 300}"}}'),
        ("/v1/virtual-keys", r'{"name": "a", "provider": "openai", "key": "sk\ud800"}'),
        ("/v1/virtual-keys", r'{"name": "a", "provider": "openai", "key": "sk", "openai_project": "\u0000"}'),
        (
            "/v1/virtual-keys",
            '{"name": "a", "provider": "openai", "key": "k", "expires_at": "9999-12-31T23:59:59-12:00"}',
        ),
        (
            "/v1/virtual-keys",
            '{"name": "a", "provider": "openai", "key": "k", "expires_at": "0001-01-01T00:00:00+14:00"}',
        ),
        ("/v1/logs/exports", r'{"requested_data": ["id"], "filters": {"ai_model": "\ud800"}}'),
        ("/v1/logs/exports", '{"requested_data": ["id"], "filters": {"time_of_generation_min": "9999w"}}'),
    ],
)
def test_programs_learn_that_a_value_cannot_be_kept(path: str, body: str, client: Client, people: People) -> None:
    _, key = ApiKey.issue(people.workspace, "all", scopes=ApiKey.SCOPES)
    headers = {"x-portkey-api-key": key}
    answer = (
        client.post(path, body, content_type="application/json", headers=headers)
        if body
        else client.get(path, headers=headers)
    )
    assert (answer.status_code, answer.json()["status"]) == (400, "failure")


@pytest.mark.parametrize("for_programs", [True, False])
def test_of_two_who_take_a_name_at_once_one_hears_of_the_other(
    for_programs: bool, client: Client, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key = ApiKey.issue(people.workspace, "all", scopes=ApiKey.SCOPES)
    client.login(username="alice@example.org", password=PASSWORD)
    monkeypatch.setattr(Config, "_new_slug", lambda *args: "pc-taken")  # both have found it free
    body = {"name": "a", "slug": "pc-taken", "config": {"retry": {"attempts": 1}}}
    form = {"name": "a", "slug": "pc-taken", "body": json.dumps(body["config"])}
    headers = {"x-portkey-api-key": key}
    for status in (200 if for_programs else 302, 409):
        with transaction.atomic():
            answer = (
                client.post("/v1/configs", body, content_type="application/json", headers=headers)
                if for_programs
                else client.post("/w/acme/configs/new/", form)
            )
        assert answer.status_code == status


SAVED = {"body": '{"messages": [{"role": "user", "content": "Hi"}]}', "name": "n"}


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/w/acme/configs/a%00b/", None, 400),
        ("/w/acme/prompts/a%00b/", None, 400),
        ("/w/acme/prompts/save/", SAVED | {"description": "a\0b"}, 400),
        ("/w/acme/prompts/save/", SAVED | {"target": "inline:" + json.dumps({"a": "b" * 200})}, 303),
        ("/w/acme/prompts/save/", {"body": "{}", "prompt": "../x/"}, 303),
        ("/w/acme/prompts/save/", {"body": "{}", "log": "zz"}, 303),
        ("/w/acme/virtual-keys/new/", {"name": "a", "provider": "openai", "key": "k", "last_day": "9999-12-31"}, 422),
        ("/w/acme/keys/", {"name": "a", "scopes": ["logs.view"], "last_day": "9999-12-31"}, 422),
        ("/w/acme/playground/?prompt=a/b", None, 404),
        (f"/w/acme/logs/?q=a&cursor=newer-{'f' * 32}", None, 200),
        ("/w/acme/logs/?since=9999w", None, 400),
        ("/w/acme/analytics/?all=1&until=9999w", None, 400),
        ("/w/acme/analytics/?all=1&api_key=nobody", None, 200),
        ("/w/acme/analytics/users/?all=1&api_key=nobody&compare=1", None, 200),
        ("/w/acme/analytics/summary.csv?api_key=nobody", None, 200),
    ],
)
def test_people_learn_it_too(path: str, form: Any, status: int, client: Client, people: People) -> None:
    client.login(username="alice@example.org", password=PASSWORD)
    answer = client.get(path) if form is None else client.post(path, form)
    assert answer.status_code == status

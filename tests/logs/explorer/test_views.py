"""Every address of the log pages: who sees what, what a bad address answers, and what a page costs."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from portkey_logs.lib import uuid7
from tests.factories import PASSWORD, People, make_key, sign_in

pytestmark = pytest.mark.usefixtures("inline_writer")

PAGES = [
    "/w/acme/logs/",
    "/w/acme/logs/count/",
    "/w/acme/logs/{id}/",
    "/w/acme/logs/{id}/body/request/?view=raw",
    "/w/acme/logs/{id}/body/response/?view=json",
    "/w/acme/logs/{id}/body/request/node/?at=/1",
    "/w/acme/logs/{id}/raw/request",
    "/w/acme/logs/{id}/raw/response",
]
TWINS = ["/w/acme/logs.json", "/w/acme/logs/{id}.json"]


@pytest.mark.parametrize("address", PAGES + TWINS)
@pytest.mark.parametrize("name", ["alice", "bob"])
def test_the_organisation_sees_it(name: str, address: str, client: Client, people: People, store: Any) -> None:
    (record,) = store({"user": "somebody-special"})
    answer = sign_in(client, name).get(address.format(id=record.id))
    assert answer.status_code == 200


@pytest.mark.parametrize("address", PAGES + TWINS)
def test_nobody_else_does(address: str, client: Client, people: People, store: Any) -> None:
    (record,) = store({})
    sign_in(client, "charlie")
    assert client.get(address.format(id=record.id)).status_code == 404
    assert client.get(address.format(id=record.id).replace("/w/acme/", "/w/elsewhere/")).status_code in (200, 404)
    assert str(record.id).encode() not in client.get("/w/elsewhere/logs/").content


@pytest.mark.parametrize("address", PAGES[2:] + TWINS[1:])
def test_a_log_is_not_there_under_another_workspace(address: str, client: Client, people: People, store: Any) -> None:
    (record,) = store({}, workspace_id=people.elsewhere.id)
    assert sign_in(client, "alice").get(address.format(id=record.id)).status_code == 404
    assert client.get(address.format(id=uuid4())).status_code == 404


@pytest.mark.parametrize("address", PAGES)
def test_signed_out_people_are_asked_to_sign_in_and_come_back(
    address: str, client: Client, people: People, store: Any
) -> None:
    (record,) = store({})
    address = address.format(id=record.id)
    answer = client.get(address)
    assert answer.status_code == 302
    form = client.get(answer["Location"])
    assert form.status_code == 200
    signed_in = client.post(answer["Location"], {"login": "bob@example.org", "password": PASSWORD})
    assert signed_in.status_code == 302
    assert signed_in["Location"] == address


@pytest.mark.parametrize("address", TWINS)
def test_the_json_twins_tell_signed_out_callers_so(address: str, client: Client, people: People, store: Any) -> None:
    (record,) = store({})
    answer = client.get(address.format(id=record.id))
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("address", PAGES + TWINS)
def test_only_reading(address: str, client: Client, people: People, store: Any) -> None:
    (record,) = store({})
    assert sign_in(client, "alice").post(address.format(id=record.id)).status_code == 405


@pytest.mark.parametrize("address", PAGES + TWINS)
def test_an_api_key_opens_no_page(address: str, client: Client, people: People, api_key: str, store: Any) -> None:
    (record,) = store({})
    answer = client.get(address.format(id=record.id), headers={"x-portkey-api-key": api_key})
    assert answer.status_code in (302, 401)


def test_list_and_twin_agree(client: Client, people: People, store: Any) -> None:
    store({"user": "ada"}, {"user": "bob"}, {"user": "ada", "is_success": False, "status_code": 500})
    sign_in(client, "alice")
    for query in ("", "?user=ada", "?status=failed", "?user=nobody", "?cache=hit"):
        page = client.get(f"/w/acme/logs/{query}").content.decode()
        twin = client.get(f"/w/acme/logs.json{query}").json()
        shown = [
            part[: part.index('"')]
            for part in page.split('<tr class="log')[1:]
            for part in [part.split('data-log-id="')[1]]
        ]
        assert shown == [item["id"] for item in twin["data"]]


@pytest.mark.parametrize(
    "query", ["status=abc", "since=soon", "cache=HIT!", "type=x", "cursor=zzz", "model=" + "x" * 400, "user=%00"]
)
def test_bad_values_answer_400_with_the_message_and_no_row(
    query: str, client: Client, people: People, store: Any
) -> None:
    store({})
    answer = sign_in(client, "alice").get(f"/w/acme/logs/?{query}")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "data-log-id" not in page
    assert 'role="alert"' in page


@pytest.mark.parametrize("query", ["", "user=ada"])
def test_the_list_costs_few_queries_and_never_reads_bodies(
    query: str, client: Client, people: People, store: Any, django_assert_max_num_queries: Any
) -> None:
    store(*({"user": "ada"} for _ in range(60)))
    sign_in(client, "alice")
    with django_assert_max_num_queries(9) as captured:
        client.get(f"/w/acme/logs/?{query}")
    assert not any("_body" in query["sql"] for query in captured.captured_queries)
    few = len(captured)
    store(*({"user": "ada"} for _ in range(60)))
    with django_assert_max_num_queries(few):
        client.get(f"/w/acme/logs/?{query}")


def test_a_shared_link_to_an_old_log_shows_it_in_its_list(client: Client, people: People, store: Any) -> None:
    (old,) = store({"id": uuid7.uuid7(uuid7.time_ms(uuid7.uuid7()) - 86_400_000)})
    store(*({} for _ in range(60)))
    page = sign_in(client, "bob").get(f"/w/acme/logs/{old.id}/").content.decode()
    assert f'data-log-id="{old.id}"' in page


def test_htmx_gets_the_part_it_swaps(client: Client, people: People, store: Any) -> None:
    (record,) = store({})
    sign_in(client, "alice")
    panel = client.get(f"/w/acme/logs/{record.id}/", headers={"HX-Request": "true", "HX-Target": "log-panel"})
    assert "<html" not in panel.content.decode()
    assert 'id="log-panel"' in panel.content.decode()
    assert "<tr" not in panel.content.decode()
    assert "HX-Request" in panel["Vary"]
    assert "no-store" in panel["Cache-Control"]
    results = client.get("/w/acme/logs/", headers={"HX-Request": "true", "HX-Target": "results"}).content.decode()
    assert "<html" not in results
    assert str(record.id) in results


def test_the_front_door_leads_to_logs(client: Client, people: People, store: Any) -> None:
    assert client.get("/")["Location"].startswith("/accounts/login/")
    store({})
    assert sign_in(client, "alice").get("/")["Location"] == "/w/acme/logs/"


def test_every_page_carries_the_content_security_policy(client: Client, people: People, store: Any) -> None:
    (record,) = store({})
    policy = sign_in(client, "alice").get(f"/w/acme/logs/{record.id}/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\ufffd{{ 7|add:7 }}"


def test_hostile_text_in_every_field_stays_text(client: Client, people: People, store: Any) -> None:
    texts = dict.fromkeys(
        ["trace_id", "span_id", "span_name", "model", "requested_model", "provider", "user", "error_type",
         "error_message", "finish_reason", "config", "prompt", "virtual_key", "url", "path", "cost_source"],
        HOSTILE,
    )  # fmt: skip
    body = ('{"model": %s, "messages": [{"role": %s, "content": %s}]}' % ((json.dumps(HOSTILE),) * 3)).encode()
    (record,) = store(
        texts | {"metadata": {HOSTILE: HOSTILE}, "is_success": False, "request_body": body, "response_body": body,
                 "request_headers": {HOSTILE: HOSTILE}}
    )  # fmt: skip
    sign_in(client, "alice")
    for view in ("pretty", "json", "raw"):
        page = client.get(f"/w/acme/logs/{record.id}/?request={view}&response={view}").content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "{{" in page


def test_the_variables_of_a_prompt_are_shown_and_told(client: Client, people: People, store: Any) -> None:
    values = {"name": "<b>Ada</b>", "papers": ["a", 1], "long": "x" * 5000, "odd": "\ud800"}
    (record,) = store({"prompt": "pp-greet", "variables": json.dumps(values).encode()})
    page = sign_in(client, "bob").get(f"/w/acme/logs/{record.id}/").content.decode()
    assert "&lt;b&gt;Ada&lt;/b&gt;" in page
    assert "<b>Ada</b>" not in page
    assert "[&quot;a&quot;,1]" in page
    assert "and 4,500 characters more" in page
    told = client.get(f"/w/acme/logs/{record.id}.json").content
    assert json.loads(told)["log"]["variables"] == values


def test_a_workspace_without_logs_shows_how_to_send_the_first(client: Client, people: People) -> None:
    page = sign_in(client, "alice").get("/w/acme/logs/").content.decode()
    assert "http://testserver:8788/v1/chat/completions" in page
    assert make_key(people.workspace)[1] not in page


def test_a_person_in_no_organisation_is_told_what_to_do(client: Client, people: People) -> None:
    people.alice.memberships.all().delete()
    client.force_login(people.alice)
    page = client.get("/")
    assert page.status_code == 403
    assert "Ask an owner or an admin" in page.content.decode()

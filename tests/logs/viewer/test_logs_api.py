"""``/v1/logs`` from outside: real captures in, the same words out, in JSON and in HTML."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from logs.models import Log
from tests.factories import PASSWORD, People, make_key
from tests.logs.ingest.gateway_fixtures import FIXTURES

pytestmark = pytest.mark.usefixtures("inline_writer")


def as_log(fixture: dict[str, Any]) -> dict[str, Any]:
    """A capture as a caller of ``POST /v1/logs`` would send it; streams as their SSE text."""
    request, response = fixture["request"], fixture["response"]
    streamed = "chunks" in response
    return {
        "request": {
            "url": "http://127.0.0.1:8787" + request["path"],
            "method": request["method"],
            "headers": request["headers"],
            "body": request["body"],
        },
        "response": {
            "status": response["status"],
            "headers": response["headers"],
            "body": "".join(response["chunks"]) if streamed else response.get("body"),
            "response_time": fixture["duration_ms"],
            "streamingMode": streamed,
        },
    }


def post(client: Client, key: str, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return client.post(
        "/v1/logs", content, content_type="application/json", headers={"x-portkey-api-key": key} | headers
    )


@pytest.mark.parametrize("name", FIXTURES)
def test_each_capture_shows_exactly_its_states_in_json_and_in_html(
    name: str, client: Client, people: People, api_key: str
) -> None:
    fixture = FIXTURES[name]
    answer = post(client, api_key, as_log(fixture))
    assert answer.status_code == 200, answer.content
    (log_id,) = answer.json()["log_ids"]
    derived = fixture["derived"]
    texts = [derived[group] for group in ("cache", "retry", "fallback", "loadbalance")]

    item = client.get(f"/v1/logs/{log_id}", headers={"x-portkey-api-key": api_key}).json()["log"]
    assert [item["gateway"][group]["label"] for group in ("cache", "retry", "fallback", "loadbalance")] == texts
    expected = fixture["expected"]
    assert item["request_type"] == expected["request_type"]
    assert item["provider"] == expected["provider"]
    assert item["requested_model"] == expected["requested_model"]
    assert item["model"] == (expected["response_model"] or expected["requested_model"])
    assert {kind: item["tokens"][kind] for kind in ("input", "output")} == expected["tokens"]
    assert item["finish_reason"] == expected["finish_reason"]
    assert item["stream"] is expected["stream"]
    assert item["is_success"] is expected["is_success"]
    assert (item["completeness"] == "cut") is (expected["stream_complete"] is False)

    client.login(username="alice@example.org", password=PASSWORD)
    page = client.get(f"/w/acme/logs/{log_id}/").content.decode()
    row = page[page.index(f'data-log-id="{log_id}"') :]
    row = row[: row.index("</tr>")]
    for group, text in zip(("cache", "retry", "fallback", "loadbalance"), texts, strict=True):
        state = row[row.index(f'data-status="{group}"') :]
        state = state[: state.index(f">{text}") + len(text) + 1]
        assert f'data-state="{item["gateway"][group]["state"]}"' in state
        assert state.count("data-status=") == 1
    panel = page[page.index('id="log-panel"') :]
    for text in texts:
        assert text in panel


def test_no_key_of_a_capture_reaches_the_database_or_a_page(client: Client, people: People, api_key: str) -> None:
    for fixture in FIXTURES.values():
        post(client, api_key, as_log(fixture))
    listing = client.get("/v1/logs?limit=200", headers={"x-portkey-api-key": api_key}).json()
    assert len(listing["data"]) == len(FIXTURES)
    for item in listing["data"]:
        shown = client.get(f"/v1/logs/{item['id']}", headers={"x-portkey-api-key": api_key}).content
        assert b"sk-stub-0000" not in shown
        assert b'"sk-stub"' not in shown
        assert b'\\"sk-stub\\"' not in shown


def test_the_list_pages_with_its_cursor(client: Client, people: People, api_key: str, store: Any) -> None:
    records = store(*({"user": "ada"} for _ in range(7)), {"user": "bob"})
    headers = {"x-portkey-api-key": api_key}
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = client.get(f"/v1/logs?user=ada&limit=3&cursor={cursor}", headers=headers).json()
        assert page["object"] == "list"
        assert page["has_more"] is (page["next_cursor"] is not None)
        seen += [item["id"] for item in page["data"]]
        cursor = page["next_cursor"]
    assert seen == [str(record.id) for record in reversed(records[:7])]


def test_an_item_has_the_documented_shape(client: Client, people: People, api_key: str) -> None:
    body = as_log(FIXTURES["chat_plain"]) | {
        "trace_id": "t-1", "span_id": "s-1", "parent_span_id": "p-1",
        "metadata": {"_user": "u1", "env": "prod"}, "createdAt": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    assert post(client, api_key, body).status_code == 400  # tomorrow at the latest
    del body["createdAt"]
    (log_id,) = post(client, api_key, body).json()["log_ids"]
    item = client.get("/v1/logs", headers={"x-portkey-api-key": api_key}).json()["data"][0]
    assert item["url"] == f"http://testserver/w/acme/logs/{log_id}/"
    assert (item["trace_id"], item["span_id"], item["parent_span_id"]) == ("t-1", "s-1", "p-1")
    assert item["created_at"].endswith("Z")
    assert item["tokens"] == {
        "input": 24, "output": 8, "total": 32, "cached": 0, "cache_write": None, "reasoning": 0,
        "input_audio": 0, "output_audio": 0, "origin": "provider",
    }  # fmt: skip
    assert item["has"] == {"images": False, "audio": False, "tools": False}
    assert item["cost"]["cents"] == pytest.approx(24 * 0.000015 + 8 * 0.00006)
    assert item["cost"]["source"].startswith("genai-prices ")
    assert (item["user"], item["metadata"]) == ("u1", {"_user": "u1", "env": "prod"})
    assert item["workspace"] == "acme"
    assert item["feedback"] == {"count": 0, "weighted_average": None}
    assert set(item) >= {"method", "path", "virtual_key", "config", "prompt", "source", "completeness", "error"}


def test_the_log_object_carries_bodies_as_they_were(client: Client, people: People, api_key: str) -> None:
    request_body = '{"model": "m", "messages": [], "n": 1.0, "big": 12345678901234567890, "dup": 1, "dup": 2}'
    body = '{"request": {"url": "/v1/chat/completions", "body": %s}, "response": {"body": "not json"}}' % request_body
    (log_id,) = post(client, api_key, body).json()["log_ids"]
    answer = client.get(f"/v1/logs/{log_id}", headers={"x-portkey-api-key": api_key})
    assert request_body in answer.content.decode()
    assert answer.json()["response"]["body"] == "not json"
    assert answer.json()["_id"] == log_id
    client.login(username="bob@example.org", password=PASSWORD)
    raw = client.get(f"/w/acme/logs/{log_id}/raw/request")
    assert raw.content == request_body.encode()
    assert raw["Content-Disposition"].startswith("attachment")
    assert raw["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("query", "name"),
    [("status=abc", "status"), ("limit=0", "limit"), ("limit=1e9", "limit"), ("limit=" + "9" * 5000, "limit"), ("cursor=x", "cursor"), ("cache=maybe", "cache")],
)  # fmt: skip
def test_bad_queries_name_the_parameter_and_answer_no_rows(
    query: str, name: str, client: Client, people: People, api_key: str, store: Any
) -> None:
    store({})
    answer = client.get(f"/v1/logs?{query}", headers={"x-portkey-api-key": api_key})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [name]
    assert "data" not in answer.json()


def test_keys_open_their_own_workspace_only(client: Client, people: People, api_key: str) -> None:
    (log_id,) = post(client, api_key, {"request": {}, "response": {}}).json()["log_ids"]
    other = make_key(people.elsewhere)[1]
    assert client.get(f"/v1/logs/{log_id}", headers={"x-portkey-api-key": other}).status_code == 404
    assert client.get("/v1/logs", headers={"x-portkey-api-key": other}).json()["data"] == []
    assert client.get(f"/v1/logs/{uuid4()}", headers={"x-portkey-api-key": api_key}).status_code == 404
    for wrong in ("", "plk_wrong", "nonsense"):
        assert client.get("/v1/logs", headers={"x-portkey-api-key": wrong}).status_code == 401
        assert post(client, wrong, {"request": {}, "response": {}}).status_code == 401
    assert Log.objects.count() == 1


@pytest.mark.parametrize(
    ("scopes", "may_write", "may_view"),
    [(("logs.write",), True, False), (("logs.view",), False, True), ((), False, False)],
)
def test_scopes(scopes: tuple[str, ...], may_write: bool, may_view: bool, client: Client, people: People) -> None:
    key = make_key(people.workspace, scopes=scopes)[1]
    assert (post(client, key, {"request": {}, "response": {}}).status_code == 200) is may_write
    assert (client.get("/v1/logs", headers={"x-portkey-api-key": key}).status_code == 200) is may_view


def test_reading_lists_costs_a_fixed_number_of_queries(
    client: Client, people: People, api_key: str, store: Any, django_assert_max_num_queries: Any
) -> None:
    store(*({} for _ in range(60)))
    client.get("/v1/logs", headers={"x-portkey-api-key": api_key})
    with django_assert_max_num_queries(4) as captured:
        client.get("/v1/logs", headers={"x-portkey-api-key": api_key})
    # Whether there is a body, ``replay`` has to say.
    assert not any(
        re.search(r"_body\b(?<!log_body)(?! IS NOT NULL)", query["sql"]) for query in captured.captured_queries
    )

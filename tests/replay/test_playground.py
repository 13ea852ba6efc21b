"""The playground's page: what it opens, what it keeps, and what it says of runs."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.test import Client

from replay import playground_state
from replay.models import Run, packed
from tests.factories import PASSWORD, People
from tests.replay.conftest import World

NOBODYS = "00000000-0000-7000-8000-000000000000"
UNKNOWN = b'{"model" : "gpt-4o",\n "seed":12345678901234567890, "x_ours":{"b":1.0,"a":[]},"messages":[{"role":"user","content":"h\\u00e9"}]}'


def text_of(page: Any) -> str:
    """What the text area holds: HTML drops the line end that it begins with."""
    found = re.search(r'<textarea id="pg-body"[^>]*>\n(.*?)</textarea>', page.content.decode(), re.DOTALL)
    assert found
    return html.unescape(found[1])


@pytest.mark.parametrize(
    "body", [UNKNOWN, b"\n\n{}", b"no json </textarea><script>alert(1)</script>", "天気\u202e".encode()]
)
def test_a_log_opens_exactly_as_it_was(body: bytes, alice: Client, store: Any) -> None:
    (record,) = store({"request_body": body})
    page = alice.get(f"/w/acme/playground/?log={record.id}")
    assert page.status_code == 200
    assert text_of(page).encode() == body
    assert "<script>alert" not in page.content.decode()


def test_it_takes_few_queries(alice: Client, store: Any, django_assert_max_num_queries: Any) -> None:
    (record,) = store({})
    with django_assert_max_num_queries(13):
        alice.get(f"/w/acme/playground/?log={record.id}")


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        ({"request_type": "image_generation"}, "The endpoint is not /chat/completions, /completions or /embeddings."),
        ({"request_body": None, "completeness": "not_kept"}, "The body of the request was not kept."),
        ({"provider": "openai"}, "No credential is known for openai. Choose a virtual key to go on."),
        ({"request_body": b"\xff{}", "provider": "demo"}, "Unedited, they are sent as they are."),
    ],
)
def test_it_says_what_stands_in_the_way(difference: dict[str, Any], words: str, alice: Client, store: Any) -> None:
    (record,) = store(difference)
    assert words in html.unescape(alice.get(f"/w/acme/playground/?log={record.id}").content.decode())


def test_what_is_too_large_to_edit_can_still_be_run(alice: Client, store: Any) -> None:
    (record,) = store({"request_body": b'"' + b"x" * playground_state.EDITOR_BYTES + b'"'})
    page = alice.get(f"/w/acme/playground/?log={record.id}").content.decode()
    assert "too large to be edited here" in page
    assert 'id="pg-body"' not in page


@pytest.mark.parametrize(
    ("kind", "path", "member"),
    [("", "/v1/chat/completions", "messages"), ("completion", "/v1/completions", "prompt"),
     ("embedding", "/v1/embeddings", "input"), ("nonsense", "/v1/chat/completions", "messages")],
)  # fmt: skip
def test_a_fresh_one(kind: str, path: str, member: str, alice: Client) -> None:
    page = alice.get(f"/w/acme/playground/?kind={kind}")
    assert member in json.loads(text_of(page))
    assert f'name="path" value="{path}"' in page.content.decode()
    assert '<option value="provider:demo" selected>' in page.content.decode()


@pytest.mark.parametrize("query", ["log=nonsense", f"log={NOBODYS}", f"run={NOBODYS}", "run=1"])
def test_what_is_not_there(query: str, alice: Client) -> None:
    assert alice.get(f"/w/acme/playground/?{query}").status_code == 404


def test_strangers_see_nothing(client: Client, people: People, store: Any) -> None:
    (record,) = store({})
    run = Run.objects.create(
        workspace=people.workspace, person=people.alice, path=playground_state.CHAT, body=packed(b"{}")
    )
    assert client.get("/w/acme/playground/").status_code == 302
    assert client.get("/w/acme/playground/estimate.json").status_code == 401
    assert client.login(username="charlie@example.org", password=PASSWORD)
    paths = ["", f"?log={record.id}", f"?run={run.id}", "attempts/", "estimate.json"]
    for path in paths:
        assert client.get(f"/w/acme/playground/{path}").status_code == 404, path
    for path in (f"?log={record.id}", f"?run={run.id}", f"attempts/?log={record.id}"):
        assert client.get(f"/w/elsewhere/playground/{path}").status_code == 404, path


def test_fresh_attempts_are_ones_own_and_those_of_a_log_everybodys(alice: Client, people: People, store: Any) -> None:
    (record,) = store({})
    shared = {"workspace": people.workspace, "path": playground_state.CHAT, "state": "failed"}
    Run.objects.create(person=people.bob, label="<b>bobs fresh one</b>", **shared)
    Run.objects.create(person=people.bob, label="<b>bobs replay</b>", parent_id=record.id, **shared)
    fresh = alice.get("/w/acme/playground/attempts/").content.decode()
    assert "bobs" not in fresh
    replays = alice.get(f"/w/acme/playground/attempts/?log={record.id}").content.decode()
    assert "&lt;b&gt;bobs replay&lt;/b&gt;" in replays
    assert "fresh one" not in replays


@pytest.mark.parametrize(
    ("query", "is_known"),
    [("model=gpt-4o-mini&tokens=1000", True), ("model=gpt-4o-mini&tokens=x", False), ("model=&tokens=10", False),
     ("model=gpt-4o-mini&tokens=1000&target=provider:demo", False), ("model=gpt-4o-mini&tokens=1&target=%00", True)],
)  # fmt: skip
def test_what_it_would_cost(query: str, is_known: bool, alice: Client, store: Any) -> None:
    (record,) = store({"provider": "openai"})
    found = alice.get(f"/w/acme/playground/estimate.json?{query}&log={record.id}").json()
    assert (found["cents"] is not None) == is_known
    assert ("cents before the answer" in found["text"]) == is_known


@pytest.mark.django_db(transaction=True)
def test_without_scripts_a_run_leads_to_its_answer(world: World) -> None:
    log = world.log(body=b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
    edited = '{"model":"m",\r\n"messages":[{"role":"user","content":"ho"}]}'
    answer = world.run(log=str(log.id), body=edited)
    assert answer.status_code == 303
    page = world.page.get(answer["Location"])
    text = page.content.decode()
    assert "Succeeded" in text
    assert f"/w/acme/compare/?a={log.id}&amp;b={Run.objects.get().log_id}" in text
    assert text_of(page) == edited.replace("\r\n", "\n")

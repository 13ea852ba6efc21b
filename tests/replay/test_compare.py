"""The compare page: what it says of two logs, who may see it, and how one gets there."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from logs.explorer import presentation
from logs.llm.gateway_status import GatewayStatus
from replay.models import Batch, Run
from tests.factories import PASSWORD, People

HOSTILE = '<img src=x onerror="alert(1)">\u202e'


def chat(content: str, **more: Any) -> bytes:
    return json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": content}], **more}).encode()


def answer(content: str) -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()


def pair(store: Any, *differences: dict[str, Any]) -> str:
    before, after = store(*differences)
    return f"?a={before.id}&b={after.id}"


def test_what_the_cache_answered_cost_nothing(alice: Client, store: Any, people: People) -> None:
    hit = GatewayStatus(cache_status="hit")
    paid, saved, unknown = store({"cost": Decimal(2)}, {"cost": Decimal(3), "gateway": hit}, {"gateway": hit})
    batch = Batch.objects.create(workspace=people.workspace)
    for record in (paid, saved, unknown):
        Run.objects.create(workspace=people.workspace, batch=batch, log_id=record.id, path="/v1/chat/completions")
    assert batch.costs() == (2, 3, 0)
    page = alice.get(f"/w/acme/compare/?a={paid.id}&b={saved.id}")
    (cost,) = (figure for figure in page.context["comparison"].figures if figure.label == "Cost")
    assert (cost.before, cost.after, cost.tone) == (
        presentation.cents(Decimal(2)),
        presentation.cents(Decimal(0)),
        "better",
    )


def test_it_says_what_differs(alice: Client, store: Any, django_assert_num_queries: Any) -> None:
    query = pair(
        store,
        {"request_body": chat("Weather in Köln?", temperature=3), "response_body": answer("It rains."),
         "latency_ms": 1000, "cost": Decimal("0.2"), "status_code": 400, "is_success": False},
        {"request_body": chat("Weather in Bonn?"), "response_body": answer("It snows."), "latency_ms": 500,
         "cost": Decimal("0.1")},
    )  # fmt: skip
    with django_assert_num_queries(7):  # session, person, workspace, logs, two bodies, the rail
        page = alice.get(f"/w/acme/compare/{query}")
    html = page.content.decode()
    assert "<del>Köln</del><ins>Bonn</ins>" in html
    assert "<code>messages[0].content</code>" in html
    assert "<code>temperature</code>" in html
    assert "It <del>rains</del><ins>snows</ins>." in html
    assert "−500 ms (−50%)" in html
    assert "400 Bad Request" in html
    twin = alice.get(f"/w/acme/compare.json{query}").json()
    assert [(each["change"], each["path"]) for each in twin["request"]["changes"]] == [
        ("changed", "messages[0].content"),
        ("removed", "temperature"),
    ]
    assert twin["request"]["changes"][1]["before"] == 3
    assert twin["answer"]["is_same"] is False
    assert twin["a"]["latency_ms"] == 1000


def test_the_same_twice(alice: Client, store: Any) -> None:
    html = alice.get(f"/w/acme/compare/{pair(store, {}, {})}").content.decode()
    assert html.count("the same</span>") == 2
    assert "<del>" not in html


def test_long_texts_show_their_edges(alice: Client, store: Any) -> None:
    texts = ["start " + "middle " * 500 + end for end in ("one", "two")]
    query = pair(store, *({"response_body": answer(text)} for text in texts))
    html = alice.get(f"/w/acme/compare/{query}").content.decode()
    assert "characters the same" in html
    assert html.count("middle") < 100


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        ({"request_body": None, "completeness": "not_kept"}, "The body of the second request was not kept."),
        ({"request_body": b"not json"}, "The second request is not JSON."),
        ({"request_body": chat("x" * 5_000_000)}, "The second request is too large to be compared (5.0 MB)."),
    ],
)
def test_what_cannot_be_compared_is_said(alice: Client, store: Any, difference: dict[str, Any], words: str) -> None:
    page = alice.get(f"/w/acme/compare/{pair(store, {}, difference)}")
    assert words in page.content.decode()


def test_embeddings_are_vectors(alice: Client, store: Any) -> None:
    def vector(*numbers: float) -> bytes:
        return json.dumps({"object": "list", "data": [{"embedding": list(numbers), "index": 0}]}).encode()

    differences = [{"request_type": "embedding", "response_body": vector(*numbers)} for numbers in ((1, 0), (0, 2))]
    query = pair(store, *differences)
    html = alice.get(f"/w/acme/compare/{query}").content.decode()
    assert "2 dimensions, norm 1: [1, 0]" in html
    assert alice.get(f"/w/acme/compare.json{query}").json()["embeddings"][0]["cosine_distance"] == 1


def test_what_a_log_holds_is_text(alice: Client, store: Any) -> None:
    query = pair(
        store,
        {"request_body": chat(HOSTILE), "response_body": answer(HOSTILE), "model": HOSTILE},
        {"request_body": chat("x", **{HOSTILE: HOSTILE}), "response_body": answer(f"x {HOSTILE}\ud800")},
    )
    html = alice.get(f"/w/acme/compare/{query}").content.decode()
    assert "<img" not in html
    assert "\u202e" not in html
    assert alice.get(f"/w/acme/compare.json{query}").status_code == 200


def test_strangers_and_unknown_logs_get_nothing(client: Client, people: People, store: Any) -> None:
    query = pair(store, {}, {})
    assert client.get(f"/w/acme/compare/{query}").status_code == 302
    assert client.get(f"/w/acme/compare.json{query}").status_code == 401
    assert client.login(username="charlie@example.org", password=PASSWORD)
    for path in ("/w/acme/compare/", "/w/acme/compare.json", "/w/elsewhere/compare/", "/w/elsewhere/compare.json"):
        assert client.get(path + query).status_code == 404, path


def test_with_one_log_the_page_offers_others(alice: Client, store: Any) -> None:
    one, other, _, _ = store({}, {}, {"trace_id": "t", "model": "m"}, {"model": "another"})
    page = alice.get(f"/w/acme/compare/?a=https://logs.example/w/acme/logs/{one.id}/")
    assert page.status_code == 200
    urls = [url for _, url in page.context["offered"]]
    assert urls == [f"/w/acme/compare/?a={one.id}&b={other.id}"]
    assert alice.get("/w/acme/compare/").status_code == 200
    wrong = alice.get(f"/w/acme/compare/?a={one.id}&b=nonsense")
    assert (wrong.status_code, "No log of this workspace has this id." in wrong.content.decode()) == (404, True)


def test_the_lists_ticks_lead_here_oldest_first(alice: Client, store: Any) -> None:
    old, new = store({}, {})
    page = alice.post("/w/acme/compare/", {"log": [str(new.id), str(old.id)]})
    assert (page.status_code, page["Location"]) == (303, f"/w/acme/compare/?a={old.id}&b={new.id}")
    assert 'id="compare-ticked"' in alice.get("/w/acme/logs/?select=1").content.decode()


@pytest.mark.parametrize("levels", [990, 100_000])
def test_a_request_without_end(alice: Client, store: Any, levels: int) -> None:
    deep = b'{"messages":' + b"[" * levels + b"]" * levels + b"}"
    query = pair(store, {"request_body": chat("Hi")}, {"request_body": deep})
    page = alice.get(f"/w/acme/compare/{query}")
    assert page.status_code == 200
    assert "The second request is" in page.content.decode()

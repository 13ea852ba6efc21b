"""What a look at a large log may cost, in what can be counted: bytes that are sent, and bytes that are read."""

from __future__ import annotations

import json
import re
import tracemalloc
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from logs.storage.body_storage import StoredBody
from tests.factories import PASSWORD, People

pytestmark = pytest.mark.usefixtures("inline_writer")

HTMX = {"HX-Request": "true", "HX-Target": "log-panel"}
PAGE_BYTES = 2_000_000  # of HTML for both sides of a log


def talk(messages: int, words: int = 50) -> bytes:
    return json.dumps(
        {"messages": [{"role": "user", "content": f"{n} " + "word " * words} for n in range(messages)]}
    ).encode()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of bodies each read asks for."""
    seen: list[int] = []
    window = StoredBody.window

    def watched(self: StoredBody, start: int, length: int) -> bytes:
        seen.append(min(start + length, self.size))
        return window(self, start, length)

    monkeypatch.setattr(StoredBody, "window", watched)
    return seen


def open_log(client: Client, store: Any, body: bytes, query: str = "", **record: Any) -> str:
    (stored,) = store({"request_body": body, "response_body": body} | record)
    client.login(username="alice@example.org", password=PASSWORD)
    answer = client.get(f"/w/acme/logs/{stored.id}/{query}", headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


BIG = {
    "20 MB talk": talk(70_000),
    "100,000 messages": talk(100_000, 3),
    "one line": json.dumps({"messages": [{"role": "user", "content": "x" * 6_000_000}]}).encode(),
    "numbers": b"[" + b"1," * 3_000_000 + b"1]",
    "strings": b"[" + b'"a",' * 1_000_000 + b'"a"]',
    "wide object": json.dumps({f"key {number}": number for number in range(200_000)}).encode(),
    "wide objects": json.dumps([{str(n): {str(m): m for m in range(300)} for n in range(100)} for _ in range(10)]).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", BIG)
@pytest.mark.parametrize("view", ["pretty", "json", "raw"])
def test_a_big_log_is_a_small_page(name: str, view: str, client: Client, people: People, store: Any) -> None:
    page = open_log(client, store, BIG[name], f"?request={view}&response={view}")
    assert len(page) < PAGE_BYTES
    assert 'id="response"' in page


@pytest.mark.parametrize("name", ["20 MB talk", "numbers", "strings", "wide object"])
def test_a_big_tree_says_how_much_there_is(name: str, client: Client, people: People, store: Any) -> None:
    page = open_log(client, store, BIG[name], "?request=json&response=raw")
    counts = {"20 MB talk": "70,000 items", "numbers": "3,000,001 items", "strings": "1,000,001 items",
              "wide object": "200,000 keys"}  # fmt: skip
    assert counts[name] in page
    assert re.search(r"Show 200 of [\d,]+ more", page)


def test_facts_and_raw_read_no_more_than_they_show(
    client: Client, people: People, store: Any, reads: list[int]
) -> None:
    open_log(client, store, BIG["20 MB talk"], "?request=raw&response=raw")
    assert sum(reads) < 1_000_000


def test_a_log_of_common_size_costs_one_statement_for_its_bodies(client: Client, people: People, store: Any) -> None:
    with CaptureQueriesContext(connection) as captured:
        open_log(client, store, talk(20))
    assert sum("FROM log_body" in query["sql"] for query in captured.captured_queries) == 1


@pytest.mark.parametrize(
    "path", ["", "body/request/?view=json", "body/request/?find=nowhere", "body/request/?find=word"]
)
def test_a_big_log_is_held_about_twice(path: str, client: Client, people: People, store: Any) -> None:
    """Of both sides together, as far as Python allocates: the octets, and once more on their way."""
    body = BIG["20 MB talk"]
    (stored,) = store({"request_body": body, "response_body": body})
    client.login(username="alice@example.org", password=PASSWORD)
    client.get(f"/w/acme/logs/{stored.id}/", headers=HTMX)  # what is loaded once
    tracemalloc.start()
    try:
        assert client.get(f"/w/acme/logs/{stored.id}/{path}", headers=HTMX).status_code == 200
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    finally:
        tracemalloc.stop()


def test_a_long_stream_is_put_together_when_asked(client: Client, people: People, store: Any) -> None:
    event = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
    body = event * 150_000 + b"data: [DONE]\n\n"
    (stored,) = store({"response_body": body, "stream": True})
    client.login(username="alice@example.org", password=PASSWORD)
    page = client.get(f"/w/acme/logs/{stored.id}/", headers=HTMX).content.decode()
    assert "putting it together takes a while" in page
    asked = f"/w/acme/logs/{stored.id}/body/response/?view=pretty&amp;anyway=1"
    assert asked in page
    drawn = client.get(asked.replace("&amp;", "&"), headers=HTMX).content.decode()
    assert 'class="talk"' in drawn

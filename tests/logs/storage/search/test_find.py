"""Logs found by the words of their bodies: by page and JSON, with and without the index, late or early."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logs.explorer import filters, pagination
from logs.explorer.pagination import Cursor
from logs.models import IndexQueue, Log, LogTerms
from logs.record import LogRecord
from logs.storage.search import find as search
from logs.storage.search import index
from portkey_logs.lib import uuid7
from portkey_logs.lib.search_words import Query
from tests.factories import People
from tests.logs.explorer.test_views import sign_in

Store = Callable[..., list[LogRecord]]
MINUTE = 60_000


def chat(asked: str, answered: str = "ok", **fields: Any) -> dict[str, Any]:
    return fields | {
        "request_body": json.dumps({"messages": [{"role": "user", "content": asked}]}).encode(),
        "response_body": json.dumps({"choices": [{"message": {"content": answered}}]}, ensure_ascii=False).encode(),
    }


def at(minutes_ago: float, **fields: Any) -> dict[str, Any]:
    return fields | {"id": uuid7.uuid7(int(uuid7.time_ms(uuid7.uuid7()) - minutes_ago * MINUTE))}


def page(people: People, query: str, cursor: Cursor | None = None, size: int = 50) -> pagination.Page:
    params = QueryDict(mutable=True)
    params.update(dict(pair.split("=", 1) for pair in query.split("&")))
    selection = filters.select(Log.objects.in_workspace(people.workspace), params)
    assert selection.is_valid, selection.form.errors
    return pagination.fetch_page(selection.queryset, cursor, size=size, from_index=selection.answers_from_index)


def found(people: People, query: str) -> list[UUID]:
    result = page(people, query)
    assert result.searched_back_to is None
    return [log.id for log in result.rows]


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found must not depend on how busy the machine is."""
    monkeypatch.setattr(pagination, "SEARCH_BUDGET_MS", 60_000)
    monkeypatch.setattr(pagination, "BESIDE_BUDGET_MS", 60_000)


@pytest.fixture(params=["compared", "indexed", "waiting"])
def prepare(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """Whether the worker has been there must make no difference, nor whether words are compared or looked up."""
    if request.param == "indexed":
        monkeypatch.setattr(search, "MAX_COMPARED", 1)
    return (lambda: index.work(connection, 60)) if request.param != "waiting" else lambda: None


def test_words_phrases_scripts_and_filters(people: People, store: Store, prepare: Callable[[], object]) -> None:
    old, weather, chinese, stream = [
        record.id
        for record in store(
            chat("Tell me a story", "Once upon a time", **at(50_000 / 60 * 20)),
            chat("Weather in Zürich?", "It is \"sunny\" in Zürich\ntoday", user="ada", **at(90)),
            chat("今天天气怎么样", "晴天 é", model="gpt-4o", **at(5)),
            {"stream": True, **at(1), "response_body": b'data: {"choices":[{"index":0,"delta":{"content":"over two ch"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"unks"}}]}\n\ndata: [DONE]\n\n'},
        )
    ]  # fmt: skip
    store(chat("Weather in Zürich?"), workspace_id=people.elsewhere.pk)
    prepare()
    assert found(people, "q=weather") == [weather]
    assert found(people, "q=ZURICH sunny") == [weather]
    assert found(people, 'q="sunny" in') == [weather]
    assert found(people, 'q="in zurich today"') == [weather]
    assert found(people, 'q="zurich in"') == []
    assert found(people, "q=weath") == []
    assert found(people, "q=天气") == [chinese]
    assert found(people, "q=气") == [chinese]
    assert found(people, 'q="over two chunks"') == [stream]
    assert found(people, "q=upon") == [old]
    assert found(people, "q=content") == [stream, chinese, weather, old]
    assert found(people, "q=content&since=2h") == [stream, chinese, weather]
    assert found(people, "q=content&until=2h") == [old]
    assert found(people, "q=content&user=ada") == [weather]
    assert found(people, "q=content&provider=!openai") == []
    assert found(people, "q=weather&model=gpt-4o") == []


def test_pages_go_back_and_forth_without_a_gap(people: People, store: Store, prepare: Callable[[], object]) -> None:
    records = store(*(chat("needle" if n % 3 else "hay", **at(400 - n)) for n in range(40)))
    wanted = [record.id for record in records if b"needle" in record.request_body][::-1]
    prepare()
    pages, cursor = [], None
    while True:
        result = page(people, "q=needle", cursor, size=5)
        pages.append([log.id for log in result.rows])
        cursor = result.older
        if cursor is None:
            break
    assert [id for rows in pages for id in rows] == wanted
    back = page(people, "q=needle", Cursor(pages[2][0], newer=True), size=5)
    assert [log.id for log in back.rows] == pages[1]
    assert back.newer == Cursor(pages[1][0], newer=True)
    assert page(people, "q=needle", back.newer, size=5).newer is None
    logs = filters.select(Log.objects.in_workspace(people.workspace), QueryDict("q=needle")).queryset
    assert pagination.neighbours(logs, wanted[1], from_index=True) == (wanted[2], wanted[0])
    assert pagination.capped_count(logs) is None


def test_filters_that_take_too_long_leave_it_to_the_index(
    people: People, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = store(*(chat("needle" if n % 3 else "hay", **at(5_000 - 900 * n)) for n in range(6)))
    index.work(connection, 60)
    monkeypatch.setattr(search._Search, "_compared", lambda self: None)
    assert found(people, "q=needle") == [records[n].id for n in (5, 4, 2, 1)]


def test_a_filter_that_nothing_passes_does_not_outlast_the_budget(
    people: People, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(*(chat("common words", **at(3_000 * n)) for n in range(6)))
    index.work(connection, 60)
    monkeypatch.setattr(search._Search, "_compared", lambda self: None)
    monkeypatch.setattr(search, "monotonic", count(step=0.2).__next__)  # each look at the clock takes so long
    monkeypatch.setattr(pagination, "SEARCH_BUDGET_MS", 500)
    result = page(people, "q=common&provider=!openai")
    assert result.rows == []
    assert result.searched_back_to is not None


def test_few_logs_of_a_filter_are_found_without_the_index(people: People, store: Store) -> None:
    (old,) = store(chat("common words", user="ada", **at(30_000)))
    store(*(chat("common words", **at(100 - n)) for n in range(50)))
    index.work(connection, 60)
    with CaptureQueriesContext(connection) as statements:
        assert found(people, "q=common&user=ada") == [old.id]
    assert not any("candidate" in query["sql"] for query in statements)


def test_a_late_log_is_found_before_and_after_it_is_indexed(people: People, store: Store) -> None:
    store(chat("early words", **at(1)))
    index.work(connection, 60)
    (late,) = store(chat("late words", **at(10)))
    assert found(people, "q=late") == [late.id]
    index.work(connection, 60)
    assert not IndexQueue.objects.exists()
    assert found(people, "q=late") == [late.id]


def test_what_waits_in_numbers_is_left_out_and_said(
    people: People, store: Store, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setattr(search, "MAX_WAITING", 3)
    (indexed,) = store(chat("needle", **at(100)))
    index.work(connection, 60)
    waiting = store(*(chat("needle", **at(20 - n)) for n in range(5)))
    result = page(people, "q=needle")
    assert [log.id for log in result.rows] == [*(record.id for record in waiting[:1:-1]), indexed.id]
    assert (result.findings.waiting, result.findings.waiting_from) == (2, waiting[1].id)
    shown = " ".join(sign_in(client, "alice").get("/w/acme/logs/?q=needle").content.decode().split())
    assert "2 logs from" in shown
    assert "wait to be indexed and were not searched" in shown
    assert client.get("/w/acme/logs.json?q=needle").json()["search"] == {"waiting": 2, "partial": 0}


def test_the_budget_ends_a_page_but_not_the_search(
    people: People, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_BODIES", 4)
    store(*(chat("two words apart", **at(30 - n)) for n in range(10)))
    (wanted,) = store(chat("two words together: words apart two", **at(60)))
    index.work(connection, 60)
    cursor, seen = None, 0
    while True:
        result = page(people, 'q="apart two"', cursor)
        seen += result.findings.looked_at
        assert result.findings.looked_at <= 4
        if result.older is None:
            break
        assert result.searched_back_to is not None
        cursor = result.older
    assert [log.id for log in result.rows] == [wanted.id]
    assert seen == 11


def test_a_log_too_long_to_be_indexed_whole_is_said(people: People, store: Store) -> None:
    words = " ".join(f"word{n}" for n in range(25_000))
    (long,) = store(chat(words, "short answer"))
    index.work(connection, 60)
    assert LogTerms.objects.get().is_partial
    assert found(people, "q=answer word7") == [long.id]
    assert page(people, "q=absent").findings.partial == 1
    logs = Log.objects.in_workspace(people.workspace).matching(Query.parse("word24999"))
    assert [log.id for log in pagination.fetch_page(logs, budget_ms=60_000).rows] == [long.id]


def test_the_page_shows_the_match_in_context(people: People, store: Store, client: Client) -> None:
    store(chat("<b>Bold</b> question", "An <script>alert(1)</script> answer"))
    sign_in(client, "alice")
    shown = client.get("/w/acme/logs/?q=alert question").content.decode()
    assert "&lt;script&gt;<mark>alert</mark>(1)&lt;/script&gt; answer" in shown.replace("<mark\n>", "<mark>")
    assert "<script>alert" not in shown
    assert 'value="alert question"' in shown
    item = client.get("/w/acme/logs.json?q=alert").json()["data"][0]
    assert item["match"] == {"side": "response", "text": "An <script>alert(1)</script> answer"}


def test_a_search_without_a_word_selects_nothing(people: People, store: Store, client: Client) -> None:
    store(chat("..."))
    answer = sign_in(client, "alice").get("/w/acme/logs/?q=...")
    assert answer.status_code == 400
    assert "Give a word" in answer.content.decode()
    assert client.get("/w/acme/logs.json?q=...").json()["errors"] == {
        "q": ["Give a word: at least one letter or digit."]
    }


@pytest.mark.parametrize("query", ["\x00", "a\x00b", "%' OR 1=1", "{1,2}", "\u202e", "x" * 500, '"' * 100, "\ud800x"])
def test_hostile_searches(people: People, store: Store, client: Client, query: str) -> None:
    store(chat("hello"))
    answer = sign_in(client, "alice").get("/w/acme/logs/", {"q": query.encode("utf-8", "surrogatepass")})
    assert answer.status_code in (200, 400)
    assert b"data-log-id" not in answer.content


WORDS = ["alpha", "Beta", "gam-ma", "δέλτα", "天气", "天", "'q\"", "x_y", "3.5", "\n"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


@given(
    st.lists(TEXTS, min_size=1, max_size=8),
    st.lists(TEXTS, min_size=1, max_size=3),
    st.integers(0, 8),
    st.sampled_from([1, 3, 1000]),
)
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_search_agrees_with_plain_python(
    people: People, store: Store, texts: list[str], queries: list[str], indexed: int, compared: int
) -> None:
    Log.objects.all().delete()
    LogTerms.objects.all().delete()
    IndexQueue.objects.all().delete()
    records = store(*(chat(text) for text in texts[:indexed])) if texts[:indexed] else []
    index.work(connection, 60)
    records += store(*(chat(text) for text in texts[indexed:])) if texts[indexed:] else []
    for text in queries:
        try:
            query = Query.parse(text)
        except ValueError:
            continue
        from logs.storage.search.documents import Document
        from logs.storage.search.texts import texts as texts_of

        wanted = {
            record.id
            for record in records
            if Document(record.id, texts_of(record.response_body)[0], texts_of(record.request_body)[0], True).matches(
                query
            )
        }
        logs = Log.objects.in_workspace(people.workspace).matching(query)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search, "MAX_COMPARED", compared)
            rows = pagination.fetch_page(logs).rows
        assert {log.id for log in rows} == wanted

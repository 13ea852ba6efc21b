"""The query bar on the page: a line becomes an address, an address becomes a line, mistakes are shown where they are."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import unquote_plus, urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.factories import People, make_key

pytestmark = pytest.mark.usefixtures("inline_writer")


@pytest.fixture
def browser(client: Client, people: People) -> Client:
    client.force_login(people.alice)
    return client


def shown(page: str) -> str:
    found = re.search(r'id="query" name="query" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        ("", "model:gpt-4o* status:>=400 -provider:openai", "model=gpt-4o*&status=>=400&provider=!openai"),
        ("", 'meta.env:prod cost:>2 cache:hit "exact words"', 'meta.env=prod&cost_min=>2&cache=hit&q="exact words"'),
        ("model=x&user=y&meta.a=b", "user:z", "user=z"),
        ("since=24h&until=1h&select=1&model=x", "", "since=24h&until=1h&select=1"),
        ("since=24h", "since:1h", "since=1h"),
        ("cursor=0", "user:z", "user=z"),
    ],
)
def test_a_line_leads_to_the_address_that_says_the_same(before: str, line: str, after: str, browser: Client) -> None:
    answer = browser.get(f"/w/acme/logs/?{before}&{urlencode({'query': line})}")
    assert answer.status_code == 302
    path, _, query = answer["Location"].partition("?")
    assert path == "/w/acme/logs/"
    assert unquote_plus(query) == after
    page = browser.get(answer["Location"]).content.decode()
    if line != "since:1h":
        assert shown(page) == line


def test_a_mistake_shows_nothing_but_where_it_is(browser: Client, store: Any) -> None:
    store({})
    answer = browser.get("/w/acme/logs/?since=7d&query=user:a+modle:gpt")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "data-log-id" not in page
    assert shown(page) == "user:a modle:gpt"
    assert "user:a <mark>modle:gpt</mark>" in page
    assert "There is no filter modle" in page
    assert '<input type="hidden" name="since" value="7d">' in page


def test_a_value_that_its_field_refuses_is_pointed_at_too(browser: Client) -> None:
    answer = browser.get("/w/acme/logs/?user=a&status=abc")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "user:a status:<mark>abc</mark>" in page


@given(
    line=st.text(max_size=40)
    | st.sampled_from(['"><script>x</script>:', "user:\0", "a:\ud800", "%s{{ 7 }}", ":::", "meta.:'; DROP"])
)
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_line_breaks_the_page_or_shows_what_was_not_asked(line: str, browser: Client, store: Any) -> None:
    asked = urlencode({"query": line}, errors="replace")
    answer = browser.get(f"/w/acme/logs/?{asked}")
    assert answer.status_code in (302, 400)
    if answer.status_code == 302:
        answer = browser.get(answer["Location"])
        assert answer.status_code in (200, 400)
    assert b"<script>x" not in answer.content
    assert browser.get(f"/w/acme/logs/complete/?{asked.replace('query', 'line', 1)}").status_code == 200


def options(browser: Client, line: str, at: int | None = None) -> list[str]:
    answer = browser.get("/w/acme/logs/complete/", {"line": line, "at": len(line) if at is None else at})
    assert answer.status_code == 200
    return [html.unescape(text) for text in re.findall(r'data-text="([^"]*)"', answer.content.decode())]


def test_completions(browser: Client, people: People, store: Any) -> None:
    make_key(people.workspace, name="laptop")
    store(
        {"model": "gpt-4o", "metadata": {"env": "prod", "my key": "a b"}}, {"model": "gpt-4o"}, {"model": "o1", "user": "x,y"}
    )  # fmt: skip
    store({"model": "secret"}, workspace_id=people.elsewhere.pk)
    assert options(browser, "mod")[0] == "model:"
    assert options(browser, "-prov") == ["provider:"]
    assert {"cost:", "config:"} <= set(options(browser, "co"))
    assert options(browser, "user:x meta.") == ["meta.env:", 'meta."my key":']
    assert options(browser, "model:") == ["gpt-4o", "o1"]
    assert options(browser, "model:o1,g") == ["gpt-4o"]
    assert options(browser, "model:g user:y", at=7) == ["gpt-4o"]
    assert options(browser, "user:") == ['"x,y"']
    assert options(browser, "meta.env:p") == ["prod"]
    assert options(browser, 'meta."my key":') == ['"a b"']
    assert options(browser, "-cache:sem") == ["semantic_hit"]
    assert options(browser, "api_key:") == ["laptop"]
    assert options(browser, "status:f") == ["failed"]
    assert options(browser, "feedback:neg") == ["negative"]
    assert options(browser, "nothing:") == []
    assert options(browser, "since:2") == ["24h"]


def test_others_are_offered_nothing(client: Client, people: People, store: Any) -> None:
    store({"user": "somebody"})
    assert client.get("/w/acme/logs/complete/?line=user:").status_code == 302
    client.force_login(people.charlie)
    assert client.get("/w/acme/logs/complete/?line=user:").status_code == 404

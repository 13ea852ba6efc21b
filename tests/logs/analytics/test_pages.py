"""The analytics page: its figures lead to the logs behind them, and nobody sees what is not theirs."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from logs.analytics import ALL, rollup_queries
from logs.explorer import pagination
from logs.record import GatewayStatus
from logs.storage import rollups, time_budget
from portkey_logs.lib import uuid7
from tests.factories import People, sign_in

TABS = [tab.name for tab in ALL]
PARTS = [(tab.name, part) for tab in ALL for part in tab.parts]
PAGES = ["/w/acme/analytics/", *(f"/w/acme/analytics/{tab}/?all=1&compare=1" for tab in TABS)]
HOSTILE = "<script>alert(1)</script>\"'><img src=x>{{ 7|add:7 }}"


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long anything may take is not the question here, but for the tests that say so."""
    monkeypatch.setattr(pagination, "WALK_BUDGET_MS", 60_000)
    monkeypatch.setattr(rollup_queries, "BUDGET_MS", 60_000)


@pytest.fixture
def month(store: Any) -> list[Any]:
    """A month of logs, of all kinds, most of them folded."""
    chance, now = random.Random(3), datetime.now(UTC)
    logs = []
    for _ in range(120):
        code = chance.choice([200, 200, 200, 429, 500, None])
        cache = chance.choice(["disabled", "miss", "hit", "semantic_hit"])
        retry = chance.choice(["not_triggered", "success", "failed"])
        option = chance.choice([None, 0, 1])
        logs.append(
            {
                "id": uuid7.uuid7(uuid7.ms_of(now - timedelta(minutes=chance.randrange(1, 29 * 24 * 60)))),
                "model": chance.choice(["gpt-4o", "o1, the second*", None]),
                "provider": chance.choice(["openai", None]),
                "status_code": code,
                "is_success": code == 200,
                "error_type": chance.choice(["rate_limit", "!odd", None]) if code != 200 else None,
                "cost": chance.choice([None, Decimal("0.5")]),
                "latency_ms": chance.randrange(1, 5000),
                "user": chance.choice(["ada", "bo", None]),
                "config": chance.choice(["pc-1", None]),
                "prompt": chance.choice(["pp-1", None]),
                "virtual_key": chance.choice(["openai-prod", None]),
                "metadata": chance.choice([{}, {"env": "prod"}, {"env": "a,b"}]),
                "gateway": GatewayStatus(
                    cache_status=cache,
                    retry_status=retry,
                    retry_count=chance.randrange(1, 4) if retry == "success" else 0,
                    fallback_status="disabled" if option is None else "triggered" if option else "active",
                    fallback_option=option or None,
                    option_path=None if option is None else f"config.targets[{option}]",
                    loadbalance_status=chance.choice(["disabled", "active"]),
                ),
            }
        )
    stored = store(*logs[:100])
    rollups.fold(connection, now)
    return stored + store(*logs[100:])


@pytest.mark.parametrize("path", PAGES)
def test_the_organisation_sees_it_and_nobody_else_does(path: str, client: Client, people: People, store: Any) -> None:
    store({"model": "gpt-secret", "user": "gpt-secret", "error_type": "gpt-secret", "is_success": False})
    signed_out = client.get(path)
    assert (signed_out.status_code, signed_out["Location"].split("?")[0]) == (302, "/accounts/login/")
    answer = sign_in(client, "bob").get(path)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    sign_in(client, "charlie")
    assert client.get(path).status_code == 404
    own = client.get(path.replace("/w/acme/", "/w/elsewhere/"))
    assert own.status_code == 200
    assert "gpt-secret" not in own.content.decode()


@pytest.mark.parametrize(("tab", "part"), PARTS)
def test_every_part_by_itself(tab: str, part: str, client: Client, people: People, store: Any) -> None:
    """With nothing, and with one log, and with the period before, where there is nothing."""
    sign_in(client, "bob")
    for records in ([], [{"user": "ada", "config": "pc-1"}]):
        store(*records) if records else None
        for query in ("", "since=1h", "compare=1&since=7d", "user=ada", "model=!gpt-4o*"):
            answer = client.get(f"/w/acme/analytics/{tab}/{part}/?{query}")
            assert answer.status_code == 200, query
            assert "HX-Request" in answer["Vary"]


def test_what_is_not_there_and_bad_filters(client: Client, people: People, store: Any) -> None:
    sign_in(client, "bob")
    for path in ("nothing/", "overview/nothing/"):
        assert client.get(f"/w/acme/analytics/{path}").status_code == 404
    for query in ("since=soon", "status=abc", "latency_min=x"):
        answer = client.get(f"/w/acme/analytics/?{query}")
        assert answer.status_code == 400
        assert 'role="alert"' in answer.content.decode()
        assert client.get(f"/w/acme/analytics/overview/requests/?{query}").status_code == 400


def counts(page: str) -> list[tuple[str, str, int]]:
    """Where each mark of a chart, figure and row of a table leads, and how many logs it says are there."""
    found = []
    for url, words in re.findall(r'<a href="([^"]+)" data-tip data-words="([^"]+)"', page):
        if match := re.search(
            r": ([\d,]+) (?:succeeded|failed|×|with other|by a|hits|semantic|simple|requests?,)", words
        ):
            found.append((words, url, match[1]))
    for label, url, value in re.findall(r'<dt>([^<]+)</dt><dd><a href="([^"]+)">([\d,]+)</a>', page):
        found.append((label, url, value))
    return [(words, unescape(url), int(value.replace(",", ""))) for words, url, value in found]


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("query", ["", "since=7d&status=failed"])
def test_every_count_leads_to_its_logs(tab: str, query: str, client: Client, people: People, month: list[Any]) -> None:
    sign_in(client, "bob")
    page = client.get(f"/w/acme/analytics/{tab}/?all=1&{query}").content.decode()
    found = counts(page)
    assert found or tab in ("users", "summary")
    for words, url, count in found:
        answer = client.get(url.replace("/logs/?", "/logs.json?") + "&limit=200")
        assert answer.status_code == 200, url
        assert len(answer.json()["data"]) == count, (words, url)


@pytest.mark.parametrize("tab", TABS)
def test_every_row_leads_to_its_logs(tab: str, client: Client, people: People, month: list[Any]) -> None:
    """The first whole number of a row that stands under a count is how many logs there are behind it."""
    sign_in(client, "bob")
    page = client.get(f"/w/acme/analytics/{tab}/?all=1").content.decode()
    checked = 0
    for head, body in re.findall(r'<table class="table numbers">\s*<thead>(.*?)</thead>(.*?)</table>', page, re.DOTALL):
        names = [re.sub(r"<[^>]+>", "", name).strip() for name in re.findall(r"<th[^>]*>(.*?)</th>", head)][1:]
        place = next((n for n, name in enumerate(names) if name in ("Requests", "Failures")), None)
        place = 0 if names[:2] == ["Hits", "Hit rate"] else place
        if place is None or names[0] == "Error rate":  # that table leads to the failed ones
            continue
        for url, cells in re.findall(
            r'<tr>\s*<th scope="row"><span[^>]*><a href="([^"]+)">.*?</th>(.*?)</tr>', body, re.DOTALL
        ):
            count = int(re.findall(r"<td[^>]*>(.*?)</td>", cells)[place].replace(",", ""))
            answer = client.get(unescape(url).replace("/logs/?", "/logs.json?") + "&limit=200")
            assert len(answer.json()["data"]) == count, unescape(url)
            checked += 1
    assert checked


@pytest.mark.parametrize("tab", TABS)
def test_hostile_text_stays_text(tab: str, client: Client, people: People, store: Any) -> None:
    names = ("model", "provider", "user", "prompt", "config", "virtual_key", "error_type")
    gateway = GatewayStatus(fallback_status="active", option_path=HOSTILE)
    store({**dict.fromkeys(names, HOSTILE), "is_success": False, "status_code": 500, "gateway": gateway})
    sign_in(client, "bob")
    page = client.get(f"/w/acme/analytics/{tab}/?all=1").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_partial_figures_say_so(client: Client, people: People, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    store(*({"user": "ada", "id": uuid7.uuid7(uuid7.ms_of(now - timedelta(days=n)))} for n in range(1, 9)))
    sign_in(client, "bob")
    within, calls = time_budget.within, []

    def twice(ms: int, rows: Any) -> Any:
        calls.append(ms)
        return within(ms, rows) if len(calls) <= 2 else None

    monkeypatch.setattr(time_budget, "within", twice)
    page = client.get("/w/acme/analytics/overview/requests/?user=ada").content.decode()
    assert "Partial" in page
    assert "Counted back to" in page
    calls.clear()
    monkeypatch.setattr(time_budget, "within", lambda ms, rows: None)
    page = client.get("/w/acme/analytics/overview/requests/?user=ada").content.decode()
    assert "took longer" in page


def test_costs_leave_out_what_has_no_price(client: Client, people: People, store: Any) -> None:
    store({"cost": Decimal(2)}, {"cost": None, "model": "home-made"}, {"cost": None, "is_success": False})
    store({"cost": Decimal(3), "gateway": GatewayStatus(cache_status="hit")})
    sign_in(client, "bob")
    page = client.get("/w/acme/analytics/overview/?all=1").content.decode()
    figures = {
        label: re.sub(r"<[^>]+>", "", value).split("  ")[0]
        for label, value in re.findall(r"<dt>([^<]+)</dt><dd>(.*?)</dd>", page)
    }
    assert figures["Spent"] == "2 cents"
    assert figures["Saved by the cache"] == "3 cents"
    assert figures["Per priced request"] == "2 cents"
    assert figures["Without a price"].startswith("2")
    assert figures["Answered without a price"] == "1"
    assert figures["Failed without a price"] == "1"
    assert "home-made" in page


def test_the_shell_costs_few_queries(
    client: Client, people: People, store: Any, django_assert_max_num_queries: Any
) -> None:
    store({})
    sign_in(client, "bob")
    with django_assert_max_num_queries(9):
        client.get("/w/acme/analytics/")

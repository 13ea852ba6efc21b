"""The histogram, its totals and the facets: equal to the logs themselves, within the budget or honest about it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from logs import glance, ids
from logs.analytics import sources
from logs.filters.address import Address
from logs.glance.facets import facets
from logs.glance.histogram import histogram
from logs.ingest.record import GatewayStatus
from tests.factories import People

pytestmark = pytest.mark.usefixtures("inline_writer")


def ago(hours: float) -> Any:
    return ids.uuid7(ids.ms_of(timezone.now() - timedelta(hours=hours)))


@pytest.fixture
def some(people: People, store: Any, monkeypatch: pytest.MonkeyPatch) -> People:
    monkeypatch.setattr(glance, "BUDGET_MS", 60_000)  # what is found must not depend on the machine
    hit = GatewayStatus(cache_status="hit")
    store(
        {"id": ago(1), "model": "gpt-4o", "user": "ada", "latency_ms": 100},
        {"id": ago(1.1), "model": "gpt-4o", "gateway": hit, "latency_ms": 100},
        {"id": ago(30), "model": "o1", "status_code": 429, "is_success": False, "user": "ada", "total_tokens": None},
        {
            "id": ago(31),
            "model": "o1",
            "status_code": None,
            "is_success": False,
            "virtual_key": "vk",
            "latency_ms": None,
        },
        {"id": ago(32), "status_code": 200, "is_success": False, "gateway": GatewayStatus(fallback_status="triggered")},
    )
    return people


def shown(people: People, query: str) -> tuple[Any, Any]:
    params = QueryDict(query)
    asked = glance.ask(people.workspace, params)
    address = Address("/w/acme/logs/", params)
    assert asked is not None
    return histogram(asked, address), facets(asked, address)


@pytest.mark.parametrize(
    ("query", "requests", "failed", "kinds"),
    [
        ("", 5, 3, {"success": 1, "hit": 1, "client": 1, "server": 2}),
        ("since=24h", 2, 0, {"success": 1, "hit": 1}),
        ("until=24h", 3, 3, {"client": 1, "server": 2}),
        ("model=o1", 2, 2, {"client": 1, "server": 1}),
        ("model=!o1", 3, 1, {"success": 1, "hit": 1, "server": 1}),
        ("status=failed", 3, 3, {"client": 1, "server": 2}),
        ("virtual_key=vk", 1, 1, {"server": 1}),
        ("user=ada&since=24h", 1, 0, {"success": 1}),
        ("model=none", 0, 0, {}),
    ],
)
def test_the_histogram_is_that_of_the_logs(
    some: People, query: str, requests: int, failed: int, kinds: dict[str, int]
) -> None:
    drawn, _ = shown(some, query)
    totals = {total.label: total.value for total in drawn.totals}
    assert totals["Requests"] == str(requests)
    assert totals["Failed"] == str(failed)
    assert drawn.reached is None
    heights: Counter[str] = Counter()
    for column in drawn.columns:
        for bar in column.bars:
            heights[bar.kind] += 1
    assert set(heights) == set(kinds)


def test_a_column_leads_to_its_own_logs(some: People, client: Client) -> None:
    drawn, _ = shown(some, "user=ada")
    client.force_login(some.alice)
    found = [client.get(column.url.replace("/logs/", "/logs.json")).json()["data"] for column in drawn.columns]
    assert [len(rows) for rows in found] == [1, 1]
    assert {row["user"] for rows in found for row in rows} == {"ada"}


def test_facets_count_the_selection_and_lead_to_it(some: People, client: Client) -> None:
    _, found = shown(some, "")
    counts = {facet.title: {value.words: value.count for value in facet.values} for facet in found}
    assert counts["Model"] == {"gpt-4o": 2, "o1": 2, "gpt-4o-mini": 1}
    assert counts["HTTP status"] == {"200": 3, "429": 1}
    assert counts["Cache"] == {"Disabled": 4, "Hit": 1}
    assert counts["Fallback"] == {"Disabled": 4, "Triggered": 1}
    assert counts["User"] == {"ada": 2}
    client.force_login(some.alice)
    for facet in found:
        for value in facet.values:
            rows = client.get(value.url.replace("/logs/", "/logs.json")).json()["data"]
            assert len(rows) == value.count, (facet.title, value.words)

    _, narrowed = shown(some, "model=o1")
    (model, *_) = narrowed
    assert [(value.words, value.is_chosen, value.url) for value in model.values] == [("o1", True, "/w/acme/logs/")]


@pytest.mark.parametrize("query", ["status=abc", "q=hello", "since=2026-01-02&until=2026-01-01"])
def test_where_there_is_nothing_to_add_up(some: People, query: str, client: Client) -> None:
    assert glance.ask(some.workspace, QueryDict(query)) is None
    client.force_login(some.alice)
    for part in ("histogram", "facets"):
        assert client.get(f"/w/acme/logs/glance/{part}/?{query}").status_code == 200


def test_out_of_time_is_said(some: People, monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    def out_of_time(*args: Any, **kwargs: Any) -> Any:
        raise sources.OutOfTime

    monkeypatch.setattr(sources, "read", out_of_time)
    client.force_login(some.alice)
    page = client.get("/w/acme/logs/glance/histogram/").content.decode()
    assert "takes too long" in page


def test_others_see_nothing(some: People, client: Client) -> None:
    client.force_login(some.charlie)
    assert client.get("/w/acme/logs/glance/histogram/").status_code == 404
    client.force_login(some.alice)
    assert client.get("/w/acme/logs/glance/nothing/").status_code == 404


def test_without_scripts_all_is_in_the_page(some: People, client: Client) -> None:
    client.force_login(some.alice)
    page = client.get("/w/acme/logs/?all=1").content.decode()
    assert 'class="column server"' in page
    assert "gpt-4o-mini" in page.partition('class="facet-list"')[2].partition("</details>")[0]

"""The histogram, its totals and the facets: equal to the logs themselves, within the budget or honest about it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logs.analytics import list_summary, rollup_queries, sums, value_counts
from logs.analytics.list_summary.facets import facets
from logs.analytics.list_summary.histogram import histogram
from logs.analytics.rollup_queries import CORE
from logs.analytics.scope import iso
from logs.explorer.filters.address import Address
from logs.ingest.rows import commit_batch
from logs.llm.gateway_status import GatewayStatus
from logs.storage import rollups
from portkey_logs.accounts.models import Workspace
from portkey_logs.lib import uuid7
from tests.factories import People, make_record

pytestmark = pytest.mark.usefixtures("inline_writer")


def ago(hours: float) -> Any:
    return uuid7.uuid7(uuid7.ms_of(timezone.now() - timedelta(hours=hours)))


@pytest.fixture
def some(people: People, store: Any, monkeypatch: pytest.MonkeyPatch) -> People:
    monkeypatch.setattr(list_summary, "BUDGET_MS", 60_000)  # what is found must not depend on the machine
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
    asked = list_summary.ask(people.workspace, params)
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


QUARTER_MS = 15 * 60 * 1000
moments = st.integers(0, 200).flatmap(
    lambda quarter: st.sampled_from((-1, 0, 1, 400_000)).map(lambda ms: quarter * QUARTER_MS + ms)
)
any_logs = st.lists(
    st.fixed_dictionaries(
        {
            "before_ms": moments,
            "model": st.sampled_from(["gpt-4o", "o1", None]),
            "user": st.sampled_from(["ada", None]),
            "status_code": st.sampled_from([200, 429, 500, None]),
            "is_success": st.booleans(),
            "cost": st.none() | st.decimals(0, 1000, places=8),
            "total_tokens": st.none() | st.integers(0, 2**31 - 1),
            "gateway": st.builds(GatewayStatus, cache_status=st.sampled_from(["miss", "hit"])),
        }
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip
# What rollups know and what they do not, and the meaning of each in plain Python.
NARROWED: dict[str, Any] = {
    "": lambda log: True,
    "model=gpt-4o": lambda log: log.model == "gpt-4o",
    "status=failed": lambda log: not log.is_success,
    "cache=hit&status=ok": lambda log: log.is_success and log.gateway.cache_status == "hit",
    "user=ada": lambda log: log.user == "ada",
    "user=!*&model=!o1": lambda log: log.user is None and log.model != "o1",
}
KEYS = ("place", "is_success", "cache_status", "status_code")
COMPARED = ("requests", "total_tokens", "cost_spent", "cost_saved", "unpriced")
slugs = count()


@given(
    rows=any_logs,
    folded=st.integers(0, 12),
    query=st.sampled_from(sorted(NARROWED)),
    ends=st.tuples(st.none() | moments, st.none() | moments),
)
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sums_are_those_of_the_logs(
    people: People, rows: list[dict[str, Any]], folded: int, query: str, ends: tuple[int | None, int | None]
) -> None:
    """Whatever part of the time is read from which table, folded or not, on whichever side of an edge a log lies."""
    workspace = Workspace.objects.create(name="w", slug=f"glance-{next(slugs)}", organisation=people.acme)
    now = uuid7.ms_of(timezone.now()) // QUARTER_MS * QUARTER_MS
    logs = [make_record(workspace.pk, id=uuid7.uuid7(now - row.pop("before_ms")), **row) for row in map(dict, rows)]
    commit_batch(connection, logs[:folded])
    rollups.fold(connection, timezone.now() + timedelta(days=2))
    commit_batch(connection, logs[folded:])

    since, until = (None if end is None else now - end for end in ends)
    params = QueryDict(query, mutable=True)
    for name, ms in (("since", since), ("until", until)):
        if ms is not None:
            params[name] = iso(datetime.fromtimestamp(ms / 1000, UTC))
    selected = [
        (uuid7.time_ms(log.id), log)
        for log in logs
        if NARROWED[query](log)
        and (since is None or uuid7.time_ms(log.id) >= since)
        and (until is None or uuid7.time_ms(log.id) < until)
    ]
    asked = list_summary.ask(workspace, params)
    if asked is None:
        assert selected == []
        return
    answer = rollup_queries.read(replace(asked, budget_ms=60_000), CORE, KEYS, sums.NAMES)
    wanted: Counter[Any] = Counter()
    starts = [uuid7.ms_of(start) for start in asked.grid.starts]
    for ms, log in selected:
        key = (bisect_right(starts, ms) - 1, log.is_success, log.gateway.cache_status, log.status_code)
        spent, saved = rollups.costs(log)
        of_one = {"requests": 1, "total_tokens": log.total_tokens or 0, "cost_spent": spent, "cost_saved": saved,
                  "unpriced": int(log.cost is None)}  # fmt: skip
        wanted.update({(key, name): value for name, value in of_one.items()})
    found: Counter[Any] = Counter()
    for row in answer.rows:
        found.update({(tuple(row[key] for key in KEYS), name): row[name] for name in row if name in COMPARED})
    assert answer.reached is None
    assert +found == +wanted


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


MANY = [f"model-{number}" for number in range(9)]


def test_many_combinations_are_counted_to_the_last(people: People, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many values one column has, the values of each are counted by themselves."""
    monkeypatch.setattr(list_summary, "BUDGET_MS", 60_000)
    monkeypatch.setattr(value_counts, "MOST_VALUES", 3)
    monkeypatch.setattr(rollup_queries, "MOST_GROUPS", 3)
    hit = GatewayStatus(cache_status="hit")
    store(*({"id": ago(30 + number), "model": name, "user": name} for number, name in enumerate(MANY)),
          {"id": ago(1), "model": "rare", "status_code": 503, "is_success": False, "gateway": hit},
          *({"id": ago(2 + number), "model": name} for number, name in enumerate(MANY[-2:])))  # fmt: skip
    _, found = shown(people, "")
    by_title = {facet.title: facet for facet in found}
    assert {title: {value.words: value.count for value in by_title[title].values} for title in ("HTTP status", "Cache")} == {
        "HTTP status": {"200": 11, "503": 1}, "Cache": {"Disabled": 11, "Hit": 1},
    }  # fmt: skip
    assert [(value.words, value.count) for value in by_title["Model"].values][:2] == [("model-7", 2), ("model-8", 2)]
    assert len(by_title["Model"].values) + by_title["Model"].others == len(MANY) + 1
    assert len(by_title["User"].values) + by_title["User"].others == len(MANY)
    assert all(facet.is_exact for facet in found)


def test_where_pieces_have_too_many_values_the_page_says_at_least(
    people: People, store: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_summary, "BUDGET_MS", 60_000)
    store(*({"id": ago(hours), "model": name, "virtual_key": "vk"} for name in MANY for hours in (1, 40)))
    client.force_login(people.alice)

    def page() -> str:
        return client.get("/w/acme/logs/glance/facets/?virtual_key=vk").content.decode()

    assert "at least" not in page()
    monkeypatch.setattr(value_counts, "MOST_VALUES", 6)
    models, *others = page().split("</section>")
    assert '<span class="muted">at least ' in models
    assert "and at least " in models
    assert not any("at least" in section for section in others)


@pytest.mark.parametrize("query", ["status=abc", "q=hello", "since=2026-01-02&until=2026-01-01"])
def test_where_there_is_nothing_to_add_up(some: People, query: str, client: Client) -> None:
    assert list_summary.ask(some.workspace, QueryDict(query)) is None
    client.force_login(some.alice)
    for part in ("histogram", "facets"):
        assert client.get(f"/w/acme/logs/glance/{part}/?{query}").status_code == 200


def test_out_of_time_is_said(some: People, monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    def out_of_time(*args: Any, **kwargs: Any) -> Any:
        raise rollup_queries.OutOfTime

    monkeypatch.setattr(rollup_queries, "read", out_of_time)
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

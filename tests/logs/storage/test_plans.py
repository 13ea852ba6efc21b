"""Nothing that a page waits for grows with the number of logs, unless a budget ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from logs.exports import work
from logs.exports.models import Export
from logs.ingest.rows import commit_batch
from logs.llm.gateway_status import GatewayStatus
from logs.models import Log
from logs.record import LogRecord
from logs.storage import partitions, time_budget
from logs.storage.search import index
from logs.views.analytics import tabs
from portkey_logs.lib import uuid7
from tests.factories import People, make_record
from tests.logs.storage.plans import Statement, explained

DAYS = 5
A_DAY = 60  # logs: more than fit on a page


@pytest.fixture
def days(people: People) -> list[LogRecord]:
    """Some days of logs of all kinds, each day in a partition of its own."""
    now = uuid7.ms_of(datetime.now(UTC))
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {table}_all")
    partitions.ensure(connection, now - DAYS * partitions.DAY_MS, now)
    records = [
        make_record(
            people.workspace.pk,
            id=uuid7.uuid7(now - number * partitions.DAY_MS // A_DAY),
            trace_id=f"trace-{number // 3}",
            model=f"model-{number % 7}",
            user=f"user-{number % 11}",
            config=f"pc-{number % 3}",
            prompt=f"pp-{number % 3}",
            virtual_key=f"vk-{number % 2}",
            provider=("openai", "anthropic")[number % 2],
            is_success=number % 5 != 0,
            status_code=200 if number % 5 else 500,
            metadata={"env": ("prod", "test")[number % 2]},
            gateway=GatewayStatus(cache_status=("hit", "miss")[number % 2]),
        )
        for number in range(DAYS * A_DAY)
    ]
    commit_batch(connection, records)
    index.work(connection, seconds=60)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE log, log_body, log_terms")
        cursor.execute("SET LOCAL statement_timeout = 0")  # the writer's, whose transaction would be over
    return records


def visit(client: Client, *addresses: str, **headers: str) -> list[Statement]:
    """What each of these pages asks of the log tables; none may have a fault."""
    found = []
    for address in addresses:
        with explained() as statements:
            answer = client.get(address, headers=headers)
            b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code in (200, 302), address
        assert [(address, each.faults, each.sql) for each in statements if each.faults] == []
        found += statements
    return found


SELECTIONS = [
    "", "cursor={id}", "cursor=newer-{id}", "model=model-1", "user=user-1", "trace_id=trace-1,trace-2", "meta.env=prod",
    "api_key=test key", "status=failed", "since=3d&until=1d", "provider=openai", "model=model-1&cache=hit",
    "user=user-1&status=failed&cursor={id}", "feedback=negative", "columns=model,meta.env,api_key",
]  # fmt: skip


def test_the_list_and_its_twins(days: list[LogRecord], people: People, client: Client, api_key: str) -> None:
    client.force_login(people.alice)
    queries = [selection.format(id=days[100].id) for selection in SELECTIONS]
    searched = visit(client, "/w/acme/logs/?q=say", "/w/acme/logs/?q=say&model=model-1&cache=hit")
    assert {"log", "log_terms", "log_body"} == {table for statement in searched for table in statement.reads}
    seen = visit(client, *(f"/w/acme/logs/?{query}" for query in queries))
    some = ["", "model=model-1", "provider=openai", "model=model-1&cache=hit"]
    seen += visit(client, *(f"/w/acme/logs.json?{query}" for query in some))
    seen += visit(client, *(f"/v1/logs?{query}" for query in some), **{"x-portkey-api-key": api_key})
    assert {"log"} == {table for statement in seen for table in statement.reads}


def test_what_stands_beside_the_list(days: list[LogRecord], people: People, client: Client) -> None:
    client.force_login(people.alice)
    log, now = f"/w/acme/logs/{days[100].id}", uuid7.ms_of(datetime.now(UTC))
    some = ["", "provider=openai", "model=model-1&cache=hit", "q=say"]
    visit(client, *(f"{log}/?{query}" for query in some), "/w/acme/logs/?all=1")
    visit(client, *(f"{log}{part}" for part in ("/related/", ".json", "/raw/request", "/body/response/?view=json")))
    visit(client, *(f"/w/acme/logs/count/?{query}" for query in some))
    visit(client, *(f"/w/acme/logs/live/?after={now}&{query}" for query in some))
    visit(client, *(f"/w/acme/logs/glance/{part}/?user=user-1" for part in ("histogram", "facets")))
    visit(client, "/w/acme/logs/complete/?line=user:&at=5", "/w/acme/replays/new/?user=user-1&cache=hit")


@pytest.mark.parametrize("query", ["", "model=model-1", "model=model-1&cache=hit"])
def test_exports(
    query: str, days: list[LogRecord], people: People, client: Client, settings: Any, tmp_path: Any
) -> None:
    settings.DATA_DIR = tmp_path
    client.force_login(people.alice)
    visit(client, f"/w/acme/exports/new/?{query}")
    export = Export(workspace=people.workspace, created_by=people.alice, fields=["id", "request"], query=query)
    export.save()
    assert export.start()
    with explained() as statements:
        while work.work():
            pass
    assert {"log", "log_body"} == {table for statement in statements for table in statement.reads}
    assert [statement for statement in statements if statement.faults] == []


def test_analytics(days: list[LogRecord], people: People, client: Client, api_key: str) -> None:
    client.force_login(people.alice)
    visit(client, *(f"/w/acme/analytics/{tab.name}/?all=1&compare=1&virtual_key=vk-1" for tab in tabs()))
    visit(client, "/w/acme/analytics/summary.csv", "/w/acme/analytics/?cache=hit")
    now = datetime.now(UTC)
    month = urlencode({"time_of_generation_min": now - timedelta(days=30), "time_of_generation_max": now})
    for call in ("graphs/cost", "groups/users", "groups/metadata/env", "summary/cache"):
        visit(client, f"/v1/analytics/{call}?{month}", **{"x-portkey-api-key": api_key})


def test_what_would_be_found(days: list[LogRecord], people: People) -> None:
    """The watch itself: each of these is a fault, and none within a budget."""
    logs = Log.objects.in_workspace(people.workspace)
    for slow in (
        logs.filter(provider="openai"),
        logs.filter(provider="openai").newest_first()[:50],
        logs.filter(model="model-1"),
        logs.filter(model="model-1", provider="openai").newest_first()[:50],
        logs.older_than(days[0].id).filter(cache_status="hit").newest_first()[:50],
        Log.objects.filter(error_code="x")[:50],
    ):
        with explained() as statements:
            list(slow)
            time_budget.within(60_000, slow.all())
        assert [bool(statement.faults) for statement in statements] == [True, False], slow.query
    with explained() as statements:
        list(logs.filter(id__gt=days[200].id, id__lt=days[100].id).filter(provider="openai"))
    assert [statement.faults for statement in statements] == [[]]

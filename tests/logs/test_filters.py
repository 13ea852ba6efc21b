"""Every filter narrows to the right logs; what cannot be understood selects nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.http import QueryDict

from logs import filters, ids
from logs.ingest.record import GatewayStatus
from logs.ingest.writer import commit_batch
from logs.models import Log
from tests.factories import People, make_record

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def store(people: People, *records: dict[str, Any]) -> None:
    from django.db import connection

    commit_batch(
        connection, [make_record(people.workspace.id, **{"trace_id": str(n)} | r) for n, r in enumerate(records)]
    )


def found(people: People, query: str) -> list[str]:
    selection = filters.select(Log.objects.in_workspace(people.workspace), QueryDict(query))
    assert selection.is_valid, selection.form.errors
    return sorted(selection.queryset.values_list("trace_id", flat=True))


def at(ago: timedelta) -> Any:
    return ids.uuid7(int((NOW - ago).timestamp() * 1000))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["0", "1", "2"]),
        ("model=gpt-4o", ["1"]),
        ("model=!gpt-4o", ["0", "2"]),
        ("provider=anthropic", ["2"]),
        ("type=embedding", ["2"]),
        ("status=429", ["1"]),
        ("status=4xx", ["1"]),
        ("status=!4xx", ["0", "2"]),
        ("status=failed", ["1"]),
        ("status=ok", ["0", "2"]),
        ("status=!ok", ["1"]),
        ("cache=hit", ["2"]),
        ("retry=success", ["0"]),
        ("fallback=triggered", ["1"]),
        ("loadbalance=active", ["2"]),
        ("user=ada", ["0"]),
        ("user=!ada", ["1", "2"]),
        ("trace_id=2", ["2"]),
        ("config=pc-main", ["1"]),
        ("prompt=pp-hi", ["2"]),
        ("status=ok&provider=anthropic", ["2"]),
        ("model=gpt-4o&user=ada", []),
        ("unknown=1", ["0", "1", "2"]),
    ],
)
def test_each_filter(people: People, query: str, wanted: list[str]) -> None:
    store(
        people,
        {"user": "ada", "gateway": GatewayStatus(retry_status="success", retry_count=2)},
        {
            "model": "gpt-4o", "status_code": 429, "is_success": False, "config": "pc-main",
            "gateway": GatewayStatus(fallback_status="triggered", fallback_option=1),
        },
        {
            "provider": "anthropic", "request_type": "embedding", "prompt": "pp-hi",
            "gateway": GatewayStatus(cache_status="hit", loadbalance_status="active"),
        },
    )  # fmt: skip
    assert found(people, query) == wanted


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("since=2h", ["0", "1"]),
        ("since=90m&until=30m", ["1"]),
        ("until=2026-11-23", ["2"]),
        ("since=2026-11-23T11:30Z", ["0"]),
        ("since=2026-11-23T12:30%2B01:00", ["0"]),
        ("since=3d", ["0", "1", "2"]),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_time_ranges(people: People, query: str, wanted: list[str]) -> None:
    hours = [timedelta(minutes=5), timedelta(hours=1), timedelta(days=2)]
    store(people, *({"id": at(ago)} for ago in hours))
    assert found(people, query) == wanted


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("since", "yesterday"), ("since", "99999-01-01"), ("since", "2026-13-01"), ("since", "1066-10-14"), ("until", "\x00"),
        ("type", "chat"), ("status", "abc"), ("status", "9xx"), ("status", "1e3"), ("cache", "HIT!"), ("retry", "x"),
        ("fallback", "1"), ("loadbalance", "yes"), ("model", "x" * 301), ("user", "a\x00b"),
    ],
)  # fmt: skip
def test_bad_values_select_nothing_and_name_the_field(people: People, field: str, value: str) -> None:
    store(people, {})
    query = QueryDict(mutable=True)
    query[field] = value
    selection = filters.select(Log.objects.in_workspace(people.workspace), query)
    assert not selection.is_valid
    assert list(selection.form.errors) == [field]
    assert list(selection.queryset) == []


def test_terms_say_what_is_shown_and_can_be_removed(people: People) -> None:
    query = QueryDict("model=gpt-4o&cache=hit&user=!ada&since=2026-11-20&cursor=abc&type=")
    selection = filters.select(Log.objects.in_workspace(people.workspace), query)
    assert [(term.label, term.value) for term in selection.terms] == [
        ("From", "2026-11-20"), ("Model", "gpt-4o"), ("Cache", "Cache Hit"), ("User", "not ada"),
    ]  # fmt: skip
    assert selection.terms[1].remove_query == "cache=hit&user=%21ada&since=2026-11-20&type="
    assert selection.sentence == (
        "Newest first, from 20 Nov 2026, 00:00 UTC until now; only Model gpt-4o, Cache Hit, User not ada"
    )


@pytest.mark.parametrize(
    ("query", "indexed"),
    [("", True), ("model=x", True), ("model=!x", False), ("provider=x", False), ("provider=x&user=y", True),
     ("status=failed", True), ("status=500", False), ("since=1h", True)],
)  # fmt: skip
def test_which_selections_an_index_answers(people: People, query: str, indexed: bool) -> None:
    assert filters.select(Log.objects.all(), QueryDict(query)).answers_from_index is indexed


def test_every_filter_is_documented() -> None:
    documented = (Path(__file__).parents[2] / "docs/filters.md").read_text()
    for name in filters.LogFilterSet.base_filters:
        assert f"| `{name}` |" in documented

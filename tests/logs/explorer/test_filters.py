"""Every filter narrows to the right logs; what cannot be understood selects nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.http import QueryDict

from logs.explorer import filters
from logs.ingest.writer import commit_batch
from logs.llm.gateway_status import GatewayStatus
from logs.models import Log
from portkey_logs.lib import uuid7
from tests.factories import People, make_key, make_record

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
    return uuid7.uuid7(int((NOW - ago).timestamp() * 1000))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", "012"),
        ("unknown=1", "012"),
        ("model=gpt-4o", "1"),
        ("model=!gpt-4o", "02"),
        ("model=gpt-4o,o1", "12"),
        ("model=!gpt-4o,o1", "0"),
        ("model=gpt-4o*", "01"),
        ("model=!gpt*", "2"),
        ("model=o*,gpt-4o", "12"),
        ("provider=anthropic", "2"),
        ("type=embedding", "2"),
        ("type=!embedding,message", "01"),
        ("has=image", "2"),
        ("has=audio,tools", "01"),
        ("has=!tools", "12"),
        ("has=error", "1"),
        ("status=429", "1"),
        ("status=4xx", "1"),
        ("status=!4xx", "02"),
        ("status=>=400", "1"),
        ("status=>429", ""),
        ("status=<429", "0"),
        ("status=200,429", "01"),
        ("status=!200,429", "2"),
        ("status=failed", "1"),
        ("status=ok", "02"),
        ("status=!ok", "1"),
        ("status=failed,200", "01"),
        ("completeness=cut", "2"),
        ("cache=hit", "2"),
        ("cache=!hit", "01"),
        ("cache=hit,disabled", "012"),
        ("retry=success", "0"),
        ("retries_min=1", "0"),
        ("retries_min=2", "0"),
        ("retries_min=>2", ""),
        ("fallback=triggered", "1"),
        ("loadbalance=active", "2"),
        ("option=1", "1"),
        ("option=3", "2"),
        ("option=!3", "01"),
        ("option=config.targets[0].targets[1]", "1"),
        ("option=config.targets[3]*", "2"),
        ("user=ada", "0"),
        ("user=!ada", "12"),
        ("user=*", "02"),
        ("user=!*", "1"),
        ('user="Doe, \\"J\\""', "2"),
        ("trace_id=2", "2"),
        ("trace_id=0,1,9", "01"),
        ("config=pc-main", "1"),
        ("prompt=pp-hi", "2"),
        ("virtual_key=openai-prod", "0"),
        ("api_key=laptop", "0"),
        ("api_key=!laptop", "12"),
        ("api_key=lap*", "0"),
        ("source=capture", "1"),
        ("tokens_min=20", "01"),
        ("tokens_min=>20", "1"),
        ("tokens_max=20", "0"),
        ("cost_min=0.5", "12"),
        ("cost_min=>0.5", "2"),
        ("cost_max=<0.5", ""),
        ("latency_min=1s", "1"),
        ("latency_min=>1000ms", ""),
        ("latency_max=412", "0"),
        ("meta.env=prod", "0"),
        ("meta.env=!prod", "12"),
        ("meta.env=prod,dev", "01"),
        ("meta.env=pr*", "0"),
        ("meta.env=*", "01"),
        ("meta.env=!*", "2"),
        ("meta.env=prod&meta.team=b", "0"),
        ("meta.env=prod&meta.team=c", ""),
        ("meta.a=b%3Dc", "0"),
        ("meta.a%3Db=c", "1"),
        ("status=ok&provider=anthropic", "2"),
        ("model=gpt-4o&user=ada", ""),
    ],
)
def test_each_filter(people: People, query: str, wanted: str) -> None:
    key, _ = make_key(people.workspace, name="laptop")
    make_key(people.elsewhere, name="laptop")
    store(
        people,
        {
            "user": "ada", "gateway": GatewayStatus(retry_status="success", retry_count=2), "has_tools": True,
            "virtual_key": "openai-prod", "api_key_id": key.pk, "metadata": {"env": "prod", "team": "b", "a": "b=c"},
        },
        {
            "model": "gpt-4o", "status_code": 429, "is_success": False, "config": "pc-main", "has_audio": True,
            "gateway": GatewayStatus(
                fallback_status="triggered", fallback_option=1, option_path="config.targets[0].targets[1]"
            ),
            "source": "capture", "total_tokens": 21, "cost": Decimal("0.5"), "latency_ms": 1000,
            "metadata": {"env": "dev", "a=b": "c"},
        },
        {
            "provider": "anthropic", "model": "o1", "request_type": "embedding", "prompt": "pp-hi", "has_images": True,
            "gateway": GatewayStatus(
                cache_status="hit", loadbalance_status="active", option_path="config.targets[3].targets[1]"
            ),
            "user": 'Doe, "J"', "status_code": None, "completeness": "cut", "total_tokens": None,
            "cost": Decimal("0.50000001"), "latency_ms": None,
        },
    )  # fmt: skip
    assert "".join(found(people, query)) == wanted


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
        ("fallback", "1"), ("loadbalance", "yes"), ("model", "x" * 301), ("user", "a\x00b"), ("model", "a,,b"),
        ("model", "!"), ("user", '"a'), ("user", '"a"b'), ("trace_id", ",".join(["x"] * 101)), ("cache", "hi*"),
        ("has", "images"), ("completeness", "half"), ("source", "mail"), ("status", ">=4"), ("status", "2xx*"),
        ("retries_min", "-1"), ("retries_min", "1.5"), ("retries_min", "99999"), ("option", "first"),
        ("option", "targets[1]"), ("tokens_min", "many"), ("tokens_max", ">5"), ("tokens_min", "9" * 13),
        ("cost_min", "1e3"), ("cost_min", "NaN"), ("cost_max", "0.123456789"), ("latency_min", "2h"),
        ("latency_max", "0.5"), ("virtual_key", "!,"), ("api_key", ","), ("meta.env", '"'), ("meta.env", "a,"),
        ("provider", "x" * 301), ("config", "!"), ("prompt", "a,,b"),
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
    ("query", "label", "words"),
    [
        ("cache=!hit,miss", "Cache", "not Cache Hit or Cache Miss"),
        ("model=a,b*", "Model", "a or b*"),
        ('user="Doe, J"', "User", "Doe, J"),
        ("status=>=400", "HTTP status", ">=400"),
        ("cost_min=>2", "Cost in cents from", "more than 2"),
        ("latency_max=2s", "Latency in ms to", "2s"),
        ("meta.env=prod", "env", "prod"),
        ("source=!api", "Source", "not POST /v1/logs"),
        ("has=tools", "Has", "Tools"),
    ],
)
def test_every_term_is_said_in_words(people: People, query: str, label: str, words: str) -> None:
    (term,) = filters.select(Log.objects.in_workspace(people.workspace), QueryDict(query)).terms
    assert (term.label, term.value) == (label, words)


@pytest.mark.parametrize(
    ("query", "indexed"),
    [("", True), ("model=x", True), ("model=!x", False), ("model=x,y", False), ("model=x*", False), ("provider=x", False),
     ("provider=x&user=y", False), ("model=x&user=y", False), ("trace_id=x&provider=y", True), ("status=failed", True), ("status=500", False), ("since=1h", True), ("has=error", True),
     ("has=image", False), ("trace_id=x,y", True), ("trace_id=!x", False), ("meta.a=x", True), ("meta.a=*", False),
     ("virtual_key=x", True), ("api_key=x", True), ("cost_min=1", False), ("since=1h&source=api", False),
     ("since=1h&until=5m&user=x", True)],
)  # fmt: skip
def test_which_selections_an_index_answers(people: People, query: str, indexed: bool) -> None:
    assert filters.select(Log.objects.all(), QueryDict(query)).answers_from_index is indexed


def test_the_docs_name_every_filter_and_what_an_index_answers() -> None:
    table = (Path(__file__).parents[3] / "docs/filters.md").read_text()
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    documented = {row[1].strip(" `"): row[4].strip() for row in rows if len(row) == 6}
    code = {name: each.index for name, each in filters.LogFilterSet.base_filters.items()} | {"meta.<key>": "yes"}
    assert documented == code

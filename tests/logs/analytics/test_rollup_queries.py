"""Sums out of rollups and logs together equal a plain calculation over the logs, whatever is folded already."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.http import QueryDict
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logs.analytics import rollup_queries
from logs.analytics.grid import Grid
from logs.analytics.percentiles import ERROR_BOUND, percentile
from logs.analytics.rollup_queries import CORE, DIM, LATENCY, Answer, OutOfTime
from logs.analytics.scope import Scope
from logs.ingest.rows import commit_batch
from logs.llm.gateway_status import GatewayStatus
from logs.models import Log, MetadataKey, RollupCore, RollupCoreDay, RollupDim, RollupLatency
from logs.record import LogRecord
from logs.storage import rollups, time_budget
from portkey_logs.lib import uuid7
from tests.factories import People, make_record

NOW = datetime(2026, 11, 23, 12, 34, 56, 789000, tzinfo=UTC)
SPANS = [timedelta(minutes=40), timedelta(hours=24), timedelta(days=7), timedelta(days=30), timedelta(days=90)]
FILTERS: dict[str, Callable[[LogRecord], bool]] = {
    "": lambda log: True,
    "model=gpt-4o": lambda log: log.model == "gpt-4o",
    "model=!gpt-4o": lambda log: log.model != "gpt-4o",
    "status=failed&cache=hit": lambda log: not log.is_success and log.gateway.cache_status == "hit",
    "status=5xx": lambda log: log.status_code is not None and log.status_code >= 500,
    "user=u1": lambda log: log.user == "u1",
    "user=!u1&provider=openai": lambda log: log.user != "u1" and log.provider == "openai",
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "ago": st.integers(1, 45 * 60_000) | st.integers(1, 60 * 24 * 3_600_000),  # ms
            "provider": st.sampled_from(["openai", None]),
            "model": st.sampled_from(["gpt-4o", "o1", None]),
            "status_code": st.sampled_from([200, 429, 500, None]),
            "is_success": st.booleans(),
            "cost": st.none() | st.decimals(0, 1000, places=8),
            "latency_ms": st.none() | st.integers(0, 100_000),
            "input_tokens": st.none() | st.integers(0, 2**31 - 1),
            "user": st.sampled_from(["u1", "u2", "u3", None]),
            "metadata": st.sampled_from([{}, {"env": "prod"}, {"env": "test"}]),
            "cache": st.sampled_from(["disabled", "hit", "miss"]),
        }
    ),
    max_size=25,
)


@pytest.fixture(autouse=True)
def at_that_time(time_machine: Any) -> None:
    time_machine.move_to(NOW + timedelta(minutes=1), tick=True)


def build(people: People, row: dict[str, Any]) -> LogRecord:
    row = dict(row)
    moment = uuid7.ms_of(NOW) - row.pop("ago")
    gateway = GatewayStatus(cache_status=row.pop("cache"))
    return make_record(people.workspace.pk, id=uuid7.uuid7(moment), gateway=gateway, **row)


def scope_of(people: People, since: datetime, query: str, until: datetime = NOW) -> Scope:
    params = QueryDict(f"since={since:%Y-%m-%dT%H:%M:%S.%fZ}&until={until:%Y-%m-%dT%H:%M:%S.%fZ}&{query}")
    scope = Scope.read(params, people.workspace, "overview")
    assert scope.is_valid
    return scope


def moment_of(log: LogRecord) -> datetime:
    return datetime.fromtimestamp(uuid7.time_ms(log.id) / 1000, UTC)


def place_of(log: LogRecord, grid: Grid) -> int:
    (place,) = [n for n, start in enumerate(grid.starts) if start <= moment_of(log) < start + grid.step]
    return place


def as_dict(answer: Answer, *keys: str) -> dict[Any, tuple[Any, ...]]:
    assert answer.reached is None
    return {tuple(row[key] for key in keys): tuple(v for k, v in row.items() if k not in keys) for row in answer.rows}


@given(rows=ROWS, folded=st.integers(0, 25), span=st.sampled_from(SPANS), query=st.sampled_from(sorted(FILTERS)))
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_sums_equal_a_plain_calculation(
    people: People, rows: list[dict[str, Any]], folded: int, span: timedelta, query: str
) -> None:
    for model in (Log, RollupCore, RollupCoreDay, RollupDim, RollupLatency, *(t.days for t in (CORE, DIM, LATENCY))):
        model.objects.all().delete()
    logs = [build(people, row) for row in rows]
    commit_batch(connection, logs[:folded], resent=True)
    rollups.fold(connection, NOW + timedelta(days=2))
    commit_batch(connection, logs[folded:], resent=True)

    scope = scope_of(people, NOW - span, query)
    chosen = [log for log in logs if scope.since <= moment_of(log) < scope.until and FILTERS[query](log)]
    asked = replace(scope.asked, budget_ms=60_000)  # how fast it is, is not the question here

    sums = ("requests", "input_tokens", "cost_spent", "cost_saved", "unpriced", "latency_ms", "latency_requests",
            "first_at", "last_at")  # fmt: skip
    expected: dict[Any, list[LogRecord]] = defaultdict(list)
    for log in chosen:
        expected[place_of(log, asked.grid), log.model, log.is_success].append(log)
    keys = ("place", "model", "is_success")
    assert as_dict(rollup_queries.read(asked, CORE, keys, sums), *keys) == {
        key: (
            len(group),
            sum(log.input_tokens or 0 for log in group),
            sum((rollups.costs(log)[0] for log in group), Decimal(0)),
            sum((rollups.costs(log)[1] for log in group), Decimal(0)),
            sum(log.cost is None for log in group),
            sum(log.latency_ms or 0 for log in group),
            sum(log.latency_ms is not None for log in group),
            min(moment_of(log) for log in group),
            max(moment_of(log) for log in group),
        )
        for key, group in expected.items()
    }
    total = as_dict(rollup_queries.read(asked, CORE, ("status_code",), only=Q(is_success=False)), "status_code")
    assert total == {(code,): (n,) for code, n in Counter(x.status_code for x in chosen if not x.is_success).items()}

    users = as_dict(
        rollup_queries.read(asked, DIM, ("value",), ("requests", "failures", "cache_hits"), dimension="user"), "value"
    )
    by_user: dict[Any, list[LogRecord]] = defaultdict(list)
    for log in chosen:
        if log.user:
            by_user[(log.user,)].append(log)
    assert users == {
        key: (
            len(group),
            sum(not log.is_success for log in group),
            sum(log.gateway.cache_status == "hit" for log in group),
        )
        for key, group in by_user.items()
    }
    found = rollup_queries.spread(asked, "user")
    placed = [(place_of(x, asked.grid), x.user) for x in chosen if x.user]
    assert found.values == Counter(place for place, _ in set(placed))
    assert found.requests == Counter(place for place, _ in placed)
    assert found.total == len(by_user)

    steps = as_dict(rollup_queries.read(asked, LATENCY, ("place", "step")), "place", "step")
    assert steps == {
        key: (n,)
        for key, n in Counter(
            (place_of(log, asked.grid), rollups.latency_step(log.latency_ms))
            for log in chosen
            if log.latency_ms is not None
        ).items()
    }


def test_a_metadata_key_counts_from_rollups_only_once_all_writers_know_it(people: People) -> None:
    env = [{"metadata": {"env": "prod"}}, {"metadata": {"env": "test"}}]
    late = NOW - timedelta(minutes=5)
    before = [
        make_record(people.workspace.pk, id=uuid7.uuid7(uuid7.ms_of(NOW - timedelta(days=20))), **each) for each in env
    ]
    commit_batch(connection, before, resent=True)
    key = MetadataKey.objects.create(workspace=people.workspace, key="env", declared_at=NOW - timedelta(days=10))
    after = [
        make_record(people.workspace.pk, id=uuid7.uuid7(uuid7.ms_of(late - timedelta(days=n))), **env[0])
        for n in (0, 3)
    ]
    commit_batch(connection, after, resent=True)
    assert RollupDim.objects.filter(dimension="meta.env").count() == 2
    rollups.fold(connection, NOW + timedelta(days=2))
    asked = scope_of(people, NOW - timedelta(days=30), "").asked
    answer = rollup_queries.read(asked, DIM, ("value",), dimension="meta.env", rolled_up_from=key.rolled_up_from)
    assert as_dict(answer, "value") == {("prod",): (3,), ("test",): (1,)}


def test_what_rollups_do_not_know_is_counted_as_far_as_the_time_goes(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [1, 2, 3, 40]
    commit_batch(
        connection,
        [
            make_record(people.workspace.pk, id=uuid7.uuid7(uuid7.ms_of(NOW - timedelta(days=n))), user="u1")
            for n in days
        ],
        resent=True,
    )
    asked = scope_of(people, NOW - timedelta(days=30), "user=u1").asked
    assert as_dict(rollup_queries.read(asked, CORE, ())) == {(): (3,)}

    calls = []

    def only_two(ms: int, rows: Any) -> Any:
        calls.append(ms)
        return within(ms, rows) if len(calls) <= 2 else None

    within = time_budget.within
    monkeypatch.setattr(time_budget, "within", only_two)
    answer = rollup_queries.read(asked, CORE, ())
    assert answer.rows == [{"requests": 2}]
    assert answer.reached == datetime(2026, 11, 21, tzinfo=UTC)  # a day, then two
    monkeypatch.setattr(time_budget, "within", lambda ms, rows: None)
    for query in ("user=u1", ""):
        with pytest.raises(OutOfTime):
            rollup_queries.read(scope_of(people, NOW - timedelta(days=30), query).asked, CORE, ())


def test_nobody_elses_logs_count(people: People) -> None:
    commit_batch(connection, [make_record(people.elsewhere.pk, user="u1")])
    for query in ("", "user=u1"):
        scope = Scope.read(QueryDict(query), people.workspace, "overview")
        assert rollup_queries.read(scope.asked, CORE, ("model",)).rows == []
        assert rollup_queries.read(scope.asked, DIM, ("value",), dimension="user").rows == []
        assert rollup_queries.read(scope.asked, LATENCY, ("step",)).rows == []


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.95, 0.99, 1]))
def test_percentiles_are_within_their_bound(latencies: list[int], share: float) -> None:
    counts = Counter(rollups.latency_step(ms) for ms in latencies)
    exact = sorted(latencies)[max(-(-round(share * 1000) * len(latencies) // 1000) - 1, 0)]
    found = percentile(counts, share)
    assert found is not None
    assert abs(found - exact) <= ERROR_BOUND * exact


def test_no_percentile_of_nothing() -> None:
    assert percentile({}, 0.5) is None

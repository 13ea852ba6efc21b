"""Rollups: exact to the digit, folded or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logs.ingest.rows import commit_batch
from logs.llm.gateway_status import GatewayStatus
from logs.models import MetadataKey, RollupCore, RollupCoreDay, RollupDim, RollupLatency
from logs.storage import rollups
from portkey_logs.lib import uuid7
from tests.factories import People, make_key, make_record
from tests.logs.analytics import sums


@given(ms=st.integers(0, 2**31 - 1))
def test_a_latency_lies_in_its_step(ms: int) -> None:
    low, high = rollups.step_bounds(rollups.latency_step(ms))
    assert low <= ms < high


@given(ms=st.integers(1, 2**31 - 1))
def test_the_middle_of_a_step_is_within_five_percent(ms: int) -> None:
    low, high = rollups.step_bounds(rollups.latency_step(ms))
    assert abs((low * high) ** 0.5 - ms) / ms < 0.05


def test_steps_join_and_fit_the_column() -> None:
    assert rollups.step_bounds(0) == (0.0, 1.0)
    for step in range(1, 227):
        assert rollups.step_bounds(step)[1] == rollups.step_bounds(step + 1)[0]
    assert rollups.latency_step(2**31 - 1) < 2**15


def test_an_answer_from_the_cache_saves_its_price() -> None:
    for status in ("hit", "semantic_hit"):
        record = make_record(1, cost=Decimal("0.5"), gateway=GatewayStatus(cache_status=status))
        assert rollups.costs(record) == (0, Decimal("0.5"))
    for status in ("miss", "refreshed", "disabled", "unknown"):
        record = make_record(1, cost=Decimal("0.5"), gateway=GatewayStatus(cache_status=status))
        assert rollups.costs(record) == (Decimal("0.5"), 0)
    assert rollups.costs(make_record(1, cost=None)) == (0, 0)


records = st.lists(
    st.fixed_dictionaries(
        {
            "minutes": st.integers(0, 40) | st.integers(0, 60 * 48),
            "model": st.sampled_from(["gpt-4o", "o1", None]),
            "status_code": st.sampled_from([200, 404, 500, None]),
            "is_success": st.booleans(),
            "cost": st.none() | st.decimals(0, 1000, places=8),
            "latency_ms": st.none() | st.integers(0, 100_000),
            "input_tokens": st.none() | st.integers(0, 2**31 - 1),
            "user": st.sampled_from(["u1", "u2", None]),
            "config": st.sampled_from(["pc-1", None]),
            "error_type": st.sampled_from(["rate_limit", None]),
            "metadata": st.sampled_from([{}, {"env": "prod"}, {"env": "test", "team": "a"}]),
            "option": st.sampled_from([None, "config.targets[0]", "config.targets[1]"]),
            "cache": st.sampled_from(["disabled", "hit", "miss"]),
            "retry": st.sampled_from(["not_triggered", "success", "failed"]),
            "fallback": st.sampled_from(["disabled", "active", "triggered"]),
        }
    ),
    min_size=1,
    max_size=12,
)


def build(people: People, values: dict[str, Any], api_key_id: int) -> Any:
    values = dict(values)
    moment = uuid7.time_ms(uuid7.uuid7()) - values.pop("minutes") * 60_000
    gateway = GatewayStatus(
        cache_status=values.pop("cache"),
        retry_status=values.pop("retry"),
        fallback_status=values.pop("fallback"),
        option_path=values.pop("option"),
    )
    return make_record(people.workspace.pk, id=uuid7.uuid7(moment), gateway=gateway, api_key_id=api_key_id, **values)


@given(rows=records, fold_after=st.integers(0, 12))
@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_sums_are_those_of_the_logs(people: People, rows: list[dict[str, Any]], fold_after: int) -> None:
    key, _ = make_key(people.workspace)
    MetadataKey.objects.get_or_create(workspace=people.workspace, key="env")
    batch = [build(people, row, key.pk) for row in rows]
    later = datetime.now(UTC) + timedelta(days=2)  # so that every bucket is over
    commit_batch(connection, batch[:fold_after])
    rollups.fold(connection, later)
    commit_batch(connection, batch[fold_after:])
    for _ in range(2):
        assert sums.core_of_rollups() == sums.core_of_logs()
        assert sums.dimensions_of_rollups() == sums.dimensions_of_logs(metadata_keys=("env",))
        assert sums.core_of_days() == sums.core_of_logs(span="1 day")
        assert sums.dimensions_of_days() == sums.dimensions_of_logs("1 day", ("env",))
        rollups.fold(connection, later)
    assert not RollupCore.objects.filter(folded=False).exists()


def test_duplicates_count_once(people: People) -> None:
    record = make_record(people.workspace.pk, user="u1", idempotent=True)
    commit_batch(connection, [record, record])
    commit_batch(connection, [record])
    assert sums.core_of_rollups() == sums.core_of_logs()
    assert RollupDim.objects.get(dimension="user").requests == 1
    assert RollupLatency.objects.get().requests == 1


def test_one_row_per_key_after_folding(people: People) -> None:
    for _ in range(5):
        commit_batch(connection, [make_record(people.workspace.pk, latency_ms=100)])
    assert RollupCore.objects.count() == 5
    rollups.fold(connection, datetime.now(UTC) + timedelta(days=2))
    assert RollupCore.objects.get().requests == 5
    assert RollupCoreDay.objects.get().requests == 5
    assert RollupLatency.objects.get().requests == 5


def test_a_quiet_bucket_that_is_not_over_waits(people: People) -> None:
    commit_batch(connection, [make_record(people.workspace.pk)])
    assert rollups.fold(connection, datetime.now(UTC)) == 0
    assert rollups.fold(connection, datetime.now(UTC) + timedelta(hours=3)) == 2  # core, latency


def test_a_bucket_that_cannot_be_folded_holds_up_no_other(
    people: People, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rollups, "_failed", {})
    monkeypatch.setattr(rollups, "FOLD_BUCKETS", 1)
    now = datetime.now(UTC)
    for days in (1, 1, 0, 0):
        moment = uuid7.ms_of(now - timedelta(days=days))
        commit_batch(connection, [make_record(people.workspace.pk, id=uuid7.uuid7(moment))])
    bad = RollupCore.objects.filter(bucket__lt=now - timedelta(hours=1))
    bad.update(requests=2**62)  # the sum of two of them fits no bigint
    later = now + timedelta(days=2)
    rollups.fold(connection, later)
    assert "rollup_core cannot fold" in caplog.text
    assert not RollupCore.objects.filter(folded=True).exists()
    rollups.fold(connection, later)
    assert RollupCore.objects.get(folded=True).requests == 2  # the one behind it
    assert bad.count() == 2  # nothing is lost
    bad.update(requests=1)
    rollups.fold(connection, later)
    assert bad.count() == 2  # it waits …
    rollups.fold(connection, later + rollups.FOLD_AGAIN)  # … but not for ever
    assert bad.get().requests == 2


def test_a_busy_bucket_is_folded_before_it_is_over(people: People, monkeypatch: Any) -> None:
    monkeypatch.setattr(rollups, "FOLD_ROWS", 3)
    now = datetime.now(UTC)
    for _ in range(3):
        commit_batch(connection, [make_record(people.workspace.pk, id=uuid7.uuid7(int(now.timestamp() * 1000)))])
    rollups.fold(connection, now)
    assert RollupCore.objects.get().requests == 3


def test_a_busy_bucket_is_not_rewritten_for_a_few_rows(people: People, monkeypatch: Any) -> None:
    monkeypatch.setattr(rollups, "FOLD_ROWS", 1)
    now = datetime.now(UTC)

    def come_in(*models: str) -> None:
        for model in models:
            commit_batch(connection, [make_record(people.workspace.pk, id=uuid7.uuid7(uuid7.ms_of(now)), model=model)])
        rollups.fold(connection, now)

    come_in("a", "b", "c")
    come_in("a", "b")
    assert RollupCore.objects.filter(folded=False).count() == 2
    come_in("c")
    assert sorted(RollupCore.objects.values_list("requests", "folded")) == [(2, True)] * 3
    assert sums.core_of_rollups() == sums.core_of_logs()

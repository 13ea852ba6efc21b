"""Partitions: there when an insert needs them, gone after the retention, never made twice."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from logs.models import Log
from logs.storage import partitions
from logs.storage.partitions import DAY_MS

NOW = int(datetime(2026, 11, 23, 15, 30, tzinfo=UTC).timestamp() * 1000)  # a Monday


@pytest.fixture
def empty(db: None) -> None:
    """No partition, until the test's transaction is rolled back."""
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {table}_all")


def names(table: str = "log") -> list[str]:
    with connection.cursor() as cursor:
        return [partition.name for partition in partitions.existing(cursor, table)]


def spans(table: str = "log") -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        return [(p.start_ms, p.end_ms) for p in partitions.existing(cursor, table)]


def test_one_a_day_a_week_ahead(empty: None) -> None:
    partitions.ahead(connection, NOW)
    assert names() == [f"log_p202611{day}" for day in range(23, 31)]
    assert names("log_body") == [f"log_body_p202611{day}" for day in range(23, 31)]


def test_again_makes_nothing(empty: None) -> None:
    partitions.ahead(connection, NOW)
    before = names()
    partitions.ahead(connection, NOW)
    partitions.ahead(connection, NOW + DAY_MS)
    assert names() == [*before, "log_p20261201"]


def test_weeks_for_a_long_retention(empty: None, settings: Settings) -> None:
    settings.RETENTION_DAYS = 61
    partitions.ahead(connection, NOW)
    assert names() == ["log_p20261123", "log_p20261130"]
    assert datetime.fromtimestamp(spans()[0][0] / 1000, UTC).weekday() == 0


def test_another_width_fills_the_gaps(empty: None, settings: Settings) -> None:
    settings.RETENTION_DAYS = 30
    partitions.ensure(connection, NOW + 2 * DAY_MS, NOW + 2 * DAY_MS)
    settings.RETENTION_DAYS = 90
    partitions.ensure(connection, NOW, NOW)
    assert names() == ["log_p20261123", "log_p20261125", "log_p20261126"]
    starts, ends = zip(*spans(), strict=True)
    assert starts[1:] == ends[:-1]
    assert ends[-1] - starts[0] == 7 * DAY_MS


@given(
    steps=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10), st.sampled_from([30, 90])), min_size=1, max_size=4)
)
@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_of_widths_covers_each_moment_once(
    empty: None, settings: Settings, steps: list[tuple[int, int, int]]
) -> None:
    point = transaction.savepoint_create()
    try:
        for first, days, retention in steps:
            settings.RETENTION_DAYS = retention
            partitions.ensure(connection, NOW + first * DAY_MS, NOW + (first + days) * DAY_MS)
            for moment in range(NOW + first * DAY_MS, NOW + (first + days) * DAY_MS + 1, DAY_MS):
                assert sum(start <= moment < end for start, end in spans()) == 1
        assert spans() == spans("log_body")
    finally:
        transaction.savepoint_rollback(point)


def test_labels_have_statistics_and_bodies_are_stored_as_they_are(empty: None) -> None:
    partitions.ensure(connection, NOW, NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attstattarget FROM pg_attribute WHERE attrelid = 'log_p20261123'::regclass AND attname = 'labels'"
        )
        assert cursor.fetchone() == (1000,)
        cursor.execute(
            "SELECT attstorage FROM pg_attribute"
            " WHERE attrelid = 'log_body_p20261123'::regclass AND attname IN ('request_body', 'response_body')"
        )
        assert cursor.fetchall() == [("e",), ("e",)]


def test_the_list_opens_only_the_newest_partition_it_needs(empty: None) -> None:
    partitions.ahead(connection, NOW)
    plan = Log.objects.filter(workspace_id=1).newest_first()[:50].explain()
    assert "Merge Append" not in plan
    assert "Index" in plan


def test_expired_ones_are_dropped_whole(empty: None, settings: Settings) -> None:
    settings.RETENTION_DAYS = 3
    partitions.ensure(connection, NOW - 5 * DAY_MS, NOW)
    dropped = partitions.drop_expired(connection, NOW)
    assert sorted(dropped) == [
        "log_body_p20261118",
        "log_body_p20261119",
        "log_p20261118",
        "log_p20261119",
        "log_terms_p20261118",
        "log_terms_p20261119",
    ]  # the 20th still has half a day inside the retention
    assert names()[0] == "log_p20261120"
    assert partitions.drop_expired(connection, NOW) == []


@pytest.mark.usefixtures("bare_tables")
def test_processes_may_race() -> None:
    start = threading.Barrier(6)
    errors: list[BaseException] = []

    def make() -> None:
        try:
            start.wait()
            partitions.ahead(connection, NOW)  # each thread has its own
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(names()) == 8


@pytest.mark.usefixtures("bare_tables")
def test_a_partition_in_use_is_left_for_later(settings: Settings) -> None:
    settings.RETENTION_DAYS = 3
    partitions.ensure(connection, NOW - 5 * DAY_MS, NOW - 5 * DAY_MS)
    reader = connection.copy()
    try:
        reader.set_autocommit(False)
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM log")
        assert partitions.drop_expired(connection, NOW) == ["log_body_p20261118", "log_terms_p20261118"]
    finally:
        reader.rollback()
        reader.close()
    assert partitions.drop_expired(connection, NOW) == ["log_p20261118"]

"""The worker: one round does everything, the loop is quiet, and it leaves when told to."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DataError, OperationalError, connection
from pytest_django.fixtures import Settings

from logs.exports.extension import ExportsExtension
from logs.ingest.rows import commit_batch
from logs.management import maintenance
from logs.models import IndexQueue, RollupCore
from logs.storage import partitions, rollups
from logs.storage.partitions import DAY_MS
from portkey_logs.lib import uuid7
from tests.factories import People, make_people, make_record
from tests.logs.processes import database_away, start, wait_until


def names() -> list[str]:
    with connection.cursor() as cursor:
        return [partition.name for partition in partitions.existing(cursor, "log")]


@pytest.mark.usefixtures("bare_tables")
def test_one_round(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    settings.RETENTION_DAYS = 3
    now = datetime.now(UTC)
    now_ms = int(now.timestamp() * 1000)
    people = make_people()
    for _ in range(2):
        commit_batch(connection, [make_record(people.workspace.pk, id=uuid7.uuid7(now_ms - 2 * DAY_MS))])
    partitions.ensure(connection, now_ms - 9 * DAY_MS, now_ms - 9 * DAY_MS)
    call_command("maintain", "--once")
    assert f"log_p{now - timedelta(days=9):%Y%m%d}" not in names()
    assert [f"log_p{now + timedelta(days=n):%Y%m%d}" for n in range(8)] == names()[-8:]
    assert RollupCore.objects.get().requests == 2
    assert capfd.readouterr() == ("", "")


def test_what_fails_does_not_hold_up_the_rest(
    people: People, store: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise DataError("numeric field overflow")

    monkeypatch.setattr(rollups, "fold", fail)
    monkeypatch.setattr(ExportsExtension, "maintain", fail)
    store({}, {})
    assert not maintenance.run_once()
    assert not IndexQueue.objects.exists()
    assert caplog.text.count("numeric field overflow\n") == 2
    monkeypatch.setattr(rollups, "fold", _lost)
    with pytest.raises(OperationalError):
        maintenance.run_once()


def _lost(*args: object) -> None:
    raise OperationalError("the server closed the connection unexpectedly")


@pytest.fixture
def workers(transactional_db: None) -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for worker in started:
        worker.kill()
        worker.wait()


def begin(workers: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    worker = start("manage.py", "maintain", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    workers.append(worker)
    return worker


def holders() -> set[int]:
    """Who has the worker's lock: process ids of the server."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
            " AND (classid::bigint << 32 | objid::bigint) = %s"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [maintenance._LOCK],
        )
        return {pid for (pid,) in cursor.fetchall()}


@pytest.mark.processes
def test_one_works_the_others_wait_and_take_over_quietly(workers: list[subprocess.Popen[str]]) -> None:
    first = begin(workers)
    wait_until(holders)
    second = begin(workers)
    (holder,) = holders()
    first.send_signal(signal.SIGKILL)
    wait_until(lambda: holders() - {holder})
    told = time.monotonic()
    second.send_signal(signal.SIGTERM)
    output, _ = second.communicate(timeout=10)
    assert time.monotonic() - told < maintenance.ROUND_SECONDS, "at once, not after its round"
    assert (second.returncode, output) == (0, "")
    assert first.communicate()[0] == ""


@pytest.mark.processes
def test_it_outlives_the_database(workers: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    worker = begin(workers)
    wait_until(holders)
    with database_away():
        wait_until(lambda: not holders())
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith("The database is away, maintenance waits: ")
    assert worker.stdout.readline() == "The database is back.\n"
    assert holders()
    worker.send_signal(signal.SIGTERM)
    assert worker.communicate(timeout=10)[0] == ""
    assert worker.returncode == 0

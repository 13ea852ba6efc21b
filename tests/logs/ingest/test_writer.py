"""The writer: each record once, with its body and its sums, whatever the database does meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
import zstandard
from django.conf import settings
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logs.ingest import writer as writer_module
from logs.ingest.rows import commit_batch
from logs.ingest.spool import Spool
from logs.ingest.writer import UnavailableError, Writer
from logs.llm.gateway_status import GatewayStatus
from logs.models import Log, LogBody, RollupCore
from logs.record import LogRecord
from logs.storage.partitions import DAY_MS
from portkey_logs.lib import uuid7
from tests.factories import People, make_key, make_people, make_record
from tests.logs.analytics import sums
from tests.logs.processes import database_away, wait_until


def states(outcomes: list[Any]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


# --- what is stored ----------------------------------------------------------------------------------------


def test_every_column_comes_back(people: People) -> None:
    key, _ = make_key(people.workspace)
    gateway = GatewayStatus(
        cache_status="miss",
        retry_status="success",
        retry_count=2,
        fallback_status="triggered",
        fallback_option=1,
        loadbalance_status="active",
        option_path="config.targets[1]",
    )
    record = make_record(
        people.workspace.pk,
        gateway=gateway,
        api_key_id=key.pk,
        metadata={"b": "2", "_user": "ü"},
        cost=Decimal("0.06600001"),
        cost_source="prices 1",
        span_id="s",
        parent_span_id="p",
        span_name="n",
        user="ü",
        config="pc-1",
        config_version_id="v1",
        prompt="pp-1",
        prompt_version_id="v2",
        prompt_in_config_target=True,
        virtual_key="vk",
        cached_tokens=1,
        reasoning_tokens=2,
        time_to_first_token_ms=3,
        finish_reason="stop",
        error_type="t",
        error_code="c",
        cache_write_tokens=4,
        input_audio_tokens=5,
        output_audio_tokens=6,
        has_images=True,
        has_audio=True,
        has_tools=True,
        error_message="m",
        stream=True,
    )
    before = datetime.now(UTC)
    assert states(commit_batch(connection, [record])) == ["stored"]
    log = Log.objects.get()
    for name in record.__struct_fields__:
        if hasattr(log, name):
            assert getattr(log, name) == getattr(record, name), name
    for name in gateway.__struct_fields__:
        assert getattr(log, name) == getattr(gateway, name), name
    assert log.labels == ["_user=ü", "b=2"]
    assert abs(log.received_at - before) < timedelta(seconds=10)


@given(request_body=st.none() | st.binary(max_size=300), response_body=st.none() | st.binary(max_size=300))
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bodies_come_back_to_the_byte(people: People, request_body: bytes | None, response_body: bytes | None) -> None:
    record = make_record(people.workspace.pk, request_body=request_body, response_body=response_body)
    commit_batch(connection, [record])
    body = LogBody.objects.get(id=record.id)
    for stored, sent in [(body.request_body, request_body), (body.response_body, response_body)]:
        assert (None if stored is None else zstandard.decompress(stored)) == sent
    assert msgspec.json.decode(zstandard.decompress(body.request_headers)) == record.request_headers


@given(text=st.text(st.characters(exclude_categories=()), max_size=20))
@example("\0\ud800\ud83d\ude00")
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_stored(people: People, text: str) -> None:
    record = make_record(
        people.workspace.pk, user=text, model=text, error_message=text, metadata={text: text}, trace_id=text
    )
    assert states(commit_batch(connection, [record])) == ["stored"]
    log = Log.objects.get(id=record.id)
    clean = "".join("�" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    assert (log.user, log.model, log.error_message, log.trace_id) == (clean,) * 4
    assert log.metadata == {clean: clean}


# --- each once ---------------------------------------------------------------------------------------------


def test_the_same_id_in_one_batch_the_first_wins(people: People) -> None:
    first = make_record(people.workspace.pk, user="first")
    second = make_record(people.workspace.pk, id=first.id, user="second")
    elsewhere = make_record(people.elsewhere.pk, id=first.id)
    assert states(commit_batch(connection, [first, second, elsewhere])) == ["stored", "duplicate", "stored"]
    assert Log.objects.get(workspace=people.workspace).user == "first"


def test_a_batch_with_known_and_new_ids(people: People) -> None:
    records = [make_record(people.workspace.pk) for _ in range(6)]
    commit_batch(connection, records[:3])
    assert states(commit_batch(connection, records)) == ["duplicate"] * 3 + ["stored"] * 3
    assert LogBody.objects.count() == 6
    assert sums.core_of_rollups() == sums.core_of_logs()


def test_what_is_resent_is_stored_once(people: People) -> None:
    records = [make_record(people.workspace.pk, idempotent=True) for _ in range(3)]
    assert states(commit_batch(connection, records)) == ["stored"] * 3
    assert states(commit_batch(connection, list(reversed(records)))) == ["duplicate"] * 3
    assert states(commit_batch(connection, records, resent=True)) == ["duplicate"] * 3


# --- refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"method": "M" * 11}, "method"),
        ({"status_code": 40_000}, "status_code"),
        ({"cost": Decimal(10) ** 11}, "cost"),
        ({"path": None}, "path"),
        ({"input_tokens": 2**40}, "input_tokens"),
        ({"gateway": GatewayStatus(retry_count=-(2**15) - 1)}, "retry_count"),
        ({"model": "".join(chr(0x4E00 + n * 7 % 20000) for n in range(9000))}, ""),
    ],
)
@pytest.mark.parametrize("idempotent", [False, True])
def test_only_the_bad_row_is_refused(people: People, values: dict[str, Any], field: str, idempotent: bool) -> None:
    records = [make_record(people.workspace.pk, idempotent=idempotent) for _ in range(7)]
    bad = make_record(people.workspace.pk, **values)
    outcomes = commit_batch(connection, [*records[:4], bad, *records[4:]])
    assert states(outcomes) == ["stored"] * 4 + ["refused"] + ["stored"] * 3
    assert outcomes[4].field in (field, "")
    assert outcomes[4].message
    assert Log.objects.count() == LogBody.objects.count() == 7
    assert sums.core_of_rollups() == sums.core_of_logs()


def test_the_refusal_names_the_column(people: People) -> None:
    (outcome,) = commit_batch(connection, [make_record(people.workspace.pk, method="M" * 11)])
    assert outcome == ("refused", "value too long for type character varying(10)", "method")


def test_event_times_are_accepted_from_the_retention_to_a_day_ahead(people: People) -> None:
    edges = [-settings.RETENTION_DAYS * DAY_MS - 60_000, -settings.RETENTION_DAYS * DAY_MS + 60_000]
    edges += [DAY_MS - 60_000, DAY_MS + 60_000]
    records = [make_record(people.workspace.pk, id=uuid7.uuid7(now_ms() + edge)) for edge in edges]
    outcomes = commit_batch(connection, records)
    assert states(outcomes) == ["refused", "stored", "stored", "refused"]
    assert outcomes[0].field == outcomes[3].field == "created_at"
    assert "outside what is kept" in outcomes[0].message


def test_inside_a_transaction_nothing_of_the_caller_is_lost(people: People) -> None:
    with transaction.atomic():
        commit_batch(connection, [make_record(people.workspace.pk), make_record(people.workspace.pk, path=None)])
        people.workspace.name = "still here"
        people.workspace.save()
    assert Log.objects.count() == 1


# --- partitions on demand ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("bare_tables")
def test_missing_partitions_are_made() -> None:
    people = make_people()
    records = [make_record(people.workspace.pk, id=uuid7.uuid7(now_ms() - n * DAY_MS)) for n in (0, 3, 20)]
    bad = make_record(people.workspace.pk, path=None)
    outcomes = commit_batch(connection, [*records, bad])
    assert states(outcomes) == ["stored"] * 3 + ["refused"]
    more = make_record(people.workspace.pk, id=uuid7.uuid7(now_ms() - 10 * DAY_MS), idempotent=True)
    with transaction.atomic():
        assert states(commit_batch(connection, [more])) == ["stored"]
    assert Log.objects.count() == 4


# --- the thread --------------------------------------------------------------------------------------------


@pytest.fixture
def writer(transactional_db: None, tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path / "spool")
    yield writer
    writer.stop()


def test_a_crowd_is_stored_and_each_gets_its_own_answer(writer: Writer) -> None:
    people = make_people()
    results: dict[int, list[str]] = {}

    def call(number: int) -> None:
        good, bad = make_record(people.workspace.pk), make_record(people.workspace.pk, path=None)
        batch: list[LogRecord] = [good, good, bad] if number % 5 == 0 else [good]
        results[number] = states(writer.submit(batch))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, result in results.items():
        assert result == (["stored", "duplicate", "refused"] if number % 5 == 0 else ["stored"])
    assert Log.objects.count() == len(results) == 40
    assert sums.core_of_rollups() == sums.core_of_logs()
    assert RollupCore.objects.count() < 40  # they shared commits


def test_a_large_call_is_split(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "BATCH_ROWS", 10)
    people = make_people()
    assert states(writer.submit([make_record(people.workspace.pk) for _ in range(35)])) == ["stored"] * 35
    assert writer.submit([]) == []
    assert Log.objects.count() == 35


def test_while_the_database_is_away_logs_are_spooled_and_stored_later(writer: Writer) -> None:
    people = make_people()
    before = make_record(people.workspace.pk)
    writer.submit([before])
    meanwhile = [make_record(people.workspace.pk) for _ in range(20)]
    with database_away():
        for record in meanwhile:
            assert states(writer.submit([record, before])) == ["spooled", "spooled"]
        assert writer.backlog == 40
    after = make_record(people.workspace.pk)
    wait_until(lambda: states(writer.submit([make_record(people.workspace.pk)])) == ["stored"])
    writer.submit([after])
    wait_until(lambda: writer.backlog == 0)
    stored = set(Log.objects.values_list("id", flat=True))
    assert {record.id for record in [before, *meanwhile, after]} <= stored
    assert LogBody.objects.count() == len(stored)
    assert sums.core_of_rollups() == sums.core_of_logs()
    assert writer.counts["duplicate"] == 20


def test_a_connection_that_died_while_idle_is_replaced_unseen(writer: Writer) -> None:
    people = make_people()
    writer.submit([make_record(people.workspace.pk)])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert states(writer.submit([make_record(people.workspace.pk)])) == ["stored"]


def test_a_connection_lost_in_commit_loses_and_doubles_nothing(writer: Writer) -> None:
    """Nobody can know whether such a COMMIT came through: here it did not."""
    people = make_people()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';"
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON rollup_core DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION die()"
        )
    try:
        record = make_record(people.workspace.pk)
        assert states(writer.submit([record])) == ["spooled"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION die CASCADE")
    wait_until(lambda: writer.backlog == 0)
    assert Log.objects.get().id == record.id
    assert sums.core_of_rollups() == sums.core_of_logs()


@pytest.mark.usefixtures("transactional_db")
def test_what_a_dead_process_left_is_stored_once_though_half_of_it_was_committed(tmp_path: Path) -> None:
    people = make_people()
    records = [make_record(people.workspace.pk) for _ in range(4)]
    commit_batch(connection, records[:2])
    left = Spool.open(tmp_path)
    left.append(records)
    left.close()
    writer = Writer(tmp_path)
    try:
        wait_until(lambda: Log.objects.count() == 4 and writer.backlog == 0)
    finally:
        writer.stop()
    assert sums.core_of_rollups() == sums.core_of_logs()


@pytest.mark.usefixtures("transactional_db")
def test_an_impossible_record_of_the_spool_is_set_aside_and_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    people = make_people()
    good, bad = make_record(people.workspace.pk), make_record(people.workspace.pk, method="M" * 11)
    left = Spool.open(tmp_path)
    left.append([bad, good])
    left.close()
    writer = Writer(tmp_path)
    try:
        wait_until(lambda: Log.objects.count() == 1 and writer.backlog == 0)
    finally:
        writer.stop()
    (refused,) = (tmp_path / "0").glob("refused-*")
    assert b"MMMMMMMMMMM" in refused.read_bytes()
    assert "1 spooled records cannot be stored" in caplog.text


def test_without_database_and_disk_the_caller_is_told(writer: Writer, tmp_path: Path) -> None:
    people = make_people()
    record = make_record(people.workspace.pk)
    wait_until((tmp_path / "spool" / "0").exists)
    slot = tmp_path / "spool" / "0"
    with database_away():
        slot.rename(tmp_path / "gone")  # works for root too, whom permissions do not stop
        try:
            with pytest.raises(UnavailableError):
                writer.submit([record])
        finally:
            (tmp_path / "gone").rename(slot)
        assert states(writer.submit([record])) == ["spooled"]
    wait_until(lambda: writer.backlog == 0)
    assert Log.objects.count() == 1


def test_a_call_that_failed_for_its_disk_is_not_stored_beside_its_repetition(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = make_people()
    failed, repeated = make_record(people.workspace.pk), make_record(people.workspace.pk)

    def broken(file: int) -> None:
        raise OSError(5, "Input/output error")

    with database_away():
        with monkeypatch.context() as disk:
            disk.setattr("logs.ingest.spool.os.fsync", broken)
            with pytest.raises(UnavailableError):
                writer.submit([failed])
        assert states(writer.submit([repeated])) == ["spooled"]
    wait_until(lambda: writer.backlog == 0)
    assert list(Log.objects.values_list("id", flat=True)) == [repeated.id]


def test_a_lock_somebody_holds_sends_logs_to_the_spool_and_not_into_a_queue(writer: Writer) -> None:
    people = make_people()
    other = psycopg.connect(**_parameters())
    try:
        other.execute("LOCK TABLE log IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        assert states(writer.submit([make_record(people.workspace.pk)])) == ["spooled"]
        assert time.monotonic() - started < 10
    finally:
        other.close()
    wait_until(lambda: writer.backlog == 0)
    assert Log.objects.count() == 1


def _parameters() -> dict[str, Any]:
    names = {"host", "port", "user", "password", "dbname"}
    return {name: value for name, value in connection.get_connection_params().items() if name in names}

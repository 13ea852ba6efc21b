"""The worker's part: exactly what is selected, whatever happens meanwhile."""

from __future__ import annotations

import csv
import shutil
import stat
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pyarrow.parquet
import pytest
import time_machine
from django.db import connections, transaction
from django.db.utils import OperationalError
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logs.explorer import filters
from logs.exports import fields, limits, selection, work
from logs.exports.models import Export, directory
from logs.ingest.rows import commit_batch
from logs.llm.gateway_status import GatewayStatus
from logs.management import maintenance
from logs.models import Log
from portkey_logs.lib import uuid7
from tests.factories import People, make_record
from tests.logs.exports.conftest import lines

pytestmark = pytest.mark.django_db
Make = Callable[..., Export]
MODELS = ("gpt-4o", "gpt-4o-mini", "=cmd()", "模型")


@pytest.fixture
def many(store: Callable[..., Any]) -> list[Any]:
    """A hundred logs of four models, every fifth one failed, over the last hundred minutes."""
    now = timezone.now()
    return store(
        *(
            {
                "id": uuid7.uuid7(uuid7.ms_of(now - timedelta(minutes=number))),
                "model": MODELS[number % 4],
                "is_success": number % 5 != 0,
                "status_code": 200 if number % 5 else 500,
                "user": f"u{number % 3}",
                "gateway": GatewayStatus(cache_status="hit" if number % 2 else "miss"),
                "metadata": {"env": "prod" if number % 7 else "dev"},
                "cost": None,
            }
            for number in range(100)
        )
    )


def test_it_holds_exactly_the_selection_newest_first(many: list[Any], make: Make, finished: Any) -> None:
    export = finished(make("model=gpt-4o&status=failed"))
    wanted = [record for record in many if record.model == "gpt-4o" and not record.is_success]
    assert lines(export) == [{"id": str(record.id), "ai_model": "gpt-4o"} for record in wanted]
    assert (export.status, export.total, export.records) == ("success", len(wanted), len(wanted))
    assert export.size == export.path.stat().st_size
    assert stat.S_IMODE(export.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory().stat().st_mode) == 0o700


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from([*MODELS, "!gpt-4o", "absent"]),
        "status": st.sampled_from(["failed", "ok", "500", "!2xx", "4xx"]),
        "cache": st.sampled_from(["hit", "miss", "refreshed"]),
        "user": st.sampled_from(["u1", "!u2"]),
        "since": st.sampled_from(["30m", "1h"]),
    },
)


def fulfils(record: Any, asked: dict[str, str], now_ms: int) -> bool:
    """The meaning of the filters, in plain Python."""

    def text(value: str, wanted: str) -> bool:
        return value != wanted[1:] if wanted.startswith("!") else value == wanted

    status = {"failed": not record.is_success, "ok": record.is_success, "500": record.status_code == 500,
              "!2xx": record.status_code >= 300, "4xx": False}  # fmt: skip
    minutes = {"30m": 30, "1h": 60}.get(asked.get("since", ""), 10**6)
    return (
        text(record.model, asked.get("model", record.model))
        and status.get(asked.get("status", ""), True)
        and asked.get("cache", record.gateway.cache_status) == record.gateway.cache_status
        and text(record.user, asked.get("user", record.user))
        and now_ms - uuid7.time_ms(record.id) <= minutes * 60_000
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=FILTERS, format=st.sampled_from(Export.Format.values))
def test_page_export_and_plain_python_agree(
    asked: dict[str, str], format: str, many: list[Any], make: Make, finished: Any, people: People
) -> None:
    params = QueryDict(mutable=True)
    params.update(asked)
    chosen = filters.select(Log.objects.in_workspace(people.workspace), params)
    page = [str(id) for id in chosen.queryset.newest_first().values_list("id", flat=True)]
    export = finished(make(selection.lasting(chosen, params), format=format, fields=["id"]))
    now_ms = uuid7.ms_of(timezone.now())
    assert read(export) == page == [str(record.id) for record in many if fulfils(record, asked, now_ms)]


def read(export: Export) -> list[str]:
    if export.format == "parquet":
        return list(pyarrow.parquet.read_table(export.path)["id"].to_pylist())
    if export.format == "csv":
        with export.path.open(newline="") as file:
            return [row["id"] for row in csv.DictReader(file)]
    return [line["id"] for line in lines(export)]


def test_every_field_in_every_format(store: Any, make: Make, finished: Any) -> None:
    body = b'{"model": "gpt-4o-mini",\r\n "n": 1.0, "n": 2}'
    store(
        {"request_body": body, "response_body": b"no \x00 json \xff", "metadata": {"k": "=1+1"}}, {"request_body": None}
    )
    for format in Export.Format.values:
        export = finished(make(fields=list(fields.FIELDS), format=format))
        assert (export.status, export.records) == ("success", 2), export.error
    text = finished(make(fields=["request", "response"])).path.read_bytes()
    without_body, first = text.splitlines()
    assert b'"body":{"model": "gpt-4o-mini",   "n": 1.0, "n": 2}' in first
    assert b'"body":"no \\u0000 json \xef\xbf\xbd"' in first
    assert b'"body":null' in without_body


def test_logs_that_come_later_are_not_part_of_it(many: list[Any], store: Any, make: Make, finished: Any) -> None:
    export = make()
    store({}, {"id": uuid7.uuid7(uuid7.ms_of(timezone.now() - timedelta(minutes=30)))})
    assert len(lines(finished(export))) == 100


@pytest.mark.parametrize("ahead", [timedelta(minutes=-5), timedelta(minutes=5)])
def test_what_later_means_is_said_by_one_clock(
    ahead: timedelta, many: list[Any], store: Any, make: Make, finished: Any
) -> None:
    export = make()
    with time_machine.travel(timezone.now() + ahead):  # the clock of the process that takes logs is wrong
        store({})
    assert len(lines(finished(export))) == 100
    assert export.start()
    assert len(lines(finished(export))) == 101


@pytest.mark.django_db(transaction=True)
def test_a_log_whose_commit_lasts_beyond_the_start_is_part_of_it(
    people: People, make: Make, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = make_record(people.workspace.id)
    inserted, commit = Event(), Event()

    def store_slowly() -> None:
        with transaction.atomic():
            commit_batch(connections["default"], [record])
            inserted.set()
            assert commit.wait(30)
        connections["default"].close()

    thread = Thread(target=store_slowly)
    thread.start()
    assert inserted.wait(30)
    export = make(fields=["id"])
    with monkeypatch.context() as short:
        short.setattr(work, "TURN_SECONDS", 0.1)
        assert work.work()  # it waits
    commit.set()
    thread.join()
    assert read(finished(export)) == [str(record.id)]


def test_other_workspaces_logs_are_not_part_of_it(
    many: list[Any], store: Any, make: Make, finished: Any, people: People
) -> None:
    store({}, workspace_id=people.elsewhere.id)
    assert finished(make()).records == 100


@pytest.mark.parametrize("format", Export.Format.values)
def test_killed_at_any_moment_it_doubles_nothing(
    format: str, many: list[Any], make: Make, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "PAGE", 10)
    monkeypatch.setattr(work, "TURN_SECONDS", -1)
    export = make(format=format, fields=["id"])
    for pages in (1, 2, 0, 3):
        run = work.Run(Export.objects.get(pk=export.pk))
        for _ in range(pages):
            run._page()
        with monkeypatch.context() as slow:
            slow.setattr(work.Run, "_page", lambda self: True)
            assert not run.turn()  # the checkpoint
        run._page()  # more, which is not safe yet
        run._writer._file.flush()  # and then the process is gone
    monkeypatch.setattr(work, "TURN_SECONDS", 1)
    assert read(finished(export)) == [str(record.id) for record in many]
    assert export.records == 100


def test_it_goes_on_after_the_database_was_away(
    many: list[Any], make: Make, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = make()
    with monkeypatch.context() as broken:
        broken.setattr(Export, "checkpoint", lambda self: (_ for _ in ()).throw(OperationalError("away")))
        broken.setattr(work, "TURN_SECONDS", -1)
        with pytest.raises(OperationalError):
            work.work()
    assert finished(export).records == 100


def test_a_stopped_one_leaves_no_file(many: list[Any], make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "TURN_SECONDS", -1)
    export = make()
    assert work.work()
    assert export.part_path.exists()
    assert export.stop()
    assert not work.work()
    assert list(directory().iterdir()) == []
    assert not export.stop()


def test_it_leaves_room_on_the_disk_for_logs_that_wait(
    many: list[Any], make: Make, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(directory())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=limits.LEFT_FREE - 1))
    export = finished(make())
    assert (export.status, export.error) == ("failed", "The file could not be written: No space left on device")
    assert list(directory().iterdir()) == []


def test_the_files_of_a_workspace_take_half_of_the_room_at_most(
    many: list[Any], make: Make, finished: Any, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = finished(make())
    usage = shutil.disk_usage(directory())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=limits.LEFT_FREE + kept.size - 2))
    other = finished(make(workspace=people.elsewhere))
    assert other.status == "success"
    export = finished(make())
    assert export.status == "failed"
    assert "more than half of the room for exports on the disk" in export.error
    assert {path.name for path in directory().iterdir()} == {kept.path.name, other.path.name}
    with pytest.raises(limits.TooMuch):
        limits.start(export)
    kept.delete()
    work.work()
    assert limits.start(export)
    assert finished(export).status == "success"


def test_pages_before_are_passed_over_in_turns_and_after_a_crash_anew(
    many: list[Any], make: Make, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "PAGE", 10)
    export = make(filters={"page_size": 30, "current_page": 2}, fields=["id"])
    run = work.Run(export)
    for _ in range(4):
        run._page()
    with monkeypatch.context() as slow:
        slow.setattr(work.Run, "_page", lambda self: True)
        slow.setattr(work, "TURN_SECONDS", 0.01)
        assert not run.turn()  # a checkpoint, and then the process is gone
    assert read(finished(export)) == [str(record.id) for record in many[60:90]]


def test_a_disk_that_is_full_fails_it_with_the_reason(
    many: list[Any], make: Make, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, rows: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("logs.exports.files.JsonLines.write", full)
        export = finished(make())
    assert (export.status, export.error) == ("failed", "The file could not be written: No space left on device")
    assert list(directory().iterdir()) == []
    assert export.start()
    assert finished(export).records == 100


def test_several_take_turns_and_expired_ones_go(
    many: list[Any], make: Make, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "TURN_SECONDS", -1)
    exports = [make(), make("model=gpt-4o")]
    assert work.work()
    assert len(list(directory().iterdir())) == 2
    monkeypatch.setattr(work, "TURN_SECONDS", 1)
    while maintenance.run_once():
        pass
    assert [finished(export).records for export in exports] == [100, 25]
    Export.objects.filter(pk=exports[0].pk).update(expires_at=timezone.now())
    (directory() / "stray.part").touch()
    work.work()
    assert [path.name for path in directory().iterdir()] == [exports[1].path.name]
    assert Export.objects.get() == exports[1]


def test_a_filter_without_index_is_walked_to_its_end(
    many: list[Any], make: Make, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.explorer.pagination.WALK_BUDGET_MS", 1)  # at first not one window is searched in time
    assert finished(make("cache=hit")).records == 50


def test_a_search_in_bodies_waits_for_the_index(
    store: Any, make: Make, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.storage.search.find.MAX_WAITING", 1)
    body = b'{"messages":[{"role":"user","content":"where is order %d"}]}'
    records = store(*({"request_body": body % number} for number in range(6)))
    export = make('q="order"&since=1h')
    assert export.total is None
    work.work()
    export.refresh_from_db()
    assert (export.status, export.records) == ("in_progress", 0)
    while maintenance.run_once():
        pass
    assert read(finished(export)) == [str(record.id) for record in records[::-1]]

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from logs.capture.recorder import Recorder
from logs.ingest.spool import Spool
from logs.models import Log
from tests.factories import make_people, make_record
from tests.logs.processes import database_away, wait_until


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "spool", 10**9)
    recorder.start()
    yield recorder
    recorder.stop()


def test_a_spool_beyond_its_limit_drops_loudly(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    recorder.limit, recorder.bytes = 0, 1
    assert not recorder.append(make_record(1))
    assert not recorder.append(make_record(1))
    assert recorder.counts["dropped"] == 2
    assert [record.levelname for record in caplog.records] == ["CRITICAL"], "it complains, but not at every call"
    assert "LOGS ARE BEING LOST" in caplog.text


def test_a_full_disk_drops_loudly(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spool, "append", full)
    assert not recorder.append(make_record(1))
    assert "No space left on device" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_records_wait_for_the_database_and_are_stored_once(recorder: Recorder, tmp_path: Path) -> None:
    workspace = make_people().workspace.id
    records = [make_record(workspace) for _ in range(5)]
    with database_away():
        for record in records:
            assert recorder.append(record)
        wait_until(lambda: recorder.away)
        assert recorder.rows == 5
        assert (tmp_path / "spool" / "0").stat().st_mode & 0o077 == 0
    recorder.append(records[0])  # as after a commit whose outcome nobody learnt
    wait_until(lambda: recorder.counts.total() == 6)
    assert set(Log.objects.values_list("id", flat=True)) == {record.id for record in records}
    assert (recorder.counts["stored"], recorder.counts["duplicate"]) == (5, 1)

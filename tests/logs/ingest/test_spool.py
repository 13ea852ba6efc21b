"""The spool: what was synced is read back, in order, whoever died in between."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logs.ingest import dead_letters as refused_module
from logs.ingest import spool as spool_module
from logs.ingest.spool import Spool
from logs.llm.gateway_status import GatewayStatus
from logs.record import LogRecord
from tests.factories import make_record


def all_of(spool: Spool) -> list[LogRecord]:
    """Everything in it, oldest first; afterwards it is empty."""
    records: list[LogRecord] = []
    while (segment := spool.oldest()) is not None:
        records += spool.read(segment).records
        spool.remove(segment)
    return records


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.seg"))


def test_a_record_comes_back_whole(tmp_path: Path) -> None:
    record = make_record(
        7,
        cost=Decimal("0.06600001"),
        metadata={"_user": "ü"},
        request_body=bytes(range(256)),
        response_body=None,
        idempotent=True,
        gateway=GatewayStatus(cache_status="hit", retry_status="success", retry_count=2),
    )
    spool = Spool.open(tmp_path)
    spool.append([record])
    spool.sync()
    assert spool.rows == 1
    assert all_of(spool) == [record]
    assert spool.rows == 0
    assert segments(spool.directory) == []


def test_first_in_first_out_over_many_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_ROWS", 3)
    spool = Spool.open(tmp_path)
    records = [make_record(1) for _ in range(10)]
    spool.append(records[:4])
    spool.append(records[4:])
    assert len(segments(spool.directory)) == 4
    assert all_of(spool) == records


def test_a_segment_is_bounded_in_bytes_and_takes_a_record_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 10_000)
    spool = Spool.open(tmp_path)
    records = [make_record(1, request_body=b"x" * size) for size in (3000, 3000, 50_000, 10)]
    spool.append(records)
    assert [path.stat().st_size > 10_000 for path in segments(spool.directory)] == [False, True, False]
    assert all_of(spool) == records


def test_each_process_has_a_slot_of_its_own(tmp_path: Path) -> None:
    one, two = Spool.open(tmp_path), Spool.open(tmp_path)
    assert one.directory != two.directory
    one.append([make_record(1)])
    assert two.rows == 0  # what is held is nobody else's


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "spool")
    spool.append([make_record(1)])
    spool.set_aside([b"x"])
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    assert stat.S_IMODE(spool.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in spool.directory.iterdir()} == {0o600}


def test_the_next_to_start_adopts_what_a_dead_process_left(tmp_path: Path) -> None:
    left = [make_record(1) for _ in range(3)]
    mine = make_record(1)
    keeper = Spool.open(tmp_path)
    child = os.fork()
    if child == 0:  # a real process that dies without closing anything
        spool = Spool.open(tmp_path)
        spool.append(left)
        spool.sync()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    keeper.append([mine])
    assert keeper.rows == 1
    keeper.close()
    heir = Spool.open(tmp_path)
    assert heir.rows == 4
    assert all_of(heir) == [mine, *left]
    assert segments(tmp_path / "1") == []


def test_what_is_acknowledged_row_by_row_goes_with_its_last_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_ROWS", 2)
    spool = Spool.open(tmp_path)
    places = spool.append([make_record(1) for _ in range(3)])
    assert places == [1, 1, 2]
    spool.ack(places[:1])
    assert len(segments(spool.directory)) == 2
    spool.ack(places[1:])
    assert spool.rows == 0
    assert len(segments(spool.directory)) == 1  # the one being written stays for the next record
    assert spool.oldest() is None
    assert segments(spool.directory) == []


@given(cut=st.integers(0, 10_000))
@hypothesis_settings(max_examples=60, deadline=None)
def test_any_torn_end_loses_only_what_was_never_synced(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    spool = Spool.open(tmp_path_factory.mktemp("spool"))
    records = [make_record(1, request_body=b"x" * n) for n in (10, 500, 3)]
    ends = []
    for record in records:
        segment = spool.append([record])[0]
        ends.append(segments(spool.directory)[0].stat().st_size)
    cut = min(cut, ends[-1])
    os.truncate(segments(spool.directory)[0], cut)
    contents = spool.read(segment)
    whole = sum(end <= cut for end in ends)
    assert contents.records == records[:whole]
    assert contents.torn_bytes == cut - (0, *ends)[whole]
    assert spool.torn == (contents.torn_bytes > 0)
    spool.close()


@pytest.mark.parametrize("garbage", [b"\0" * 64, b"\xff" * 64, b"\x05\0\0\0abcdhello"])
def test_garbage_after_the_last_record_is_dropped_and_counted(tmp_path: Path, garbage: bytes) -> None:
    spool = Spool.open(tmp_path)
    record = make_record(1)
    spool.append([record])
    with segments(spool.directory)[0].open("ab") as file:
        file.write(garbage)
    spool.close()
    spool = Spool.open(tmp_path)
    assert all_of(spool) == [record]
    assert spool.torn == 1
    assert spool.rows == 0


def test_a_frame_of_another_version_is_handed_out_and_not_lost(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    good = make_record(1)
    segment = spool.append([good])[0]
    payload = b"\x81\xa1x\x01"  # {"x": 1}
    with segments(spool.directory)[0].open("ab") as file:
        file.write(spool_module._HEADER.pack(len(payload), spool_module.zlib.crc32(payload)) + payload)
    contents = spool.read(segment)
    assert contents.records == [good]
    assert contents.unreadable == [payload]
    assert contents.torn_bytes == 0


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk that takes so many bytes of a file: the kernel refuses the rest, as it does when it is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    kept = make_record(1)
    spool.append([kept])
    with files_of_at_most(6000), pytest.raises(OSError):
        spool.append([make_record(1, request_body=b"x" * 2000) for _ in range(5)])
    assert spool.rows == 1
    later = make_record(1)
    spool.append([later])
    assert all_of(spool) == [kept, later]
    assert spool.torn == 0


def test_a_full_disk_in_a_later_segment_takes_back_the_whole_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_ROWS", 2)
    spool = Spool.open(tmp_path)
    kept = make_record(1)
    spool.append([kept])
    with files_of_at_most(8000), pytest.raises(OSError):
        spool.append([*(make_record(1) for _ in range(4)), make_record(1, request_body=b"x" * 9000)])
    assert spool.rows == 1
    later = [make_record(1) for _ in range(3)]
    spool.append(later)
    assert all_of(spool) == [kept, *later]
    assert spool.torn == 0


@contextmanager
def failing_disk(fault: str) -> Iterator[None]:
    """A disk that takes what is written and then cannot keep it: once, for as long as it lasts, or so that files cannot
    be cut off either."""
    left = 1 if fault == "once" else 1000
    fsync = os.fsync

    def failing(file: int) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(file)

    def refusing(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.MonkeyPatch.context() as disk:
        disk.setattr(os, "fsync", failing)
        if fault == "and no cutting off":
            disk.setattr(Path, "open", refusing)
        yield


@pytest.mark.parametrize("fault", ["once", "lasting", "and no cutting off"])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_what_did_not_get_to_the_disk_is_taken_back(
    fault: str, before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_ROWS", 2)
    spool = Spool.open(tmp_path)
    kept = [make_record(1) for _ in range(before)]
    if kept:
        spool.append_and_sync(kept)
    with failing_disk(fault), pytest.raises(OSError):
        spool.append_and_sync([make_record(1) for _ in range(3)])
    assert spool.rows == before
    again = [make_record(1) for _ in range(3)]
    spool.append_and_sync(again)
    spool.append([later := make_record(1)])
    assert all_of(spool) == [*kept, *again, later]
    assert spool.torn == 0
    spool.close()
    assert Spool.open(tmp_path).rows == 0


def test_what_was_taken_back_does_not_come_back_with_the_next_process(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    spool.append_and_sync([kept := make_record(1)])
    with failing_disk("lasting"), pytest.raises(OSError):
        spool.append_and_sync([make_record(1)])
    spool.close()
    assert all_of(Spool.open(tmp_path)) == [kept]


def test_what_cannot_be_stored_is_kept_up_to_a_size_and_a_loss_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool, other = Spool.open(tmp_path), Spool.open(tmp_path)
    spool.set_aside([b"x" * 92])
    monkeypatch.setattr(refused_module, "MOST_BYTES", 250)
    assert (spool.refused.size, spool.refused.lost) == (100, 0)
    other.set_aside([b"y" * 92, b"z" * 92, b"z" * 92])  # the room is that of all together
    assert (spool.refused.size, other.refused.lost) == (200, 2)
    assert "LOGS ARE BEING LOST, 2 so far" in caplog.text


def test_what_cannot_be_stored_goes_when_logs_go(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    spool.set_aside([b"old"])
    (old,) = spool.directory.glob("refused-*")
    young = old.rename(old.with_name("refused-2026-01-02"))
    spool.set_aside([b"older"])
    past = time.time() - settings.RETENTION_DAYS * 24 * 3600
    os.utime(old, (past - 60, past - 60))
    os.utime(young, (past + 60, past + 60))
    spool.refused.tidy()
    assert list(spool.directory.glob("refused-*")) == [young]

"""The one writer of a process: whoever has records calls ``submit`` and gets back what became of each.

One thread commits for all callers. A batch is what queued up while the one before was being committed, so
a lone record waits for nobody and a crowd shares its commits. While the database is away, batches go to
the spool; when it is back the spool is drained, oldest first, between new batches.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import msgspec
from django.conf import settings
from django.db import connections
from django.db.utils import Error as DatabaseError

from logs.ingest.dead_letters import TIDY_SECONDS
from logs.ingest.rows import SPOOLED, Outcome, Packed, commit_batch, commit_packed, pack, refusal
from logs.ingest.spool import Spool
from logs.record import LogRecord

logger = logging.getLogger(__name__)

BATCH_ROWS = 2000  # measured: larger batches are not faster
BATCH_BYTES = 64 * 1024 * 1024  # what one call may carry; bounds the memory of a batch
RETRY_SECONDS = (0.1, 5.0)  # first and longest wait for a database that is away


class UnavailableError(Exception):
    """Neither the database nor the spool takes a record: nothing was stored, and the caller has to know."""


class _Job:
    """Some rows of one caller, committed together."""

    def __init__(self, rows: list[Packed]) -> None:
        self.rows = rows
        self.size = sum(row.size for row in rows)
        self.done: Future[list[Outcome]] = Future()


class Writer:
    """The writer thread and its queue. ``spool_root`` is where its spool slot is."""

    def __init__(self, spool_root: Path) -> None:
        self.counts: Counter[str] = Counter()  # outcomes since the start
        self._spool_root = spool_root
        self._spool: Spool | None = None
        self._queue: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._retry_at = 0.0  # monotonic; before it the database is not tried
        self._wait = RETRY_SECONDS[0]
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def submit(self, records: Sequence[LogRecord]) -> list[Outcome]:
        """Return when each record is stored, or safe in the spool. Raises UnavailableError."""
        now_ms = time.time_ns() // 1_000_000
        outcomes = [refusal(record, now_ms) for record in records]
        accepted = [index for index, outcome in enumerate(outcomes) if outcome is None]
        jobs = [_Job(rows) for rows in _portions(pack([records[index] for index in accepted]))]
        if jobs:
            with self._wake:
                self._queue.extend(jobs)
                self._wake.notify()
        results = [outcome for job in jobs for outcome in job.done.result()]
        for index, outcome in zip(accepted, results, strict=True):
            outcomes[index] = outcome
        return [outcome for outcome in outcomes if outcome is not None]

    @property
    def backlog(self) -> int:
        """Rows in the spool of this process."""
        return self._spool.rows if self._spool else 0

    def stop(self) -> None:
        """Commit what is queued, then end the thread and give up the spool's slot."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._open_spool()
        except OSError as error:
            logger.error("The spool cannot be used: %s", error)
        while not (self._stopping and not self._queue):
            batch = self._next_batch()
            try:
                if batch:
                    self._write(batch)
                if self.backlog and time.monotonic() >= self._retry_at:
                    self._drain()
                if self._spool:
                    self._spool.refused.tidy()
            except Exception as error:  # the thread must live: without it every caller hangs
                logger.exception("The log writer failed")
                self._retry_at = time.monotonic() + RETRY_SECONDS[1]
                for job in batch:
                    if not job.done.done():
                        job.done.set_exception(UnavailableError(str(error)))
        connections["default"].close()
        if self._spool:
            self._spool.close()

    def _next_batch(self) -> list[_Job]:
        """What is queued, up to the limits; empty when it is time to try the spool again, or to tidy."""
        with self._wake:
            timeout = max(0.0, self._retry_at - time.monotonic()) if self.backlog else TIDY_SECONDS
            self._wake.wait_for(lambda: self._queue or self._stopping, timeout)
            batch: list[_Job] = []
            rows = size = 0
            while self._queue:
                job = self._queue[0]
                if batch and (rows + len(job.rows) > BATCH_ROWS or size + job.size > BATCH_BYTES):
                    break
                batch.append(self._queue.popleft())
                rows += len(job.rows)
                size += job.size
            return batch

    def _write(self, batch: list[_Job]) -> None:
        rows = [row for job in batch for row in job.rows]
        outcomes = self._commit(rows) if time.monotonic() >= self._retry_at else None
        if outcomes is None:
            try:
                spool = self._spool or self._open_spool()
                spool.append_and_sync([row.record for row in rows])
            except OSError as error:
                logger.error("The database is away and the spool cannot be written: %s", error)
                for job in batch:
                    job.done.set_exception(UnavailableError("neither the database nor the spool takes logs"))
                return
            outcomes = [SPOOLED] * len(rows)
        self._count(outcomes)
        for job in batch:
            job.done.set_result(outcomes[: len(job.rows)])
            outcomes = outcomes[len(job.rows) :]

    def _commit(self, rows: Sequence[Packed]) -> list[Outcome] | None:
        """What became of the rows; None when the database is away, or was lost so late that nobody knows."""
        connection = connections["default"]
        try:
            connection.close_if_unusable_or_obsolete()
            outcomes = commit_packed(connection, rows)
        except DatabaseError as error:
            self._database_is_away(error)
            return None
        self._database_is_back()
        return outcomes

    def _drain(self) -> None:
        """Store the oldest segment of the spool. What it holds may be stored already."""
        spool = self._spool
        if spool is None or (segment := spool.oldest()) is None:
            return
        contents = spool.read(segment)
        connection = connections["default"]
        try:
            connection.close_if_unusable_or_obsolete()
            outcomes = commit_batch(connection, contents.records, resent=True)
        except DatabaseError as error:
            self._database_is_away(error)
            return
        self._database_is_back()
        self._set_aside(spool, contents.records, outcomes, contents.unreadable)
        spool.remove(segment)
        self._count(outcomes)

    def _set_aside(
        self, spool: Spool, records: Sequence[LogRecord], outcomes: Sequence[Outcome], unreadable: list[bytes]
    ) -> None:
        """Records that were accepted unseen and turn out impossible are never thrown away."""
        refused = [(r, o.message) for r, o in zip(records, outcomes, strict=True) if o.state == "refused"]
        if not refused and not unreadable:
            return
        spool.set_aside([*unreadable, *(msgspec.msgpack.encode(record) for record, _ in refused)])
        reasons = ", ".join(sorted({message for _, message in refused}))
        count = len(refused) + len(unreadable)
        logger.error("%d spooled records cannot be stored; see %s/refused-*. %s", count, spool.directory, reasons)

    def _database_is_away(self, error: DatabaseError) -> None:
        if self._wait == RETRY_SECONDS[0]:
            logger.warning("The database is away, logs go to the spool: %s", str(error).strip())
        connections["default"].close()
        self._retry_at = time.monotonic() + self._wait
        self._wait = min(2 * self._wait, RETRY_SECONDS[1])

    def _database_is_back(self) -> None:
        if self._wait != RETRY_SECONDS[0]:
            logger.warning("The database is back, %d spooled logs follow", self.backlog)
        self._retry_at, self._wait = 0.0, RETRY_SECONDS[0]

    def _open_spool(self) -> Spool:
        self._spool = Spool.open(self._spool_root)
        return self._spool

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        self.counts.update(outcome.state for outcome in outcomes)


def _portions(rows: Sequence[Packed]) -> list[list[Packed]]:
    """The rows of one caller in parts that each fit a batch."""
    portions: list[list[Packed]] = []
    size = 0
    for row in rows:
        if not portions or len(portions[-1]) == BATCH_ROWS or size + row.size > BATCH_BYTES:
            portions.append([])
            size = 0
        portions[-1].append(row)
        size += row.size
    return portions


_writer: Writer | None = None
_starting = threading.Lock()


def start() -> Writer:
    """The writer of this process, started by the first call. It also drains what a dead process left behind."""
    global _writer
    if _writer is None:
        with _starting:
            if _writer is None:
                _writer = Writer(settings.DATA_DIR / "spool")
    return _writer


def submit(records: Sequence[LogRecord]) -> list[Outcome]:
    """What became of each record, in their order; see ``Writer.submit``."""
    return start().submit(records)


def stop() -> None:
    """End the writer of this process, if there is one; a later ``submit`` starts another."""
    global _writer
    if _writer is not None:
        _writer.stop()
        _writer = None


def _forget() -> None:
    """A forked child has its parent's writer without the thread: it starts its own."""
    global _writer, _starting
    _writer, _starting = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)

"""From finished exchanges to the database, by way of the spool.

``append`` writes a record to the kernel before the client gets the last byte, so that killing the process
loses only what was still under way. Two threads do the rest: one carries the spool to the disk every 50 ms,
one commits its segments and removes them. New records and those of a dead process take the same way.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import msgspec
from django.db import connections
from django.db.utils import Error as DatabaseError

from logs.ingest.dead_letters import Refused
from logs.ingest.rows import Outcome, commit_batch
from logs.ingest.spool import Contents, Spool
from logs.record import LogRecord

logger = logging.getLogger(__name__)

SYNC_SECONDS = 0.05  # what a power failure may take
RETRY_SECONDS = (0.1, 5.0)  # first and longest wait for a database that is away
COMMIT_SECONDS = 0.25  # a commit costs some milliseconds however small it is; people see logs within a second
LOOK_SECONDS = 1.0  # how often the size of the spool is looked at
ALARM_SECONDS = 10.0  # how often a full disk is complained about


class Recorder:
    """The spool of this process and its threads. ``limit`` is how large the spool may grow, in bytes."""

    def __init__(self, spool_root: Path, limit: int) -> None:
        self.counts: Counter[str] = Counter()  # outcomes of commits, and "dropped", since the start
        self.limit = limit
        self.bytes = 0  # in the spool, as last looked at
        self.away = False  # the database
        self._spool_root = spool_root
        self._spool: Spool
        self._dirty = threading.Event()
        self._stopping = threading.Event()
        self._wait = RETRY_SECONDS[0]
        self._alarmed_at = -ALARM_SECONDS
        self._threads = [
            threading.Thread(target=self._keep_syncing, name="spool-sync", daemon=True),
            threading.Thread(target=self._keep_committing, name="spool-commit", daemon=True),
        ]

    def start(self) -> None:
        """Open the spool, with what dead processes left in it, and start the threads. Raises OSError."""
        self._spool = Spool.open(self._spool_root)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Commit what is there, unless the database is away, and give the spool's slot up."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._spool.close()

    @property
    def rows(self) -> int:
        """Records that are not committed yet."""
        return self._spool.rows

    @property
    def refused(self) -> Refused:
        """What cannot be stored."""
        return self._spool.refused

    @property
    def directory(self) -> Path:
        """The spool's slot."""
        return self._spool.directory

    def append(self, record: LogRecord) -> bool:
        """Put a record into the spool; False, and a loud complaint, where there is no room for it."""
        try:
            if self.bytes > self.limit:
                raise OSError(f"the spool holds {self.bytes:,} bytes, its limit is {self.limit:,}")
            self._spool.append([record])
        except OSError as error:
            self._drop(error)
            return False
        self._dirty.set()
        return True

    def _drop(self, error: OSError) -> None:
        self.counts["dropped"] += 1
        if time.monotonic() - self._alarmed_at >= ALARM_SECONDS:
            self._alarmed_at = time.monotonic()
            logger.critical("LOGS ARE BEING LOST, %d so far: %s", self.counts["dropped"], error)

    def _keep_syncing(self) -> None:
        look_at = 0.0
        while not self._stopping.wait(SYNC_SECONDS):
            if self._dirty.is_set():
                self._dirty.clear()
                self._sync()
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + LOOK_SECONDS
                self.bytes = _size(self.directory)
                self._spool.refused.tidy()

    def _sync(self) -> None:
        try:
            self._spool.sync()
        except OSError as error:
            logger.error("The spool cannot be carried to the disk: %s", error)

    def _keep_committing(self) -> None:
        while True:
            stopping = self._stopping.wait(self._wait if self.away else COMMIT_SECONDS)
            try:
                due = self._spool.rows  # what comes meanwhile is the next batch's
                while due > 0 and (done := self._commit_oldest()):
                    due -= done
            except Exception:  # the thread must live; what it could not store stays in the spool
                logger.exception("The spool cannot be committed")
                self._note_away(None)
            if stopping:
                break
        connections["default"].close()

    def _commit_oldest(self) -> int:
        """Store the oldest segment and return its rows; 0 when the database is away or the spool is empty.

        What it holds may be stored already.
        """
        segment = self._spool.oldest()
        if segment is None:
            return 0
        contents = self._spool.read(segment)
        connection = connections["default"]
        try:
            connection.close_if_unusable_or_obsolete()
            outcomes = commit_batch(connection, contents.records, resent=True)
        except DatabaseError as error:
            self._note_away(error)
            return 0
        self.away, self._wait = False, RETRY_SECONDS[0]
        self._set_aside(contents, outcomes)
        self._spool.remove(segment)
        self.counts.update(outcome.state for outcome in outcomes)
        return max(1, len(outcomes))

    def _set_aside(self, contents: Contents, outcomes: list[Outcome]) -> None:
        """What turns out impossible to store is never thrown away."""
        refused = [(r, o) for r, o in zip(contents.records, outcomes, strict=True) if o.state == "refused"]
        if not refused and not contents.unreadable:
            return
        self._spool.set_aside([*contents.unreadable, *(msgspec.msgpack.encode(record) for record, _ in refused)])
        reasons = "; ".join(sorted({f"{outcome.field} {outcome.message}" for _, outcome in refused}))
        count = len(refused) + len(contents.unreadable)
        logger.error("%d records cannot be stored; see %s/refused-*. %s", count, self.directory, reasons)

    def _note_away(self, error: DatabaseError | None) -> None:
        if error is not None and not self.away:
            logger.warning("The database is away, logs wait in the spool: %s", str(error).strip())
        self._wait = min(2 * self._wait, RETRY_SECONDS[1]) if self.away else RETRY_SECONDS[0]
        self.away = True
        connections["default"].close()


def _size(directory: Path) -> int:
    """The bytes of all segments; those that are removed meanwhile do not count."""
    size = 0
    for path in directory.glob("*.seg"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size

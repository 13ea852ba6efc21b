"""Something of the database held in memory, read again every ``POLL_S`` seconds, with a file to start from.

It is read by a thread where ``start()`` was called (web, capture). The file lets a process start while the database
is away.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

logger = logging.getLogger(__name__)

POLL_S = 2.0  # a change is seen after this long plus one query; the promise is 5 s


class Polled[T]:
    """What ``load()`` gives, kept in ``snapshot``, at first what that file has, else ``empty``.

    ``load`` may raise anything: an unreachable database leaves the last value in force. ``what`` names it in the
    process's log, ``kind`` is its type.
    """

    def __init__(self, what: str, load: Callable[[], T], snapshot: Callable[[], Path], kind: type[T], empty: T) -> None:
        self._what = what
        self._load = load
        self._snapshot = snapshot
        self._kind = kind
        self._empty = empty
        self._value: T | None = None
        self._saved: T | None = None
        self._refreshed_at = 0.0
        self._loaded_at: float | None = None
        self._refreshing = threading.Lock()
        self._away = False
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def age(self) -> float | None:
        """Seconds since it was last read from the database; None if this process never did."""
        return None if self._loaded_at is None else max(0.0, time.time() - self._loaded_at)

    def refresh(self) -> None:
        """Reads it again. When that fails the last value stays in force. Never raises."""
        if not self._refreshing.acquire(blocking=False):
            return  # another thread is at it
        try:
            self._current()
            self._value = self._load()
            self._loaded_at = time.time()
            self._save(self._value)
            self._note_away(None)
        except Exception as error:  # whatever a driver, a pool or a full disk raises, callers keep working
            self._note_away(error)
        finally:
            self._refreshed_at = time.time()
            self._refreshing.release()

    def start(self) -> None:
        """Starts the polling thread of this process; does nothing when it runs."""
        if self._thread is not None:
            return
        self._current()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._poll, name=self._what, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the polling thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            thread.join()

    def _poll(self) -> None:
        while True:
            self.refresh()
            if self._stopping.wait(POLL_S):
                return

    def _current(self) -> T:
        """The value in memory, at first that of the snapshot."""
        if self._value is None:
            self._saved = self._value = self._read_snapshot()
        return self._value

    def _note_away(self, error: Exception | None) -> None:
        """Logs the change, not every failed attempt."""
        if error is not None and not self._away:
            one_line = " ".join(str(error).split())
            logger.warning("%s cannot be read or saved, the last ones stay in force: %s", self._what, one_line)
        elif error is None and self._away:
            logger.warning("%s can be read and saved again", self._what)
        self._away = error is not None

    def _read_snapshot(self) -> T:
        try:
            return msgspec.json.decode(self._snapshot().read_bytes(), type=self._kind)
        except FileNotFoundError:
            return self._empty
        except (OSError, msgspec.MsgspecError) as error:
            logger.warning("the snapshot of %s cannot be read, starting without it: %s", self._what, error)
            return self._empty

    def _save(self, value: T) -> None:
        """Replaces the snapshot where the value changed: whole, on disk, and readable by its owner only."""
        if value is self._saved or value == self._saved:
            return
        path = self._snapshot()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")  # mkstemp makes it 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(value))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_directory(path.parent)
        self._saved = value


def within(seconds: float, moment: float) -> bool:
    """Whether the moment (Unix time) is that recent; not so when the clock was set back behind it."""
    return 0 <= time.time() - moment < seconds


def _sync_directory(directory: Path) -> None:
    """Makes a rename inside the directory survive a power loss."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The spool: accepted records on disk while the database is away.

A process owns one slot, a directory held by flock; the kernel gives it up with the process, however that
ends, and the next process to start adopts what is in it. A slot has segments, files of frames:

    4 bytes length, 4 bytes CRC-32 of the payload (both little-endian), payload: msgpack of one LogRecord

``append`` writes to the kernel, which survives the death of the process; ``sync`` writes to the disk, which
survives a power failure. Whatever is read here may be stored already: who commits it counts on duplicates.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from logs.ingest.dead_letters import Refused
from logs.record import LogRecord

logger = logging.getLogger(__name__)

# A segment is what the writer commits at once: small enough that others wait for it less than a second.
SEGMENT_BYTES = 4 * 1024 * 1024
SEGMENT_ROWS = 2000

_HEADER = struct.Struct("<II")
_decoder = msgspec.msgpack.Decoder(LogRecord)


class Contents(NamedTuple):
    """What a segment holds. ``torn_bytes``: its end that was never completely written, and is dropped."""

    records: list[LogRecord]
    unreadable: list[bytes]  # whole frames that are not a LogRecord: of another version of the program
    torn_bytes: int


class Spool:
    """One slot. All methods may be called from any thread; those that write raise OSError (a full disk)."""

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self.torn = 0  # segments with a torn end, since the start
        self.refused = Refused(directory)
        self._lock_file = lock
        self._mutex = threading.RLock()
        self._rows: dict[int, int] = {}  # segment number -> rows that are not acknowledged, oldest first
        self._next = 1
        self._current: int | None = None
        self._file = -1
        self._sealed: list[int] = []  # open files of complete segments that are not on the disk yet
        self._new_names = False  # whether the directory is not on the disk yet
        self._ends: dict[int, int] = {}  # where segments end whose file could not be cut off there, in bytes
        self._syncing = threading.RLock()
        self._size = self._written = 0  # of the current segment, in bytes and rows
        self._take_over(directory)

    @classmethod
    def open(cls, root: Path) -> Self:
        """Own the first free slot below ``root``, made where there is none, and adopt all others nobody holds."""
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = 0
        while (lock := _hold(root / str(number))) is None:
            number += 1
        spool = cls(root / str(number), lock)
        for directory in sorted(root.iterdir()):
            if directory != spool.directory and (other := _hold(directory)) is not None:
                spool._take_over(directory)
                os.close(other)
        return spool

    @property
    def rows(self) -> int:
        """How many rows wait for their acknowledgement."""
        with self._mutex:
            return sum(self._rows.values())

    def append(self, records: Sequence[LogRecord]) -> list[int]:
        """Write all records or none of them; returns the segment of each, for ``ack``."""
        frames = [_frame(record) for record in records]
        with self._mutex:
            before = (dict(self._rows), self._current, self._size, self._written)
            try:
                return [self._write(frame) for frame in frames]
            except OSError:
                self._undo(*before)
                raise

    def append_and_sync(self, records: Sequence[LogRecord]) -> None:
        """Have all records on the disk, or none of them anywhere: whoever is told that it failed sends them again."""
        with self._syncing, self._mutex:
            before = (dict(self._rows), self._current, self._size, self._written)
            self.append(records)
            try:
                self.sync()
            except OSError:
                self._undo(*before)
                raise

    def sync(self) -> None:
        """Return when everything appended is on the disk. ``append`` does not wait for it meanwhile."""
        with self._syncing:
            with self._mutex:
                files, self._sealed = self._sealed, []
                if self._current is not None:
                    files.append(os.dup(self._file))
                new_names, self._new_names = self._new_names, False
            try:
                for file in files:
                    os.fsync(file)
                if new_names:
                    _sync_directory(self.directory)
            except OSError:
                self._new_names |= new_names
                raise
            finally:
                for file in files:
                    os.close(file)

    def oldest(self) -> int | None:
        """The segment to store next, from now on complete; None when the spool is empty."""
        with self._mutex:
            while self._rows:
                segment = next(iter(self._rows))
                if segment == self._current:
                    self._seal(segment)
                if segment in self._rows:
                    return segment
            return None

    def read(self, segment: int) -> Contents:
        """The records of a segment. A torn end is counted, dropped and logged."""
        data = self._path(segment).read_bytes()[: self._ends.get(segment)]
        records, unreadable, position = [], [], 0
        while position + _HEADER.size <= len(data):
            length, checksum = _HEADER.unpack_from(data, position)
            payload = data[position + _HEADER.size : position + _HEADER.size + length]
            # A length of zero is what a file system leaves where it had no time to write the data.
            if not length or len(payload) < length or zlib.crc32(payload) != checksum:
                break
            position += _HEADER.size + length
            try:
                records.append(_decoder.decode(payload))
            except msgspec.MsgspecError:
                unreadable.append(payload)
        if position < len(data):
            self.torn += 1
            logger.warning("%s: dropped a torn end of %d bytes", self._path(segment), len(data) - position)
        return Contents(records, unreadable, len(data) - position)

    def ack(self, segments: Sequence[int]) -> None:
        """Rows of these segments are committed: one each. A complete segment without others is removed."""
        with self._mutex:
            for segment in segments:
                self._rows[segment] -= 1
                if self._rows[segment] <= 0 and segment != self._current:
                    self.remove(segment)

    def remove(self, segment: int) -> None:
        """All of a segment is committed."""
        with self._mutex:
            self._path(segment).unlink(missing_ok=True)
            self._rows.pop(segment, None)
            self._ends.pop(segment, None)

    def set_aside(self, payloads: Sequence[bytes]) -> None:
        """Keep accepted records that cannot be stored, for a person to look at."""
        self.refused.keep([_framed(payload) for payload in payloads])

    def close(self) -> None:
        """Give up the slot; what is left in it belongs to whoever opens it next."""
        with self._mutex:
            if self._current is not None:
                self._seal(self._current)
        try:
            self.sync()
        finally:
            os.close(self._lock_file)

    def _path(self, segment: int) -> Path:
        return self.directory / f"{segment:012d}.seg"

    def _write(self, frame: bytes) -> int:
        full = self._written >= SEGMENT_ROWS or self._size + len(frame) > SEGMENT_BYTES
        if self._current is not None and full and self._written:
            self._seal(self._current)
        segment = self._begin() if self._current is None else self._current
        _write_all(self._file, frame)
        self._size += len(frame)
        self._written += 1
        self._rows[segment] += 1
        return segment

    def _begin(self) -> int:
        segment = self._next
        self._file = os.open(self._path(segment), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._next += 1
        self._current, self._size, self._written = segment, 0, 0
        self._rows[segment] = 0
        self._new_names = True
        return segment

    def _seal(self, segment: int) -> None:
        self._current = None
        self._sealed.append(self._file)
        if not self._rows[segment]:
            self.remove(segment)

    def _undo(self, rows: dict[int, int], current: int | None, size: int, written: int) -> None:
        """Take back an append: nothing of it was acknowledged, nothing of it may be stored later."""
        if self._current is not None and self._current != current:
            os.close(self._file)
            self._current = None
        new, self._rows = self._rows.keys() - rows.keys(), rows
        for segment in new:
            with suppress(OSError):  # this process does not read it again
                self._path(segment).unlink()
        if current is None:
            return
        self._size, self._written = size, written
        if not self._cut(current) and self._current is not None:
            self._seal(current)  # nothing is written behind what could not be cut off

    def _cut(self, segment: int) -> bool:
        """Cut off what is behind ``_size``. Where the disk refuses that too, at least this process does not read it."""
        path = self._path(segment)
        try:
            with path.open("r+b") as file:
                file.truncate(self._size)
                os.fsync(file.fileno())
        except OSError as error:
            logger.critical("%s keeps records that were answered as not stored: %s", path, error)
            self._ends[segment] = self._size
            return False
        return True

    def _take_over(self, directory: Path) -> None:
        """Make the segments in a directory our own, in their order."""
        for path in sorted(directory.glob("*.seg")):
            segment = int(path.stem) if directory == self.directory else self._next
            if directory != self.directory:
                path.rename(self._path(segment))
            self._next = max(self._next, segment + 1)
            self._rows[segment] = _count(self._path(segment))
        _sync_directory(self.directory)


def _hold(directory: Path) -> int | None:
    """The open lock of a slot, or None when another process has it. Closing it gives the slot up."""
    directory.mkdir(exist_ok=True, mode=0o700)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _frame(record: LogRecord) -> bytes:
    return _framed(msgspec.msgpack.encode(record))


def _framed(payload: bytes) -> bytes:
    return _HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def _count(path: Path) -> int:
    """The rows of a segment by the lengths of its frames; at least 1, so that it will be read."""
    rows = position = 0
    size = path.stat().st_size
    with path.open("rb") as file:
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            length, _ = _HEADER.unpack(header)
            position += _HEADER.size + length
            if not length or position > size:
                break
            rows += 1
            file.seek(position)
    return max(rows, 1)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_directory(directory: Path) -> None:
    """A new name is on the disk only when its directory is."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

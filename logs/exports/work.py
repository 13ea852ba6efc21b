"""What the worker does for exports: it writes each for a moment in turn, and removes what has expired.

How far a file is safe on the disk is kept in the export's row, so that after a crash it goes on from there; what
was written past that point is cut off first. A file gets its name when it is whole.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic, sleep
from uuid import UUID

from django.db.utils import InterfaceError, OperationalError
from django.utils import timezone

from logs.explorer import live, pagination
from logs.explorer.pagination import Cursor
from logs.exports import limits, portkey, rows, selection
from logs.exports.fields import FIELDS
from logs.exports.files import WRITERS, Writer
from logs.exports.models import Export, directory
from logs.models import Log

logger = logging.getLogger(__name__)

TURN_SECONDS = 1.0  # of one export; meanwhile nothing else is maintained
AT_ONCE = 4  # more wait: each that is being written holds some memory
PAGE = 2000  # logs read at once
SETTLE_SECONDS = 0.05  # between two looks whether logs from before the start are still being committed

_runs: dict[tuple[UUID, datetime | None], Run] = {}  # by the export and its start


def work() -> bool:
    """Give each export in progress its turn; whether there is more to do. Raises Django's database errors."""
    exports = list(Export.objects.in_progress()[:AT_ONCE])
    current = {(export.id, export.started_at): export for export in exports}
    for key in set(_runs) - set(current):  # stopped, started anew or deleted meanwhile
        _runs.pop(key).abandon()
    for key, export in current.items():
        try:
            if key not in _runs:
                _runs[key] = Run(export)
            if _runs[key].turn():
                del _runs[key]
        except (OperationalError, InterfaceError):  # the database is away
            if key in _runs:
                _runs.pop(key).close()  # the next round takes it up where it was last safe
            raise
        except Exception as error:
            logger.exception("Export %s failed", export.id)
            if key in _runs:
                _runs.pop(key).abandon()
            export.finish(Export.Status.FAILED, _reason(error))
    clean_up(timezone.now())
    return Export.objects.in_progress().exists()


def clean_up(now: datetime) -> None:
    """Remove expired exports, and files that no export has any more."""
    Export.objects.expired(now).delete()
    found = {path for path in directory().iterdir() if path.is_file()}
    if not found:
        return
    known = {str(id) for id in Export.objects.filter(id__in=limits.ids_of(found)).values_list("id", flat=True)}
    for path in found:
        if path.stem not in known:
            path.unlink(missing_ok=True)


class Run:
    """One export on its way into its file, for as long as this process lives."""

    def __init__(self, export: Export) -> None:
        """Begin, or go on where the file is safe. Raises OSError and CannotSelect."""
        self.export = export
        self._fields = [FIELDS[name] for name in export.fields]
        logs, self._by_index = selection.selected(export)
        self._logs = rows.reading(logs, self._fields)
        self._to_skip, self._limit = portkey.page(export.filters)
        self._cursor: Cursor | None = None
        self._budget_ms = pagination.WALK_BUDGET_MS
        self._must_wait = False
        self._settled = False  # whether what it is to hold can be seen
        self._writer = self._open()

    def _open(self) -> Writer:
        export, write = self.export, WRITERS[self.export.format]
        if export.position is not None:
            with suppress(OSError):
                writer = write(export.part_path, self._fields, export.size)
                self._cursor, self._to_skip = Cursor(export.position), 0
                return writer
        export.records, export.size, export.position = 0, 0, None
        return write(export.part_path, self._fields)

    def turn(self) -> bool:
        """Write for a moment; whether it is over, finished or stopped by somebody. Raises OSError and TooMuch."""
        if limits.free() < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        limits.check_room(self.export.workspace_id)
        deadline = monotonic() + TURN_SECONDS
        self._must_wait = False
        while monotonic() < deadline and not self._must_wait:
            if not self._page():
                return self._finish()
        if self._writer.resumable and not self._to_skip:
            self.export.size = self._writer.sync()
            self.export.position = self._cursor.id if self._cursor else None
        if self.export.checkpoint():
            return False
        self.abandon()
        return True

    def _page(self) -> bool:
        """Write the next logs, or pass over those of the pages before; False where there are none after them."""
        if not self._is_settled():
            sleep(SETTLE_SECONDS)
            return True
        left = self._to_skip or (PAGE if self._limit is None else self._limit - self.export.records)
        if left <= 0:
            return False
        page = pagination.fetch_page(
            self._logs, self._cursor, size=min(left, PAGE), from_index=self._by_index, budget_ms=self._budget_ms
        )
        if page.findings is not None and page.findings.waiting:
            self._must_wait = True  # for the index of words, which this worker sees to before the next turn
            return True
        if self._to_skip:
            self._to_skip -= len(page.rows)
        else:
            self._write(page.rows)
        if not page.rows:
            self._budget_ms *= 2  # each page begins with small windows, which would never get through a long time
        self._cursor = page.older
        return page.older is not None

    def _write(self, logs: Sequence[Log]) -> None:
        for portion in rows.rows(logs, self._fields) if logs else ():
            self._writer.write(portion)
        self.export.records += len(logs)

    def _is_settled(self) -> bool:
        started_at = self.export.started_at
        self._settled = self._settled or started_at is None or live.all_visible(started_at)
        return self._settled

    def _finish(self) -> bool:
        export = self.export
        export.size = self._writer.finish()
        export.part_path.replace(export.path)
        _sync_directory()
        if not export.finish(Export.Status.SUCCESS):
            export.path.unlink(missing_ok=True)
        return True

    def close(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        """Nobody wants it any more."""
        with suppress(Exception):
            self._writer.close()
        self.export.part_path.unlink(missing_ok=True)


def _sync_directory() -> None:
    descriptor = os.open(directory(), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"The file could not be written: {error.strerror or error}"
    if isinstance(error, (selection.CannotSelect, limits.TooMuch)):
        return str(error)
    return "Something unexpected happened; the worker's log has the details"

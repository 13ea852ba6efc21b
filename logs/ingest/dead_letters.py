"""Accepted records that turn out impossible to store: kept for a person to look at, a file for each day."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

MOST_BYTES = 100_000_000  # of all slots: thousands of records, enough to see what is wrong with them
TIDY_SECONDS = 3600.0  # between two looks for files that are too old
DAY_SECONDS = 24 * 3600


class Refused:
    """The files ``refused-<date>`` of a slot. They hold what logs hold, and go when logs of their day go."""

    def __init__(self, slot: Path) -> None:
        self._slot = slot
        self._tidy_at = 0.0  # monotonic
        self.lost = 0  # for which there was no room, since the start

    @property
    def size(self) -> int:
        """Bytes of the files of all slots: those of a dead process stay where they are."""
        return sum(size for _, size, _ in self._files())

    def keep(self, frames: Sequence[bytes]) -> None:
        """Write them to the disk, as far as there is room, and complain loudly where there is none. Raises OSError."""
        room = MOST_BYTES - self.size
        path = self._slot / f"refused-{datetime.now(UTC):%Y-%m-%d}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(file, "ab") as days:
            for frame in frames:
                room -= len(frame)
                if room >= 0:
                    days.write(frame)
                else:
                    self.lost += 1
            days.flush()
            os.fsync(days.fileno())
        if room < 0:
            logger.critical(
                "LOGS ARE BEING LOST, %d so far: they cannot be stored, and %s/*/refused-* have %d bytes already",
                self.lost, self._slot.parent, MOST_BYTES,
            )  # fmt: skip

    def tidy(self) -> None:
        """Remove the files that are older than logs may be; looks once in a while only."""
        if time.monotonic() < self._tidy_at:
            return
        self._tidy_at = time.monotonic() + TIDY_SECONDS
        horizon = time.time() - settings.RETENTION_DAYS * DAY_SECONDS
        for path, _, written_at in self._files():
            if written_at < horizon:
                with suppress(OSError):  # tried again; the thread that does this has more to do
                    path.unlink()

    def _files(self) -> list[tuple[Path, int, float]]:
        """Each with its bytes and when it was last written to."""
        found = []
        for path in self._slot.parent.glob("*/refused*"):
            with suppress(OSError):  # removed meanwhile
                found.append((path, path.stat().st_size, path.stat().st_mtime))
        return found

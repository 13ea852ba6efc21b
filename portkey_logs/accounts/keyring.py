"""All active API keys in memory, so that no call waits for the database.

The keys are read again every ``POLL_S`` seconds, by a thread where ``start()`` was called (web, capture),
else by the first ``find()`` after that time (commands, tests). A snapshot file lets a process start while
the database is away; it holds SHA-256 hashes of random keys only, so it does not help whoever reads it.

Nothing here takes longer for an almost right key than for a wrong one: keys are found by their hash.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from portkey_logs.accounts.tokens import API_KEY_PREFIX, hash_token

logger = logging.getLogger(__name__)

POLL_S = 2.0  # a revoked key may work for this long plus one query; the promise is 5 s
MISS_S = 2.0  # how long an unknown key is refused without asking the database again
MISSES_KEPT = 10_000  # about 1 MB; more distinct wrong keys within MISS_S forget the earlier ones


class Grant(msgspec.Struct, frozen=True):
    """What one API key, or one pass, allows. Times are UTC."""

    api_key_id: int | None
    workspace_id: int
    workspace_slug: str
    organisation_slug: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    metrics_only: bool | None = None  # None: unknown, from a snapshot of an older version
    ask_for_usage: bool = False
    log_id: UUID | None = None  # of a pass: what the one call that it is for becomes

    @property
    def keeps_bodies(self) -> bool:
        """Whether the workspace wants bodies stored. Where nobody knows, it does not."""
        return self.metrics_only is False

    def allows(self, *scopes: str) -> bool:
        """Whether the key has any one of the scopes."""
        return any(scope in self.scopes for scope in scopes)

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


Grants = dict[str, Grant]  # by the hash of the key


class Keyring:
    """The active keys, from ``load()`` (all of them) and ``look_up(hash)`` (one), kept in ``snapshot``.

    Both may raise anything: an unreachable database leaves the keys of the last time in force.
    """

    def __init__(
        self, load: Callable[[], Grants], look_up: Callable[[str], Grant | None], snapshot: Callable[[], Path]
    ) -> None:
        self._load = load
        self._look_up = look_up
        self._snapshot = snapshot
        self._grants: Grants | None = None
        self._saved: Grants | None = None
        self._misses: dict[str, float] = {}
        self._refreshed_at = 0.0
        self._loaded_at: float | None = None
        self._refreshing = threading.Lock()
        self._away = False
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def find(self, raw_key: str) -> Grant | None:
        """What the key allows; None if it is unknown, revoked or expired.

        A key that is not in memory is looked up once, so that a new key works at once.
        """
        if not raw_key.startswith(API_KEY_PREFIX):
            return None
        if self._thread is None and not _within(POLL_S, self._refreshed_at):
            self.refresh()
        key_hash = hash_token(raw_key)
        grant = self._current().get(key_hash)
        if grant is None:
            grant = self._miss(key_hash)
        return None if grant is None or grant.expired else grant

    def known(self, raw_key: str) -> Grant | None:
        """As ``find``, from memory alone: never touches the database. A new key is known after ``POLL_S``."""
        grant = self._current().get(hash_token(raw_key))
        return None if grant is None or grant.expired else grant

    @property
    def age(self) -> float | None:
        """Seconds since all keys were last read from the database; None if this process never did."""
        return None if self._loaded_at is None else max(0.0, time.time() - self._loaded_at)

    def refresh(self) -> None:
        """Reads all keys again. When that fails the keys of the last time stay in force. Never raises."""
        if not self._refreshing.acquire(blocking=False):
            return  # another thread is at it
        try:
            self._current()
            self._grants = self._load()
            self._loaded_at = time.time()
            self._save(self._grants)
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
        self._thread = threading.Thread(target=self._poll, name="keyring", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the polling thread; ``find`` refreshes by itself again."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            thread.join()

    def _poll(self) -> None:
        while True:
            self.refresh()
            if self._stopping.wait(POLL_S):
                return

    def _current(self) -> Grants:
        """The keys in memory, at first those of the snapshot."""
        if self._grants is None:
            self._saved = self._read_snapshot()
            self._grants = dict(self._saved)
        return self._grants

    def _miss(self, key_hash: str) -> Grant | None:
        if _within(MISS_S, self._misses.get(key_hash, 0.0)):
            return None
        try:
            grant = self._look_up(key_hash)
        except Exception as error:
            grant = None
            self._note_away(error)
        if grant is not None:
            self._current()[key_hash] = grant
            return grant
        if len(self._misses) >= MISSES_KEPT:
            self._misses.clear()
        self._misses[key_hash] = time.time()
        return None

    def _note_away(self, error: Exception | None) -> None:
        """Logs the change, not every failed attempt."""
        if error is not None and not self._away:
            one_line = " ".join(str(error).split())
            logger.warning("API keys cannot be read or saved, the last ones stay in force: %s", one_line)
        elif error is None and self._away:
            logger.warning("API keys can be read and saved again")
        self._away = error is not None

    def _read_snapshot(self) -> Grants:
        try:
            return msgspec.json.decode(self._snapshot().read_bytes(), type=Grants)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            logger.warning("the snapshot of the API keys cannot be read, starting without it: %s", error)
            return {}

    def _save(self, grants: Grants) -> None:
        """Replaces the snapshot where the keys changed: whole, on disk, and readable by its owner only."""
        if grants == self._saved:
            return
        path = self._snapshot()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".keyring-")  # mkstemp makes it 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(grants))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_directory(path.parent)
        self._saved = dict(grants)


def _within(seconds: float, moment: float) -> bool:
    """Whether the moment (Unix time) is that recent; not so when the clock was set back behind it."""
    return 0 <= time.time() - moment < seconds


def _sync_directory(directory: Path) -> None:
    """Makes a rename inside the directory survive a power loss."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rows(**condition: str) -> Grants:
    from django.db import close_old_connections, connection

    from portkey_logs.accounts.models import ApiKey

    if not connection.in_atomic_block:
        close_old_connections()  # the thread has no request cycle that would do it
    columns = ("key_hash", "id", "workspace_id", "workspace__slug", "workspace__organisation__slug")
    settings = ("workspace__metrics_only", "workspace__ask_for_usage")
    active = ApiKey.objects.active().filter(**condition).order_by()
    rows = active.values_list(*columns, "scopes", "expires_at", *settings)
    return {
        key_hash: Grant(id, workspace_id, slug, organisation, tuple(scopes), *rest)
        for key_hash, id, workspace_id, slug, organisation, scopes, *rest in rows
    }


def _one(key_hash: str) -> Grant | None:
    return _rows(key_hash=key_hash).get(key_hash)


def _snapshot_path() -> Path:
    from django.conf import settings

    path: Path = settings.DATA_DIR / "keyring.json"
    return path


# The keyring of this process.
keyring = Keyring(_rows, _one, _snapshot_path)
find = keyring.find
start = keyring.start

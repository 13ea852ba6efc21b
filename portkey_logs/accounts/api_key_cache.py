"""All active API keys in memory, so that no call waits for the database.

Where no thread polls them (commands, tests), the first ``find()`` after ``POLL_S`` reads them again. The snapshot
holds SHA-256 hashes of random keys only, so it does not help whoever reads it.

Nothing here takes longer for an almost right key than for a wrong one: keys are found by their hash.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from portkey_logs.accounts.refreshing_cache import POLL_S, Polled, within
from portkey_logs.accounts.tokens import API_KEY_PREFIX, hash_token

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
    default_config: str = ""  # the slug of the config of calls that bring none
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


class Keyring(Polled[Grants]):
    """The active keys, from ``load()`` (all of them) and ``look_up(hash)`` (one), kept in ``snapshot``.

    Both may raise anything: an unreachable database leaves the keys of the last time in force.
    """

    def __init__(
        self, load: Callable[[], Grants], look_up: Callable[[str], Grant | None], snapshot: Callable[[], Path]
    ) -> None:
        super().__init__("API keys", load, snapshot, Grants, {})
        self._look_up = look_up
        self._misses: dict[str, float] = {}

    def find(self, raw_key: str) -> Grant | None:
        """What the key allows; None if it is unknown, revoked or expired.

        A key that is not in memory is looked up once, so that a new key works at once.
        """
        if not raw_key.startswith(API_KEY_PREFIX):
            return None
        if self._thread is None and not within(POLL_S, self._refreshed_at):
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

    def _miss(self, key_hash: str) -> Grant | None:
        if within(MISS_S, self._misses.get(key_hash, 0.0)):
            return None
        try:
            grant = self._look_up(key_hash)
        except Exception as error:
            grant = None
            self._note_away(error)
        if grant is not None:
            self._value = self._current() | {key_hash: grant}
            return grant
        if len(self._misses) >= MISSES_KEPT:
            self._misses.clear()
        self._misses[key_hash] = time.time()
        return None


def _rows(**condition: str) -> Grants:
    from django.db import close_old_connections, connection

    from portkey_logs.accounts.api_keys import ApiKey, in_force

    if not connection.in_atomic_block:
        close_old_connections()  # the thread has no request cycle that would do it
    columns = ("key_hash", "id", "workspace_id", "workspace__slug", "workspace__organisation__slug")
    more = ("expires_at", "workspace__metrics_only", "workspace__ask_for_usage", "default_config")
    keys = ApiKey.objects.active().with_standing().without_orphans().filter(**condition).order_by()
    rows = keys.values_list(*columns, "scopes", "owner_id", "owner_role", "owner_right", *more)
    grants = {}
    for key_hash, id, workspace_id, slug, organisation, scopes, owner, role, right, *settings in rows:
        allowed = in_force(scopes, owner, role, right)
        grants[key_hash] = Grant(id, workspace_id, slug, organisation, allowed, *settings)
    return grants


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

"""The keys in memory: no query per hit, new ones at once, revoked within 5 s, there without database."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from portkey_logs.accounts import api_key_cache
from portkey_logs.accounts.api_key_cache import Grant, Grants, Keyring
from portkey_logs.accounts.models import ApiKey
from portkey_logs.accounts.tokens import hash_token
from tests.factories import People, make_key

NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEY = "plk_one"
GRANT = Grant(1, 2, "acme", "acme", ("logs.write",))


class Source:
    """A database that can go away and counts what it is asked."""

    def __init__(self, grants: Grants) -> None:
        self.grants = grants
        self.away = False
        self.loads = self.lookups = 0

    def load(self) -> Grants:
        self.loads += 1
        self._check()
        return dict(self.grants)

    def look_up(self, key_hash: str) -> Grant | None:
        self.lookups += 1
        self._check()
        return self.grants.get(key_hash)

    def _check(self) -> None:
        if self.away:
            raise ConnectionError("the database is away")


@pytest.fixture
def source() -> Source:
    return Source({hash_token(KEY): GRANT})


def ring(source: Source, directory: Path) -> Keyring:
    return Keyring(source.load, source.look_up, lambda: directory / "keyring.json")


def test_a_hit_asks_the_database_nothing(source: Source, tmp_path: Path) -> None:
    keys = ring(source, tmp_path)
    with time_machine.travel(NOW, tick=False):
        assert [keys.find(KEY) for _ in range(100)] == [GRANT] * 100
    assert (source.loads, source.lookups) == (1, 0)


def test_a_key_without_our_prefix_asks_nothing(source: Source, tmp_path: Path) -> None:
    assert ring(source, tmp_path).find("sk-proj-of-a-provider") is None
    assert (source.loads, source.lookups) == (0, 0)


def test_a_new_key_works_at_once_and_an_unknown_one_is_looked_up_once(source: Source, tmp_path: Path) -> None:
    keys = ring(source, tmp_path)
    with time_machine.travel(NOW, tick=False):
        assert keys.find("plk_unknown") is None
        assert keys.find("plk_unknown") is None
        assert source.lookups == 1
        source.grants[hash_token("plk_new")] = GRANT
        assert keys.find("plk_new") == GRANT
        assert keys.find("plk_new") == GRANT
    assert (source.loads, source.lookups) == (1, 2)


def test_a_revoked_key_is_refused_after_the_next_poll(source: Source, tmp_path: Path) -> None:
    keys = ring(source, tmp_path)
    with time_machine.travel(NOW, tick=False) as clock:
        assert keys.find(KEY) == GRANT
        source.grants.clear()
        assert keys.find(KEY) == GRANT
        clock.shift(timedelta(seconds=5))
        assert keys.find(KEY) is None


def test_expiry_is_checked_when_the_key_is_used(source: Source, tmp_path: Path) -> None:
    expires = datetime(2030, 1, 1, tzinfo=UTC)
    grant = Grant(1, 2, "acme", "acme", (), expires)
    source.grants[hash_token(KEY)] = grant
    keys = ring(source, tmp_path)
    with time_machine.travel(expires - timedelta(seconds=1), tick=False) as clock:
        assert keys.find(KEY) == keys.known(KEY) == grant
        clock.shift(timedelta(seconds=1))
        assert keys.find(KEY) is None
        assert keys.known(KEY) is None


def test_a_process_starts_from_the_snapshot_with_the_database_away(source: Source, tmp_path: Path) -> None:
    ring(source, tmp_path).refresh()
    assert stat.S_IMODE((tmp_path / "keyring.json").stat().st_mode) == 0o600
    source.away = True
    keys = ring(source, tmp_path)
    assert keys.known(KEY) == GRANT
    assert keys.find(KEY) == GRANT
    assert keys.find("plk_other") is None


def test_keys_stay_in_force_when_the_database_goes_away_and_change_when_it_is_back(
    source: Source, tmp_path: Path
) -> None:
    keys = ring(source, tmp_path)
    with time_machine.travel(NOW, tick=False) as clock:
        assert keys.find(KEY) == GRANT
        source.away = True
        clock.shift(timedelta(minutes=5))
        assert keys.find(KEY) == GRANT
        source.away = False
        source.grants.clear()
        clock.shift(timedelta(seconds=3))
        assert keys.find(KEY) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"x": {"api_key_id": "one"}}', b"\xff"])
def test_a_damaged_snapshot_is_no_obstacle(source: Source, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keyring.json").write_bytes(content)
    assert ring(source, tmp_path).find(KEY) == GRANT


def test_a_full_disk_is_no_obstacle(source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    keys = Keyring(source.load, source.look_up, lambda: tmp_path / "file" / "keyring.json")
    assert keys.find(KEY) == GRANT


def test_the_thread_polls_until_it_is_stopped(source: Source, tmp_path: Path) -> None:
    keys = ring(source, tmp_path)
    keys.start()
    keys.stop()
    assert source.loads >= 1
    assert keys.known(KEY) == GRANT


def test_the_keys_of_the_database(people: People, django_assert_num_queries: object) -> None:
    key, text = make_key(people.workspace, scopes=("logs.view",))
    api_key_cache.keyring.refresh()
    with django_assert_num_queries(0):  # type: ignore[operator]
        grant = api_key_cache.find(text)
    assert grant == Grant(key.pk, people.workspace.pk, "acme", "acme", ("logs.view",), metrics_only=False)


def test_a_key_revoked_in_the_database_is_refused_within_5_seconds(people: People) -> None:
    key, text = make_key(people.workspace)
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        assert api_key_cache.find(text) is not None
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=datetime.now(UTC))
        clock.shift(timedelta(seconds=5))
        assert api_key_cache.find(text) is None

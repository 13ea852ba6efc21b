"""H2: sixteen sign-ins at once took 1.2 GB, for each hashed with 100 MB and nothing bounded how many."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.test import Client, override_settings

from portkey_logs import settings as product
from portkey_logs.accounts import hashers
from portkey_logs.accounts.hashers import BoundedArgon2PasswordHasher, PasswordsBusyError
from tests.factories import PASSWORD, People

ARGON2 = override_settings(PASSWORD_HASHERS=product.PASSWORD_HASHERS)


@ARGON2
def test_a_hash_takes_what_owasp_recommends() -> None:
    encoded = make_password(PASSWORD)
    decoded = BoundedArgon2PasswordHasher().decode(encoded)
    assert decoded["variety"] == "argon2id"
    assert 19 * 1024 <= decoded["memory_cost"] <= 47 * 1024
    assert check_password(PASSWORD, encoded)
    assert not check_password("wrong", encoded)


@ARGON2
def test_an_old_hash_is_replaced_at_sign_in(people: People, client: Client) -> None:
    people.alice.password = old = Argon2PasswordHasher().encode(PASSWORD, "0123456789abcdefghijkl")
    people.alice.save(update_fields=["password"])
    response = client.post("/accounts/login/", {"login": people.alice.email, "password": PASSWORD})
    assert response.status_code == 302
    people.alice.refresh_from_db()
    assert people.alice.password != old
    assert "m=19456,t=2,p=1" in people.alice.password
    assert people.alice.check_password(PASSWORD)


def test_two_hashes_at_a_time_and_few_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of twenty at once is either hashed or refused, and none has to wait for long."""
    inside, most, go = [], [], threading.Event()

    def encode(self: object, password: str, salt: str) -> str:
        inside.append(1)
        most.append(len(inside))
        go.wait(30)
        inside.pop()
        return "hash"

    monkeypatch.setattr(Argon2PasswordHasher, "encode", encode)
    outcomes: list[str] = []
    refused = threading.Semaphore(0)

    def sign_in() -> None:
        try:
            outcomes.append(BoundedArgon2PasswordHasher().encode("a", "b"))
        except PasswordsBusyError:
            outcomes.append("busy")
            refused.release()

    threads = [threading.Thread(target=sign_in) for _ in range(20)]
    for thread in threads:
        thread.start()
    for _ in range(20 - hashers.MAX_HASHES - hashers.MAX_WAITING):
        assert refused.acquire(timeout=30), "who is too many is refused at once"
    go.set()
    for thread in threads:
        thread.join()
    assert max(most) == 2
    assert outcomes.count("hash") == hashers.MAX_HASHES + hashers.MAX_WAITING


def test_who_waits_is_refused_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashers, "WAIT_SECONDS", 0.01)
    with hashers._turn(), hashers._turn(), pytest.raises(PasswordsBusyError), hashers._turn():
        pass


@ARGON2
def test_a_busy_process_says_so(people: People, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashers, "_present", threading.Semaphore(0))
    response = client.post("/accounts/login/", {"login": people.alice.email, "password": PASSWORD})
    assert response.status_code == 503
    assert "Try again shortly" in response.text
    assert response["Retry-After"]

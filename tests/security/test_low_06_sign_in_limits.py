"""Low 6: five wrong passwords locked an account for everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from tests.factories import PASSWORD, People

LOCKED = "Too many failed login attempts"
EMAIL = "alice@example.org"


def sign_in(client: Client, address: str, password: str = "wrong", email: str = EMAIL) -> HttpResponse:
    return client.post("/accounts/login/", {"login": email, "password": password}, REMOTE_ADDR=address)


def test_an_attacker_locks_out_no_owner_elsewhere(people: People) -> None:
    for _ in range(8):
        attack = sign_in(Client(), "203.0.113.1")
    assert LOCKED in attack.text
    assert LOCKED in sign_in(Client(), "203.0.113.1", PASSWORD).text, "not even with the password"
    assert sign_in(Client(), "198.51.100.7", PASSWORD).status_code == 302


def test_of_ipv6_a_64_is_one_address(people: People) -> None:
    for host in range(1, 7):
        sign_in(Client(), f"2001:db8:1:2::{host}")
    assert LOCKED in sign_in(Client(), "2001:db8:1:2:ffff::1", PASSWORD).text
    assert sign_in(Client(), "2001:db8:1:3::1", PASSWORD).status_code == 302


def test_one_address_cannot_try_one_password_on_many_accounts(people: People) -> None:
    attempts = [sign_in(Client(), "203.0.113.1", email=f"{number}@example.org").text for number in range(12)]
    assert LOCKED in attempts[-1]
    assert LOCKED not in attempts[5]


@pytest.fixture
def known(people: People) -> Client:
    """A browser in which alice has signed in before."""
    client = Client()
    assert sign_in(client, "198.51.100.7", PASSWORD).status_code == 302
    client.post("/accounts/logout/")
    return client


def test_many_addresses_have_one_limit_which_does_not_count_for_a_known_browser(known: Client) -> None:
    for number in range(50):
        sign_in(Client(), f"203.0.113.{number}")
    assert LOCKED in sign_in(Client(), "203.0.113.99").text
    assert sign_in(known, "192.0.2.44", PASSWORD).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(hours=1, minutes=1)):
        assert sign_in(Client(), "203.0.113.99", PASSWORD).status_code == 302


def test_a_known_browser_is_limited_by_its_address(known: Client) -> None:
    for _ in range(6):
        last = sign_in(known, "198.51.100.7")
    assert LOCKED in last.text


@pytest.mark.parametrize("forged", ["", "x", "alice@example.org", "ImFsaWNlQGV4YW1wbGUub3JnIg:1tpBxx:AAAA"])
def test_the_mark_of_a_known_browser_cannot_be_forged(known: Client, forged: str) -> None:
    for number in range(50):
        sign_in(Client(), f"203.0.113.{number}")
    other = Client()
    other.cookies["device"] = forged
    assert LOCKED in sign_in(other, "192.0.2.44", PASSWORD).text
    of_bob = Client()
    sign_in(of_bob, "192.0.2.45", PASSWORD, "bob@example.org")
    of_bob.post("/accounts/logout/")
    assert LOCKED in sign_in(of_bob, "192.0.2.45", PASSWORD).text, "it is that of another account"

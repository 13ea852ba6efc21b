"""Low 11: sessions and used links were never purged, and people could neither see nor end their sessions."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from portkey_logs.accounts.models import SignInLink, UserSession
from portkey_logs.accounts.sessions import purge
from tests.factories import PASSWORD, People

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"
SESSIONS = "/accounts/sessions/"


def signed_in(person: object, address: str = "203.0.113.1", browser: str = FIREFOX) -> Client:
    """A browser in which the person has signed in by form."""
    client = Client(headers={"user-agent": browser})
    fields = {"login": person.email, "password": PASSWORD}
    assert client.post("/accounts/login/", fields, REMOTE_ADDR=address).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get(SESSIONS).status_code == 200


def test_the_page_lists_ones_own_sessions_alone(people: People) -> None:
    here = signed_in(people.alice)
    signed_in(people.alice, "198.51.100.7", "curl/8 <script>")
    signed_in(people.bob, "192.0.2.99")
    text = here.get(SESSIONS).text
    assert text.count("Firefox on Linux") == 1
    assert "curl/8 &lt;script&gt;" in text
    assert "198.51.100.7" in text
    assert "192.0.2.99" not in text
    assert text.count("This browser") == 1


def test_the_page_holds_no_key_of_a_session(people: People) -> None:
    here = signed_in(people.alice)
    signed_in(people.alice)
    text = here.get(SESSIONS).text
    assert all(key not in text for key in UserSession.objects.values_list("session_key", flat=True))


def test_one_is_ended(people: People) -> None:
    here, there, third = (signed_in(people.alice, f"203.0.113.{number}") for number in (1, 2, 3))
    row = here.get(SESSIONS).text.split("203.0.113.2<")[1]
    handle = re.search(r'name="session" value="(\w+)"', row)
    assert handle
    assert here.post(SESSIONS, {"session": handle[1]}, follow=True).status_code == 200
    assert [is_in(each) for each in (here, there, third)] == [True, False, True]


def test_all_others_are_ended(people: People) -> None:
    here, there, third, bob = (*(signed_in(people.alice) for _ in range(3)), signed_in(people.bob))
    here.post(SESSIONS)
    assert [is_in(each) for each in (here, there, third, bob)] == [True, False, False, True]


def test_those_of_others_stay(people: People) -> None:
    alice, bob = signed_in(people.alice), signed_in(people.bob)
    handle = UserSession.objects.get(user=people.alice).handle
    for given in (handle, "nonsense", "", UserSession.objects.get(user=people.alice).session_key):
        bob.post(SESSIONS, {"session": given})
    assert is_in(alice)
    assert is_in(bob)


def test_it_needs_a_token_and_a_person(people: People) -> None:
    assert Client().get(SESSIONS).status_code == 302
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.alice)
    assert browser.post(SESSIONS).status_code == 403


def test_the_worker_purges_what_has_ended(people: People) -> None:
    alice = signed_in(people.alice)
    SignInLink.issue(people.alice)
    purge()
    assert (UserSession.objects.count(), SignInLink.objects.count()) == (1, 1)
    assert is_in(alice)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        purge()
        assert (UserSession.objects.count(), SignInLink.objects.count()) == (1, 0)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        purge()
    assert UserSession.objects.count() == 0


def test_a_round_of_the_worker_is_bounded(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portkey_logs.accounts.sessions.MAX_PURGED", 2)
    for _ in range(5):
        signed_in(people.alice)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert [purge() for _ in range(3)] == [True, True, False]

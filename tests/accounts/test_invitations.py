"""From the link on the members page to a colleague who sees the logs."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portkey_logs.accounts.models import Invitation, Membership, User
from tests.accounts.conftest import SignIn
from tests.factories import People

ACCOUNT = {"email": "Zoe@Example.org", "name": "Zoe", "password": "a long enough phrase"}


@pytest.fixture
def path(people: People) -> str:
    return f"/accounts/invite/{Invitation.issue(people.acme, people.alice, 'admin', 'for Zoe')[1]}/"


def test_the_link_is_shown_once_and_only_its_hash_is_kept(people: People, browser_of: SignIn, client: Client) -> None:
    browser = browser_of(people.alice)
    response = browser.post("/w/acme/members/", {"role": "member", "note": "for Zoe"})
    link = response.context["new_link"]
    assert link.startswith("http://testserver/accounts/invite/")
    assert f'data-copy="{link}"' in response.text
    assert f'value="{link}"' in response.text
    assert "no-store" in response["Cache-Control"]
    assert link not in browser.get("/w/acme/members/").text
    assert link.split("/")[-2] not in str(Invitation.objects.values())
    assert client.get(link).status_code == 200


def test_the_link_carries_the_public_address(people: People, browser_of: SignIn, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://logs.example.org"
    response = browser_of(people.alice).post("/w/acme/members/", {"role": "member"})
    assert response.context["new_link"].startswith("https://logs.example.org/accounts/invite/")


def test_signed_out_it_makes_the_account_and_joins(people: People, client: Client, path: str) -> None:
    assert "Join Acme" in client.get(path).text
    response = client.post(path, ACCOUNT)
    assert response.url == "/w/acme/logs/"
    zoe = User.objects.get(email="zoe@example.org")
    assert zoe.check_password(ACCOUNT["password"])
    assert Membership.objects.get(user=zoe).role == "admin"
    assert client.get("/w/acme/members/").status_code == 200
    invitation = Invitation.objects.get()
    assert invitation.accepted_by == zoe


def test_signed_in_a_button_joins(people: People, browser_of: SignIn, path: str) -> None:
    browser = browser_of(people.charlie)
    page = browser.get(path).text
    assert "You join as charlie@example.org." in page
    assert 'name="password"' not in page
    assert browser.post(path).url == "/w/acme/logs/"
    assert Membership.objects.get(user=people.charlie, organisation=people.acme).role == "admin"


def test_it_works_once(people: People, browser_of: SignIn, client: Client, path: str) -> None:
    browser_of(people.charlie).post(path)
    for response in (client.get(path), client.post(path, ACCOUNT)):
        assert response.status_code == 410
        assert "Somebody has used it." in response.text
    assert not User.objects.filter(email="zoe@example.org").exists()


def test_of_two_at_once_one_joins(people: People, path: str) -> None:
    first, second = Invitation.objects.get(), Invitation.objects.get()
    assert first.accept(people.charlie)
    assert not second.accept(User.objects.create_user("late@example.org"))
    assert not Membership.objects.filter(user__email="late@example.org").exists()


def test_who_is_a_member_already_leaves_it_for_somebody_else(people: People, browser_of: SignIn, path: str) -> None:
    browser = browser_of(people.bob)
    for response in (browser.get(path), browser.post(path)):
        assert response.url == "/w/acme/logs/"
    assert Invitation.objects.get().is_open
    assert Membership.objects.get(user=people.bob).role == "member"


def test_it_expires(people: People, client: Client, path: str) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        response = client.post(path, ACCOUNT)
    assert response.status_code == 410
    assert "It has expired." in response.text
    assert not User.objects.filter(email="zoe@example.org").exists()


def test_it_can_be_revoked(people: People, browser_of: SignIn, client: Client, path: str) -> None:
    browser_of(people.alice).post(f"/w/acme/invitations/{Invitation.objects.get().pk}/revoke/")
    response = client.post(path, ACCOUNT)
    assert response.status_code == 410
    assert "It was revoked." in response.text


def test_an_unknown_one(db: None, client: Client) -> None:
    assert client.get("/accounts/invite/nonsense/").status_code == 404


def test_an_address_with_an_account_signs_in_first_and_comes_back(people: People, client: Client, path: str) -> None:
    response = client.post(path, ACCOUNT | {"email": "CHARLIE@example.org"})
    assert response.status_code == 422
    assert "Sign in first" in response.text
    assert f'href="/accounts/login/?next={path}"' in response.text
    assert not Membership.objects.filter(user=people.charlie, organisation=people.acme).exists()
    assert Invitation.objects.get().is_open


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"email": "nonsense"}, "Enter a valid email address."),
        ({"email": ""}, "This field is required."),
        ({"password": "short"}, "This password is too short."),
        ({"password": "zoe@example.org"}, "too similar to the email"),
    ],
)
def test_mistakes_are_named(people: People, client: Client, path: str, change: dict[str, str], message: str) -> None:
    response = client.post(path, ACCOUNT | change)
    assert response.status_code == 422
    assert message in response.text
    assert ACCOUNT["password"] not in response.text


def test_needs_a_csrf_token(people: People, path: str) -> None:
    assert Client(enforce_csrf_checks=True).post(path, ACCOUNT).status_code == 403


def test_trying_addresses_is_slowed_down(people: People, client: Client, path: str) -> None:
    statuses = [client.post(path, ACCOUNT | {"email": "bob@example.org"}).status_code for _ in range(21)]
    assert statuses[-1] == 429

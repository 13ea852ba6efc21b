"""Signing in and out by form and by one-time link, and passwords."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from portkey_logs.accounts.models import SignInLink, User
from portkey_logs.accounts.tokens import hash_token
from tests.accounts.conftest import SignIn
from tests.factories import PASSWORD, People

LOGIN = "/accounts/login/"


def who(browser: Client) -> str | None:
    """The id of the person who is signed in."""
    return browser.session.get("_auth_user_id")


def sign_in(browser: Client, email: str = "alice@example.org", password: str = PASSWORD, **more: str) -> object:
    return browser.post(LOGIN, {"login": email, "password": password, **more})


class TestForm:
    def test_the_fields_are_there(self, db: None, client: Client) -> None:
        text = client.get(LOGIN).text
        assert 'name="login"' in text
        assert 'name="password"' in text

    @pytest.mark.parametrize("email", ["alice@example.org", "Alice@Example.ORG", " alice@example.org "])
    def test_signs_in(self, people: People, client: Client, email: str) -> None:
        response = sign_in(client, email)
        assert (response.status_code, response.url) == (302, "/")
        assert who(client) == str(people.alice.pk)

    def test_comes_back_to_where_the_person_was_going(self, people: People, client: Client) -> None:
        target = "/w/acme/keys/?a=1&b=2"
        page = client.get(client.get(target).url)
        assert 'name="next" value="/w/acme/keys/?a=1&amp;b=2"' in page.text
        assert sign_in(client, next=target).url == target

    @pytest.mark.parametrize(
        "target",
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:///evil.example"],
    )
    def test_leads_nowhere_else(self, people: People, client: Client, target: str) -> None:
        assert sign_in(client, next=target).url == "/"

    def test_a_wrong_password_and_an_unknown_address_hear_the_same(self, people: People, client: Client) -> None:
        def answer(email: str) -> str:
            text = sign_in(client, email, "wrong").text
            return text.split('role="alert">')[1].split("<")[0]

        assert answer("alice@example.org") == answer("nobody@example.org")
        assert who(client) is None

    def test_inactive_people_hear_the_same_too(self, people: People, client: Client) -> None:
        User.objects.filter(pk=people.alice.pk).update(is_active=False)
        assert sign_in(client).status_code == 200
        assert who(client) is None

    def test_guessing_is_slowed_down_even_with_the_right_password(self, people: People, client: Client) -> None:
        for _ in range(5):
            sign_in(client, password="wrong")
        assert "Too many failed login attempts" in sign_in(client).text
        assert who(client) is None
        with time_machine.travel(timezone.now() + timedelta(minutes=6)):
            sign_in(client)
        assert who(client) == str(people.alice.pk)

    def test_an_address_that_floods_gets_429(self, people: People, client: Client) -> None:
        statuses = [sign_in(client, f"{number}@example.org").status_code for number in range(31)]
        assert statuses[-1] == 429

    def test_needs_a_csrf_token(self, people: People) -> None:
        browser = Client(enforce_csrf_checks=True)
        assert sign_in(browser).status_code == 403

    @pytest.mark.parametrize(("remember", "until_the_browser_closes"), [({"remember": "on"}, False), ({}, True)])
    def test_stays_signed_in_where_asked_to(
        self, people: People, client: Client, remember: dict[str, str], until_the_browser_closes: bool
    ) -> None:
        sign_in(client, **remember)
        assert client.session.get_expire_at_browser_close() is until_the_browser_closes

    def test_a_broken_cache_lets_nobody_guess_unlimited(self, people: People) -> None:
        client = Client(raise_request_exception=False)
        with patch("django.core.cache.backends.db.DatabaseCache.add", side_effect=OperationalError):
            assert client.get(LOGIN).status_code == 200
            assert sign_in(client).status_code == 503
        assert who(client) is None

    def test_sign_out_is_a_post(self, people: People, browser_of: SignIn) -> None:
        browser = browser_of(people.alice)
        assert "<form" in browser.get("/accounts/logout/").text
        assert who(browser) is not None
        assert browser.post("/accounts/logout/").url == LOGIN
        assert who(browser) is None

    @pytest.mark.parametrize(
        "path",
        ["signup/", "email/", "password/reset/", "password/set/", "reauthenticate/", "confirm-email/"],
    )
    def test_nothing_else_of_allauth_is_reachable(self, db: None, client: Client, path: str) -> None:
        assert client.get(f"/accounts/{path}").status_code == 404


class TestLink:
    @pytest.fixture
    def newcomer(self, people: People) -> User:
        return User.objects.create_user("new@example.org")

    def test_a_get_does_not_use_it_up_a_post_does(self, newcomer: User, client: Client) -> None:
        path = f"/accounts/link/{SignInLink.issue(newcomer)}/"
        for _ in range(2):
            response = client.get(path)
            assert response.status_code == 200
            assert "Sign in as new@example.org" in response.text
            assert client.head(path).status_code == 200
        assert who(client) is None
        assert client.post(path).url == "/"
        assert who(client) == str(newcomer.pk)

    def test_a_second_post_is_refused(self, newcomer: User, client: Client) -> None:
        path = f"/accounts/link/{SignInLink.issue(newcomer)}/"
        client.post(path)
        other = Client()
        for response in (other.post(path), other.get(path)):
            assert response.status_code == 410
            assert "It has been used." in response.text
            assert "sign_in_link" in response.text
        assert who(other) is None

    def test_it_expires(self, newcomer: User, client: Client) -> None:
        path = f"/accounts/link/{SignInLink.issue(newcomer)}/"
        with time_machine.travel(timezone.now() + timedelta(minutes=29)):
            assert client.get(path).status_code == 200
        with time_machine.travel(timezone.now() + timedelta(minutes=31)):
            response = client.post(path)
        assert response.status_code == 410
        assert "It has expired." in response.text
        assert who(client) is None

    def test_an_unknown_one(self, db: None, client: Client) -> None:
        for response in (client.get("/accounts/link/nonsense/"), client.post("/accounts/link/nonsense/")):
            assert response.status_code == 404
            assert "sign_in_link" in response.text

    def test_of_somebody_who_was_deactivated(self, newcomer: User, client: Client) -> None:
        path = f"/accounts/link/{SignInLink.issue(newcomer)}/"
        User.objects.filter(pk=newcomer.pk).update(is_active=False)
        assert client.post(path).status_code == 410
        assert who(client) is None

    def test_only_its_hash_is_kept(self, newcomer: User) -> None:
        token = SignInLink.issue(newcomer)
        assert SignInLink.objects.get().token_hash == hash_token(token)
        assert token not in str(SignInLink.objects.values())

    def test_needs_a_csrf_token(self, newcomer: User) -> None:
        browser = Client(enforce_csrf_checks=True)
        assert browser.post(f"/accounts/link/{SignInLink.issue(newcomer)}/").status_code == 403
        assert SignInLink.objects.get().used_at is None

    def test_is_never_cached(self, newcomer: User, client: Client) -> None:
        assert "no-store" in client.get(f"/accounts/link/{SignInLink.issue(newcomer)}/")["Cache-Control"]

    def test_replaces_who_was_signed_in(self, people: People, newcomer: User, browser_of: SignIn) -> None:
        browser = browser_of(people.alice)
        browser.post(f"/accounts/link/{SignInLink.issue(newcomer)}/")
        assert who(browser) == str(newcomer.pk)

    def test_asks_for_a_password_only_where_there_is_none(self, people: People, newcomer: User) -> None:
        for user, asks in ((newcomer, True), (people.bob, False)):
            browser = Client()
            browser.post(f"/accounts/link/{SignInLink.issue(user)}/")
            assert ("Set a password to sign in without a link" in browser.get("/accounts/password/").text) is asks


class TestPassword:
    NEW = "a new and longer one"

    def change(self, browser: Client, **fields: str) -> int:
        data = {"new_password1": self.NEW, "new_password2": self.NEW, **fields}
        return browser.post("/accounts/password/", data).status_code

    def test_a_first_one_needs_no_old_one(self, db: None, browser_of: SignIn) -> None:
        user = User.objects.create_user("new@example.org")
        browser = browser_of(user)
        assert 'name="old_password"' not in browser.get("/accounts/password/").text
        assert self.change(browser) == 302
        user.refresh_from_db()
        assert user.check_password(self.NEW)
        assert who(browser) == str(user.pk)

    def test_a_change_needs_the_old_one(self, people: People, browser_of: SignIn) -> None:
        browser = browser_of(people.alice)
        assert self.change(browser) == 422
        assert self.change(browser, old_password="wrong") == 422
        assert self.change(browser, old_password=PASSWORD) == 302
        people.alice.refresh_from_db()
        assert people.alice.check_password(self.NEW)

    def test_ends_the_other_sessions(self, people: People, browser_of: SignIn) -> None:
        here, elsewhere = browser_of(people.alice), browser_of(people.alice)
        self.change(here, old_password=PASSWORD)
        assert here.get("/w/acme/keys/").status_code == 200
        assert elsewhere.get("/w/acme/keys/").status_code == 302

    def test_uses_up_the_links_that_would_begin_another(self, people: People, browser_of: SignIn) -> None:
        paths = [f"/accounts/link/{SignInLink.issue(person)}/" for person in (people.alice, people.bob)]
        self.change(browser_of(people.alice), old_password=PASSWORD)
        assert [Client().post(path).status_code for path in paths] == [410, 302]

    @pytest.mark.parametrize("weak", ["short", "password123", "alice@example.org"])
    def test_weak_ones_are_refused(self, people: People, browser_of: SignIn, weak: str) -> None:
        status = self.change(browser_of(people.alice), old_password=PASSWORD, new_password1=weak, new_password2=weak)
        assert status == 422

    def test_guessing_the_old_one_is_slowed_down(self, people: People, browser_of: SignIn) -> None:
        browser = browser_of(people.alice)
        assert [self.change(browser, old_password="wrong") for _ in range(6)][-1] == 429

    def test_signed_out_people_sign_in_first(self, db: None, client: Client) -> None:
        assert client.get("/accounts/password/").url == "/accounts/login/?next=/accounts/password/"

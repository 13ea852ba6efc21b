"""Audit events say who did what and when: of sign-ins, members, keys, settings, exports and replays; never a secret."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from logs.management import maintenance
from portkey_logs.accounts import audit
from portkey_logs.accounts.models import Actor, ApiKey, AuditEvent, Invitation, Membership, SignInLink
from tests.factories import PASSWORD, People, make_key

HOSTILE = "x\r\n\x1b[2J\u202e" + "a" * 500


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("created_at", "id"))


def one(action: str) -> AuditEvent:
    (event,) = events(action)
    return event


@pytest.fixture
def alice(people: People) -> Client:
    client = Client()
    client.force_login(people.alice)
    AuditEvent.objects.all().delete()
    return client


class TestSignIns:
    def test_success_with_the_address(self, people: People, client: Client) -> None:
        client.post("/accounts/login/", {"login": "alice@example.org", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7")
        event = one("sign_in")
        assert (event.person, event.subject, event.detail) == (people.alice, "alice@example.org", "from 192.0.2.7")

    def test_failure_with_the_address_and_without_the_password(self, people: People, client: Client) -> None:
        client.post(
            "/accounts/login/", {"login": "alice@example.org", "password": "wrong-one"}, REMOTE_ADDR="192.0.2.7"
        )
        event = one("sign_in.failed")
        assert (event.person, event.subject, event.detail) == (None, "alice@example.org", "from 192.0.2.7")
        assert "wrong-one" not in str(AuditEvent.objects.values())

    def test_a_password_in_the_field_of_the_address_is_not_kept(self, people: People, client: Client) -> None:
        client.post("/accounts/login/", {"login": PASSWORD, "password": "x"})
        assert PASSWORD not in str(AuditEvent.objects.values())

    def test_sign_out(self, people: People, alice: Client) -> None:
        alice.post("/accounts/logout/")
        assert one("sign_out").person == people.alice

    def test_a_link_is_made_and_used(self, people: People, client: Client) -> None:
        token = SignInLink.issue(people.alice)
        assert (one("sign_in_link.make").subject, one("sign_in_link.make").person) == ("alice@example.org", None)
        client.post(f"/accounts/link/{token}/")
        assert one("sign_in_link.use").person == people.alice
        assert one("sign_in").person == people.alice
        assert token not in str(AuditEvent.objects.values())

    def test_a_new_password(self, people: People, client: Client) -> None:
        client.login(username="alice@example.org", password=PASSWORD)
        new = "another correct horse"
        client.post("/accounts/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
        assert one("password.change").person == people.alice
        assert new not in str(AuditEvent.objects.values())


class TestOrganisation:
    def test_roles_rights_and_removal(self, people: People, alice: Client) -> None:
        member = Membership.objects.get(user=people.bob)
        alice.post(f"/w/acme/members/{member.pk}/role/", {"role": "admin", "may_manage_catalog": "1"})
        event = one("member.change")
        assert (event.organisation, event.person, event.subject) == (people.acme, people.alice, "bob@example.org")
        assert event.detail == "admin, may change what production calls"
        alice.post(f"/w/acme/members/{member.pk}/remove/")
        assert one("member.remove").subject == "bob@example.org"

    def test_members_of_the_command_line(self, people: People) -> None:
        call_command("create_user", "dora@example.org", "--org", "acme", stdout=StringIO())
        assert (one("member.add").subject, one("member.add").person) == ("dora@example.org", None)

    def test_invitations(self, people: People, alice: Client) -> None:
        page = alice.post("/w/acme/members/", {"role": "member", "note": "for dora"}).text
        link = re.search(r"/accounts/invite/([^\"/]+)/", page)
        assert link
        assert "for dora" in one("invitation.make").detail
        joining = Client()
        joining.force_login(people.charlie)
        joining.post(link[0])
        assert one("invitation.accept").person == people.charlie
        other, _ = Invitation.issue(people.acme, people.alice, "member")
        alice.post(f"/w/acme/invitations/{other.pk}/revoke/")
        assert one("invitation.revoke").person == people.alice
        assert link[1] not in str(AuditEvent.objects.values())

    def test_api_keys(self, people: People, alice: Client) -> None:
        page = alice.post("/w/acme/keys/", {"name": "ci", "scopes": ["logs.view"]})
        key = ApiKey.objects.get()
        event = one("api_key.make")
        assert (event.workspace, event.person, event.subject, event.detail) == (
            people.workspace, people.alice, "ci", "logs.view",
        )  # fmt: skip
        for _ in range(2):
            alice.post(f"/w/acme/keys/{key.pk}/revoke/")
        assert one("api_key.revoke").subject == "ci"
        assert page.context["new_key"] not in str(AuditEvent.objects.values())

    def test_settings(self, people: People, alice: Client) -> None:
        alice.post("/w/acme/settings/logging/", {"metrics_only": "on"})
        assert one("workspace.change_logging").detail.startswith("metrics only: True")
        alice.post("/w/acme/settings/", {"name": "Acme & Co"})
        assert one("organisation.rename").detail == "Acme & Co"
        alice.post("/w/acme/settings/workspaces/", {"workspace_name": "New", "name": "New", "slug": "fresh"})
        assert one("workspace.make").subject == "fresh"


def test_what_goes_wrong_leaves_no_event(people: People, alice: Client) -> None:
    mine = Membership.objects.get(user=people.alice)
    alice.post(f"/w/acme/members/{mine.pk}/remove/")  # the only owner
    alice.post("/w/acme/keys/", {"name": "", "scopes": ["logs.view"]})
    assert not AuditEvent.objects.exists()


def test_hostile_text_is_escaped_and_cut(people: People) -> None:
    make_key(people.workspace, name="\x1b[2J\u202e\r\nkey", created_by=people.alice)
    assert one("api_key.make").subject == r"\x1b[2J\u202e\r\nkey"
    AuditEvent.record(people.acme, Actor(people.alice), "test", HOSTILE, HOSTILE)
    event = one("test")
    assert (len(event.subject), len(event.detail)) == (audit.MAX_SUBJECT, audit.MAX_DETAIL)
    assert (event.subject + event.detail).isprintable()


def test_old_events_go_and_younger_ones_stay(people: People, monkeypatch: Any) -> None:
    AuditEvent.objects.all().delete()
    for days in (settings.AUDIT_DAYS - 1, settings.AUDIT_DAYS + 1, settings.AUDIT_DAYS + 2):
        AuditEvent.record(people.acme, Actor(), "test", str(days))
        AuditEvent.objects.filter(subject=str(days)).update(created_at=timezone.now() - timedelta(days=days))
    monkeypatch.setattr(audit, "MAX_PURGED", 1)
    assert audit.purge()  # there may be more
    assert AuditEvent.objects.count() == 2
    monkeypatch.setattr(audit, "MAX_PURGED", 10)
    maintenance.run_once()
    assert [event.subject for event in events("test")] == [str(settings.AUDIT_DAYS - 1)]

"""M8: what people made ends with them, or goes on in another's name because somebody said so."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client, RequestFactory
from django.utils import timezone

from logs.exports import delivery
from logs.exports.models import Export
from portkey_logs.accounts import api_key_cache
from portkey_logs.accounts.models import Actor, ApiKey, AuditEvent, Invitation, Membership, Workspace
from portkey_logs.lib import uuid7
from replay.models import Batch, Run
from replay.work import Round
from tests.factories import People, make_key, make_user


def status(client: Client, text: str) -> int:
    api_key_cache.keyring.refresh()
    return client.get("/v1/logs", headers={"x-portkey-api-key": text}).status_code


@pytest.fixture
def alice(people: People) -> Client:
    client = Client()
    client.force_login(people.alice)
    return client


@pytest.fixture
def admin(people: People) -> Membership:
    """carol, who is about to leave."""
    return Membership.objects.get(user=make_user("carol@example.org", people.acme, "admin"))


def removal(admin: Membership) -> str:
    return f"/w/acme/members/{admin.pk}/remove/"


class TestKeys:
    def test_they_are_listed_before_anything_is_removed(
        self, people: People, alice: Client, admin: Membership, store: Any
    ) -> None:
        other = Workspace.objects.create(name="Second", slug="second", organisation=people.acme)
        key, _ = make_key(people.workspace, name="production", created_by=admin.user, scopes=("logs.write",))
        make_key(other, name="\u202enightly", created_by=admin.user, scopes=("logs.view", "logs.export"))
        make_key(people.workspace, name="alice's", created_by=people.alice)
        revoked, _ = make_key(people.workspace, name="long gone", created_by=admin.user)
        revoked.revoke(Actor(people.alice))
        store({"api_key_id": key.pk})
        page = alice.get(removal(admin)).text
        for words in ("production", "Second", "logs.view, logs.export", "nightly", "not known"):
            assert words in page
        assert f"{timezone.now():%Y-%m-%d}" in page
        assert "\u202e" not in page
        assert "long gone" not in page
        assert "alice&#x27;s" not in page
        assert re.search(rf'name="key-{key.pk}" value="end" checked', page)
        assert Membership.objects.filter(pk=admin.pk).exists()

    def test_all_are_revoked_unless_somebody_says_otherwise(
        self, people: People, alice: Client, admin: Membership, client: Client
    ) -> None:
        texts = [make_key(people.workspace, name=str(n), created_by=admin.user)[1] for n in range(3)]
        assert [status(client, text) for text in texts] == [200] * 3
        alice.post(removal(admin))
        assert [status(client, text) for text in texts] == [401] * 3
        assert not ApiKey.objects.filter(revoked_at=None).exists()

    def test_one_that_is_kept_is_the_remover_s_from_then_on(
        self, people: People, alice: Client, admin: Membership, client: Client
    ) -> None:
        (kept, kept_text), (lost, lost_text) = (make_key(people.workspace, created_by=admin.user) for _ in range(2))
        alice.post(removal(admin), {f"key-{kept.pk}": "keep", f"key-{lost.pk}": "end"})
        assert (status(client, kept_text), status(client, lost_text)) == (200, 401)
        assert ApiKey.objects.get(pk=kept.pk).owner == people.alice
        event = AuditEvent.objects.get(action="api_key.transfer")
        assert (event.person, event.detail) == (people.alice, "to alice@example.org")

    def test_keys_of_others_cannot_be_named(self, people: People, alice: Client, admin: Membership) -> None:
        mine, _ = make_key(people.workspace, created_by=people.bob)
        alice.post(removal(admin), {f"key-{mine.pk}": "keep"})
        assert ApiKey.objects.get(pk=mine.pk).owner == people.bob

    def test_who_leaves_keeps_nothing(self, people: People, admin: Membership, client: Client) -> None:
        key, text = make_key(people.workspace, created_by=admin.user)
        client.force_login(admin.user)
        client.post(removal(admin), {f"key-{key.pk}": "keep"})
        assert not Membership.objects.filter(pk=admin.pk).exists()
        assert status(Client(), text) == 401

    def test_a_refused_removal_revokes_nothing(self, people: People, admin: Membership, client: Client) -> None:
        _, text = make_key(people.workspace, created_by=people.alice)
        client.force_login(admin.user)
        owner = Membership.objects.get(user=people.alice)
        client.post(removal(owner))
        assert status(Client(), text) == 200

    def test_however_somebody_left_their_key_is_refused(
        self, people: People, admin: Membership, client: Client
    ) -> None:
        _, text = make_key(people.workspace, created_by=admin.user)
        Membership.objects.filter(pk=admin.pk).delete()
        assert status(client, text) == 401

    def test_a_deactivated_person_s_key_is_refused(self, people: People, admin: Membership, client: Client) -> None:
        _, text = make_key(people.workspace, created_by=admin.user)
        admin.user.is_active = False
        admin.user.save(update_fields=["is_active"])
        assert status(client, text) == 401

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_only_for_those_who_may_remove(
        self, people: People, client: Client, admin: Membership, method: str
    ) -> None:
        client.force_login(people.bob)
        assert getattr(client, method)(removal(admin)).status_code == 403
        client.force_login(people.charlie)
        assert getattr(client, method)(removal(admin)).status_code == 404
        assert Membership.objects.filter(pk=admin.pk).exists()


class TestExportLinks:
    @pytest.fixture
    def export(self, people: People) -> Export:
        now = timezone.now()
        export = Export.objects.create(
            workspace=people.workspace, fields=["id"], status=Export.Status.SUCCESS, started_at=now, finished_at=now
        )
        export.path.write_bytes(b"{}\n")
        return export

    def link(self, export: Export, key: ApiKey) -> str:
        url = delivery.signed_url(RequestFactory().get("/"), export, key.pk)
        return url.removeprefix("http://testserver")

    @pytest.mark.parametrize("change", ["revoked", "expired", "removed", "deactivated", "scope", "another workspace"])
    def test_they_die_with_what_they_rest_on(
        self, people: People, client: Client, admin: Membership, export: Export, change: str
    ) -> None:
        key, _ = make_key(people.workspace, created_by=admin.user, expires_at=timezone.now() + timedelta(minutes=10))
        url = self.link(export, key)
        assert client.get(url).status_code == 200
        with time_machine.travel(timezone.now() + timedelta(minutes=11 if change == "expired" else 0), tick=False):
            if change == "revoked":
                key.revoke(Actor(people.alice))
            elif change == "removed":
                admin.delete()
            elif change == "deactivated":
                type(admin.user).objects.filter(pk=admin.user_id).update(is_active=False)
            elif change == "scope":
                ApiKey.objects.filter(pk=key.pk).update(scopes=["logs.write"])
            elif change == "another workspace":
                ApiKey.objects.filter(pk=key.pk).update(workspace=people.elsewhere)
            assert client.get(url).status_code == 404

    def test_they_go_on_with_a_key_that_is_kept(
        self, people: People, client: Client, alice: Client, admin: Membership, export: Export
    ) -> None:
        key, _ = make_key(people.workspace, created_by=admin.user)
        url = self.link(export, key)
        alice.post(removal(admin), {f"key-{key.pk}": "keep"})
        assert client.get(url).status_code == 200

    def test_one_without_a_key_works_for_nobody(self, client: Client, export: Export) -> None:
        url = delivery.signed_url(RequestFactory().get("/"), export, None).removeprefix("http://testserver")
        assert client.get(url).status_code == 404


class TestWhatIsUnderWay:
    @pytest.fixture
    def batch(self, people: People, admin: Membership) -> Batch:
        batch = Batch.objects.create(workspace=people.workspace, person=admin.user)
        Run.objects.create(workspace=people.workspace, person=admin.user, batch=batch, parent_id=uuid7.uuid7())
        return batch

    @pytest.fixture
    def export(self, people: People, admin: Membership) -> Export:
        export = Export(workspace=people.workspace, created_by=admin.user, fields=["id"], description="all of it")
        export.save()
        export.start()
        return export

    def test_it_ends(self, alice: Client, admin: Membership, batch: Batch, export: Export) -> None:
        Invitation.issue(admin.organisation, admin.user, "member", "for dora")
        page = alice.get(removal(admin)).text
        for words in ("Replay of many logs", "all of it", "for dora"):
            assert words in page
        alice.post(removal(admin))
        assert Batch.objects.get().state == "cancelled"
        assert Run.objects.get().state == "stopped"
        assert Export.objects.get().status == "stopped"
        assert not Invitation.objects.get().is_open

    def test_or_goes_on_in_the_remover_s_name(
        self, people: People, alice: Client, admin: Membership, batch: Batch, export: Export
    ) -> None:
        invitation, _ = Invitation.issue(admin.organisation, admin.user, "member")
        kept = [f"batch-{batch.pk}", f"export-{export.pk}", f"invitation-{invitation.pk}"]
        alice.post(removal(admin), dict.fromkeys(kept, "keep"))
        assert (Batch.objects.get().state, Batch.objects.get().person) == ("running", people.alice)
        assert Batch.objects.get().person_may_run()
        assert (Export.objects.get().status, Export.objects.get().created_by) == ("in_progress", people.alice)
        assert Invitation.objects.get().is_open

    def test_a_run_in_the_playground_is_stopped(self, people: People, alice: Client, admin: Membership) -> None:
        run = Run.objects.create(workspace=people.workspace, person=admin.user, state="running")
        elsewhere = Run.objects.create(workspace=people.elsewhere, person=admin.user, state="running")
        alice.post(removal(admin))
        assert Run.objects.get(pk=run.pk).state == "stopped"
        assert Run.objects.get(pk=elsewhere.pk).state == "running"

    def test_a_batch_of_somebody_who_left_by_another_way_sends_nothing_more(
        self, admin: Membership, batch: Batch
    ) -> None:
        Membership.objects.filter(pk=admin.pk).delete()
        Round(batch).work_off()
        found = Batch.objects.get()
        assert (found.state, found.reason) == ("stopped", "Who started it is no member any more.")
        assert Run.objects.get().state == "stopped"

"""What a first run makes, and the commands that make people, keys and links."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portkey_logs.accounts import api_key_cache, bootstrap
from portkey_logs.accounts.models import ApiKey, Membership, Organisation, User, Workspace
from tests.factories import People


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


class TestFirstRun:
    def test_makes_what_the_product_needs(self, db: None, client: Client) -> None:
        first = bootstrap.first_run()
        organisation = Organisation.objects.get()
        assert organisation.slug == "default"
        assert set(organisation.workspaces.values_list("slug", flat=True)) == {"default", "demo"}
        assert first.owner.email == "owner@localhost"
        assert Membership.objects.get().role == "owner"
        assert first.demo_api_key is not None
        grant = api_key_cache.find(first.demo_api_key)
        assert grant is not None
        assert grant.workspace_slug == "demo"
        assert client.post(bootstrap.sign_in_path(first.owner)).status_code == 302
        assert client.get("/w/demo/keys/").status_code == 200

    def test_a_second_run_keeps_everything(self, db: None) -> None:
        first = bootstrap.first_run()
        second = bootstrap.first_run()
        assert second.owner == first.owner
        assert second.demo_api_key is None
        counts = [model.objects.count() for model in (Organisation, Workspace, User, Membership, ApiKey)]
        assert counts == [1, 2, 1, 1, 1]

    def test_an_owner_made_by_hand_is_the_owner(self, db: None) -> None:
        run("create_user", "me@example.org", "--password", "p", "--org", "default", "--role", "owner")
        first = bootstrap.first_run()
        assert first.owner.email == "me@example.org"
        assert User.objects.count() == 1

    def test_renewing_the_demo_key_revokes_the_old_one(self, db: None) -> None:
        old = bootstrap.first_run().demo_api_key
        new = bootstrap.renew_demo_key()
        api_key_cache.keyring.refresh()
        assert old is not None
        assert api_key_cache.find(old) is None
        assert api_key_cache.find(new) is not None

    def test_a_key_somebody_called_demo_is_left_alone(self, db: None) -> None:
        first = bootstrap.first_run()
        own, _ = ApiKey.issue(Workspace.objects.get(slug="demo"), "demo", created_by=first.owner)
        bootstrap.renew_demo_key()
        own.refresh_from_db()
        assert own.is_active


class TestCreateUser:
    def test_makes_person_organisation_and_workspace(self, db: None, client: Client) -> None:
        run("create_user", "Zoe@Example.org", "--password", "secret", "--org", "zoo", "--role", "admin")
        zoe = User.objects.get()
        assert zoe.email == "zoe@example.org"
        assert zoe.check_password("secret")
        assert Membership.objects.get().role == "admin"
        assert Workspace.objects.get().slug == "zoo"

    def test_again_updates_password_and_role(self, people: People) -> None:
        for _ in range(2):
            run("create_user", "bob@example.org", "--password", "changed", "--org", "acme", "--role", "owner")
        bob = User.objects.get(email="bob@example.org")
        assert bob.check_password("changed")
        assert Membership.objects.get(user=bob).role == "owner"
        assert Workspace.objects.filter(organisation=people.acme).count() == 1

    def test_without_a_password_the_old_one_stays(self, people: People) -> None:
        run("create_user", "bob@example.org", "--org", "acme", "--role", "admin")
        assert User.objects.get(email="bob@example.org").password == people.bob.password

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nonsense", "--org", "acme"], "nonsense: Enter a valid email address."),
            (["a@example.org", "--org", "two words"], "two words: Enter a valid"),
            (["a@example.org", "--org", "taken"], "another organisation has a workspace called taken"),
        ],
    )
    def test_mistakes_are_one_line_and_change_nothing(self, people: People, arguments: list[str], message: str) -> None:
        Workspace.objects.create(name="Taken", slug="taken", organisation=people.acme)
        with pytest.raises(CommandError) as error:
            run("create_user", *arguments)
        assert str(error.value).startswith(message)
        assert "\n" not in str(error.value)
        assert User.objects.count() == 3
        assert Organisation.objects.count() == 2


class TestCreateApiKey:
    def test_prints_the_key_alone(self, people: People) -> None:
        text = run("create_api_key", "--workspace", "acme", "--name", "ci")
        assert text == text.strip() + "\n"
        grant = api_key_cache.find(text.strip())
        assert grant is not None
        assert (grant.workspace_slug, grant.scopes) == ("acme", ("logs.write",))

    def test_with_one_scope(self, people: People) -> None:
        text = run("create_api_key", "--workspace", "acme", "--name", "ci", "--scope", "logs.view")
        grant = api_key_cache.find(text.strip())
        assert grant is not None
        assert grant.scopes == ("logs.view",)

    @pytest.mark.parametrize(
        ("workspace", "name", "message"),
        [("nothing", "ci", "there is no workspace nothing"), ("acme", "", "the name needs 1 to 100 characters")],
    )
    def test_mistakes(self, people: People, workspace: str, name: str, message: str) -> None:
        with pytest.raises(CommandError, match=message):
            run("create_api_key", "--workspace", workspace, "--name", name)
        assert not ApiKey.objects.exists()


class TestSignInLink:
    def test_prints_a_link_that_works(self, people: People, client: Client) -> None:
        link = run("sign_in_link", "Bob@example.org", "--base-url", "https://logs.example.org/").strip()
        assert link.startswith("https://logs.example.org/accounts/link/")
        assert client.post(link.removeprefix("https://logs.example.org")).status_code == 302

    def test_nobody_of_that_address(self, db: None) -> None:
        with pytest.raises(CommandError, match="there is no active person"):
            run("sign_in_link", "x@example.org")

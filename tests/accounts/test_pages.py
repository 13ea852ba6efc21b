"""Every settings page and form target: who gets in, and what the others hear."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portkey_logs.accounts.models import ApiKey, Invitation, Membership, Workspace
from tests.accounts.conftest import SignIn
from tests.factories import People, make_key, make_user

PAGES = ["keys", "members", "settings"]
FORM_PAGES = ["keys/{key}/revoke/", "members/{member}/"]


@dataclass
class Case:
    """A change: its URL below /w/<workspace>/, what is sent, whether it happened."""

    path: str
    data: dict[str, object] = field(default_factory=dict)
    status: int = 302


def make_cases(people: People) -> dict[str, Case]:
    dave = make_user("dave@example.org", people.acme, "member")
    membership = Membership.objects.get(user=dave)
    key, _ = make_key(people.workspace)
    invitation, _ = Invitation.issue(people.acme, people.alice, "member")
    return {
        "create key": Case("keys/", {"name": "ci", "scopes": ["logs.view"]}, 200),
        "revoke key": Case(f"keys/{key.pk}/revoke/"),
        "invite": Case("members/", {"role": "member"}, 200),
        "change role": Case(f"members/{membership.pk}/role/", {"role": "admin"}),
        "remove member": Case(f"members/{membership.pk}/remove/"),
        "revoke invitation": Case(f"invitations/{invitation.pk}/revoke/"),
        "rename": Case("settings/", {"name": "Acme Ltd"}),
        "what is logged": Case("settings/logging/", {"metrics_only": "on"}),
        "create workspace": Case("settings/workspaces/", {"name": "Two", "slug": "two"}),
    }


CHANGES = [
    "create key",
    "revoke key",
    "invite",
    "change role",
    "remove member",
    "revoke invitation",
    "rename",
    "what is logged",
    "create workspace",
]


def state() -> list[object]:
    """All that the changes could change."""
    return [
        list(ApiKey.objects.order_by("pk").values()),
        list(Invitation.objects.order_by("pk").values()),
        list(Membership.objects.order_by("pk").values()),
        list(Workspace.objects.order_by("pk").values()),
        list(Workspace.objects.order_by("pk").values("organisation__name")),
    ]


@pytest.mark.parametrize("page", PAGES)
class TestPages:
    def test_members_see_it(self, people: People, browser_of: SignIn, page: str) -> None:
        for person in (people.alice, people.bob):
            response = browser_of(person).get(f"/w/acme/{page}/")
            assert response.status_code == 200
            assert "<h1>" in response.text

    def test_only_managers_see_forms(self, people: People, browser_of: SignIn, page: str) -> None:
        def forms(client: Client) -> int:
            main = client.get(f"/w/acme/{page}/").text.split('id="main"')[1].split("</main>")[0]
            return main.count("<form")

        assert forms(browser_of(people.alice)) > 0
        assert forms(browser_of(people.bob)) == 0

    def test_strangers_get_404(self, people: People, browser_of: SignIn, page: str) -> None:
        assert browser_of(people.charlie).get(f"/w/acme/{page}/").status_code == 404

    def test_unknown_workspaces_get_404(self, people: People, browser_of: SignIn, page: str) -> None:
        assert browser_of(people.alice).get(f"/w/nothing/{page}/").status_code == 404

    def test_signed_out_people_sign_in_and_come_back(self, people: People, client: Client, page: str) -> None:
        response = client.get(f"/w/acme/{page}/")
        assert (response.status_code, response.url) == (302, f"/accounts/login/?next=/w/acme/{page}/")


@pytest.mark.parametrize("path", FORM_PAGES)
class TestPagesForManagers:
    @pytest.fixture(autouse=True)
    def _fill_in(self, people: People, path: str) -> None:
        key, _ = make_key(people.workspace, name="for staging")
        member = Membership.objects.get(user=people.bob)
        self.url = "/w/acme/" + path.format(key=key.pk, member=member.pk)

    def test_an_owner_sees_it(self, people: People, browser_of: SignIn, path: str) -> None:
        text = browser_of(people.alice).get(self.url).text
        assert "for staging" in text or "bob@example.org" in text

    def test_a_member_does_not(self, people: People, browser_of: SignIn, path: str) -> None:
        assert browser_of(people.bob).get(self.url).status_code == 403

    def test_strangers_get_404(self, people: People, browser_of: SignIn, path: str) -> None:
        stranger = browser_of(people.charlie)
        assert stranger.get(self.url).status_code == 404
        assert stranger.get(self.url.replace("acme", "elsewhere")).status_code == 404

    def test_unknown_ids_get_404(self, people: People, browser_of: SignIn, path: str) -> None:
        assert browser_of(people.alice).get("/w/acme/" + path.format(key=0, member=0)).status_code == 404

    def test_signed_out_people_sign_in_and_come_back(self, people: People, client: Client, path: str) -> None:
        assert client.get(self.url).url == f"/accounts/login/?next={self.url}"


@pytest.mark.parametrize("name", CHANGES)
class TestChanges:
    def test_an_owner_may(self, people: People, browser_of: SignIn, name: str) -> None:
        case = make_cases(people)[name]
        before = state()
        assert browser_of(people.alice).post(f"/w/acme/{case.path}", case.data).status_code == case.status
        assert state() != before

    def test_a_member_may_not(self, people: People, browser_of: SignIn, name: str) -> None:
        case = make_cases(people)[name]
        before = state()
        assert browser_of(people.bob).post(f"/w/acme/{case.path}", case.data).status_code == 403
        assert state() == before

    def test_for_a_stranger_it_does_not_exist(self, people: People, browser_of: SignIn, name: str) -> None:
        case = make_cases(people)[name]
        before = state()
        assert browser_of(people.charlie).post(f"/w/acme/{case.path}", case.data).status_code == 404
        assert state() == before

    def test_signed_out_people_are_asked_to_sign_in(self, people: People, client: Client, name: str) -> None:
        case = make_cases(people)[name]
        before = state()
        response = client.post(f"/w/acme/{case.path}", case.data)
        assert response.status_code == 302
        assert response.url.startswith("/accounts/login/?next=/w/acme/")
        assert state() == before

    def test_without_a_csrf_token_nothing_happens(self, people: People, name: str) -> None:
        case = make_cases(people)[name]
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(people.alice)
        before = state()
        assert browser.post(f"/w/acme/{case.path}", case.data).status_code == 403
        assert state() == before

    def test_a_get_changes_nothing(self, people: People, browser_of: SignIn, name: str) -> None:
        case = make_cases(people)[name]
        before = state()
        response = browser_of(people.alice).get(f"/w/acme/{case.path}", follow=True)
        assert response.status_code == 200
        assert state() == before


@pytest.mark.parametrize("name", ["revoke key", "change role", "remove member", "revoke invitation"])
def test_a_stranger_reaches_nothing_through_their_own_workspace(people: People, browser_of: SignIn, name: str) -> None:
    case = make_cases(people)[name]
    before = state()
    assert browser_of(people.charlie).post(f"/w/elsewhere/{case.path}", case.data).status_code == 404
    assert state() == before


@pytest.mark.parametrize("page", PAGES)
def test_pages_cost_the_same_queries_however_long_they_are(
    people: People, browser_of: SignIn, page: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        make_key(people.workspace, created_by=people.alice)
        make_user(f"person{number}@example.org", people.acme, "member")
        Invitation.issue(people.acme, people.bob, "member")
        Workspace.objects.create(name=f"W{number}", slug=f"w{number}", organisation=people.acme)
    browser = browser_of(people.alice)
    with django_assert_max_num_queries(8):
        assert browser.get(f"/w/acme/{page}/").status_code == 200


class TestKeys:
    def test_a_new_key_is_shown_once_and_only_its_hash_is_kept(self, people: People, browser_of: SignIn) -> None:
        browser = browser_of(people.alice)
        response = browser.post("/w/acme/keys/", {"name": "ci", "scopes": ["logs.write"]})
        text = response.context["new_key"]
        assert f'data-copy="{text}"' in response.text
        assert "no-store" in response["Cache-Control"]
        key = ApiKey.objects.get()
        assert text not in str(ApiKey.objects.values())
        assert (key.name, key.scopes, key.created_by, key.expires_at) == ("ci", ["logs.write"], people.alice, None)
        assert text not in browser.get("/w/acme/keys/").text

    def test_the_last_day_is_included(self, people: People, browser_of: SignIn) -> None:
        today = timezone.now().date().isoformat()
        browser_of(people.alice).post("/w/acme/keys/", {"name": "ci", "scopes": ["logs.view"], "last_day": today})
        key = ApiKey.objects.get()
        assert key.is_active
        assert str(key.last_day) == today

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ({"scopes": ["logs.view"]}, "This field is required."),
            ({"name": "ci"}, "This field is required."),
            ({"name": "ci", "scopes": ["everything"]}, "everything is not one of the available choices"),
            ({"name": "ci", "scopes": ["logs.view"], "last_day": "2001-01-01"}, "This day is over."),
            ({"name": "ci", "scopes": ["logs.view"], "last_day": "soon"}, "Enter a valid date."),
        ],
    )
    def test_mistakes_are_named(
        self, people: People, browser_of: SignIn, data: dict[str, object], message: str
    ) -> None:
        response = browser_of(people.alice).post("/w/acme/keys/", data)
        assert response.status_code == 422
        assert message in response.text
        assert not ApiKey.objects.exists()

    def test_revoking_twice_keeps_the_first_time(self, people: People, browser_of: SignIn) -> None:
        key, _ = make_key(people.workspace)
        browser = browser_of(people.alice)
        browser.post(f"/w/acme/keys/{key.pk}/revoke/")
        key.refresh_from_db()
        first = key.revoked_at
        browser.post(f"/w/acme/keys/{key.pk}/revoke/")
        key.refresh_from_db()
        assert first is not None
        assert key.revoked_at == first

    def test_a_key_of_another_workspace_of_the_organisation_is_not_found(
        self, people: People, browser_of: SignIn
    ) -> None:
        second = Workspace.objects.create(name="Second", slug="second", organisation=people.acme)
        key, _ = make_key(second)
        assert browser_of(people.alice).post(f"/w/acme/keys/{key.pk}/revoke/").status_code == 404


class TestMembers:
    def role(self, browser: Client, membership: Membership, role: str) -> str:
        browser.post(f"/w/acme/members/{membership.pk}/role/", {"role": role})
        membership.refresh_from_db()
        return membership.role

    def test_the_last_owner_stays(self, people: People, browser_of: SignIn) -> None:
        browser = browser_of(people.alice)
        own = Membership.objects.get(user=people.alice)
        assert self.role(browser, own, "member") == "owner"
        response = browser.post(f"/w/acme/members/{own.pk}/remove/", follow=True)
        assert "An organisation needs an owner." in response.text
        assert Membership.objects.filter(pk=own.pk).exists()

    def test_an_owner_may_go_when_there_is_another(self, people: People, browser_of: SignIn) -> None:
        make_user("second@example.org", people.acme, "owner")
        own = Membership.objects.get(user=people.alice)
        response = browser_of(people.alice).post(f"/w/acme/members/{own.pk}/remove/")
        assert (response.status_code, response.url) == (302, "/")
        assert not Membership.objects.filter(pk=own.pk).exists()

    def test_admins_change_anybody_but_owners(self, people: People, browser_of: SignIn) -> None:
        admin = browser_of(make_user("admin@example.org", people.acme, "admin"))
        owner, member = (Membership.objects.get(user=user) for user in (people.alice, people.bob))
        make_user("second@example.org", people.acme, "owner")
        assert self.role(admin, owner, "member") == "owner"
        admin.post(f"/w/acme/members/{owner.pk}/remove/")
        assert Membership.objects.filter(pk=owner.pk).exists()
        assert self.role(admin, member, "owner") == "member"
        assert self.role(admin, member, "admin") == "admin"

    def test_an_admin_does_not_get_the_forms_for_an_owner(self, people: People, browser_of: SignIn) -> None:
        admin = browser_of(make_user("admin@example.org", people.acme, "admin"))
        owner = Membership.objects.get(user=people.alice)
        assert f"/members/{owner.pk}/" not in admin.get("/w/acme/members/").text
        assert admin.get(f"/w/acme/members/{owner.pk}/").status_code == 403

    def test_an_unknown_role_is_refused(self, people: People, browser_of: SignIn) -> None:
        member = Membership.objects.get(user=people.bob)
        assert self.role(browser_of(people.alice), member, "emperor") == "member"

    def test_an_admin_cannot_invite_an_owner(self, people: People, browser_of: SignIn) -> None:
        admin = browser_of(make_user("admin@example.org", people.acme, "admin"))
        assert admin.post("/w/acme/members/", {"role": "owner"}).status_code == 422
        assert not Invitation.objects.exists()

    def test_who_is_removed_loses_access_and_their_invitations(self, people: People, browser_of: SignIn) -> None:
        admin = make_user("admin@example.org", people.acme, "admin")
        invitation, _ = Invitation.issue(people.acme, admin, "admin")
        browser = browser_of(admin)
        assert browser.get("/w/acme/members/").status_code == 200
        membership = Membership.objects.get(user=admin)
        browser_of(people.alice).post(f"/w/acme/members/{membership.pk}/remove/")
        assert browser.get("/w/acme/members/").status_code == 404
        invitation.refresh_from_db()
        assert not invitation.is_open

    def test_who_is_demoted_keeps_no_invitation_to_the_old_role(self, people: People, browser_of: SignIn) -> None:
        second = make_user("second@example.org", people.acme, "owner")
        invitations = {role: Invitation.issue(people.acme, second, role)[0] for role in ("owner", "admin", "member")}
        others, _ = Invitation.issue(people.acme, people.alice, "owner")
        membership = Membership.objects.get(user=second)
        for role, still in (("admin", ["admin", "member"]), ("member", [])):
            assert self.role(browser_of(people.alice), membership, role) == role
            for invitation in invitations.values():
                invitation.refresh_from_db()
            assert [role for role, invitation in invitations.items() if invitation.is_open] == still
        others.refresh_from_db()
        assert others.is_open

    def test_members_do_not_see_invitations(self, people: People, browser_of: SignIn) -> None:
        Invitation.issue(people.acme, people.alice, "member", note="for Zoe")
        assert "for Zoe" in browser_of(people.alice).get("/w/acme/members/").text
        assert "for Zoe" not in browser_of(people.bob).get("/w/acme/members/").text


class TestSettings:
    @pytest.mark.parametrize(
        ("slug", "message"),
        [
            ("elsewhere", "This slug is taken."),
            ("Two", "small letters"),
            ("t_wo", "small letters"),
            ("two words", "Enter a valid"),
            ("", "This field is required."),
        ],
    )
    def test_mistakes_are_named(self, people: People, browser_of: SignIn, slug: str, message: str) -> None:
        response = browser_of(people.alice).post("/w/acme/settings/workspaces/", {"name": "Two", "slug": slug})
        assert response.status_code == 422
        assert message in response.text

    def test_an_empty_name_is_not_shown_as_the_name(self, people: People, browser_of: SignIn) -> None:
        response = browser_of(people.alice).post("/w/acme/settings/", {"name": " "})
        assert response.status_code == 422
        people.acme.refresh_from_db()
        assert people.acme.name == "Acme"

    def test_the_new_workspace_belongs_to_the_organisation(self, people: People, browser_of: SignIn) -> None:
        response = browser_of(people.alice).post("/w/acme/settings/workspaces/", {"name": "Two", "slug": "two"})
        assert response.url == "/w/two/keys/"
        assert Workspace.objects.get(slug="two").organisation == people.acme

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from portkey_logs.accounts.access import managed_workspace_for, membership_of, workspace_for
from portkey_logs.accounts.models import Membership, Workspace
from tests.factories import People, make_user


def test_members_see_every_workspace_of_their_organisation(people: People) -> None:
    second = Workspace.objects.create(name="Second", slug="second", organisation=people.acme)
    for person in (people.alice, people.bob):
        assert workspace_for(person, "acme") == people.workspace
        assert workspace_for(person, "second") == second


@pytest.mark.parametrize("slug", ["acme", "unknown"])
def test_strangers_and_unknown_slugs_get_the_same_answer(people: People, slug: str) -> None:
    for person in (people.charlie, AnonymousUser()):
        with pytest.raises(Http404):
            workspace_for(person, slug)
        with pytest.raises(Http404):
            managed_workspace_for(person, slug)


def test_only_owners_and_admins_manage(people: People) -> None:
    admin = make_user("admin@example.org", people.acme, Membership.Role.ADMIN)
    assert managed_workspace_for(people.alice, "acme") == people.workspace
    assert managed_workspace_for(admin, "acme") == people.workspace
    with pytest.raises(PermissionDenied):
        managed_workspace_for(people.bob, "acme")


def test_the_organisation_comes_with_the_workspace(people: People, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert workspace_for(people.bob, "acme").organisation.name == "Acme"


def test_membership(people: People) -> None:
    membership = membership_of(people.bob, people.acme)
    assert membership is not None
    assert not membership.can_manage
    assert membership_of(people.charlie, people.acme) is None
    assert membership_of(AnonymousUser(), people.acme) is None

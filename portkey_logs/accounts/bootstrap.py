"""What a new installation starts with. Everything here may run again and again."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models, transaction
from django.urls import reverse

from portkey_logs.accounts.models import Actor, ApiKey, Membership, Organisation, SignInLink, User, Workspace

OWNER_EMAIL = "owner@localhost"
DEMO_KEY_NAME = "demo"
# The demo's key lies on this machine and shows all that there is to try; the workspace holds nobody's data.
DEMO_KEY_SCOPES = ("logs.write", "logs.view", "logs.export", "analytics.view")


@dataclass(frozen=True)
class FirstRun:
    """The owner, and the demo's key, only when just made."""

    owner: User
    demo_api_key: str | None


@transaction.atomic
def first_run() -> FirstRun:
    """Makes what is missing: organisation ``default``, workspaces ``default`` and ``demo``, owner, demo key."""
    organisation, _ = Organisation.objects.get_or_create(slug="default", defaults={"name": "Default"})
    for slug, name in (("default", "Default"), ("demo", "Demo")):
        Workspace.objects.get_or_create(slug=slug, defaults={"name": name, "organisation": organisation})
    owner = _owner_of(organisation)
    demo_key_known = _demo_keys().exists()
    return FirstRun(
        owner=owner,
        demo_api_key=None if demo_key_known else renew_demo_key(),
    )


def sign_in_path(user: User) -> str:
    """The path of a fresh one-time sign-in link."""
    return reverse("sign_in_link", args=[SignInLink.issue(user)])


@transaction.atomic
def renew_demo_key() -> str:
    """Revokes the demo's key and returns the text of a new one."""
    for key in _demo_keys():
        key.revoke(Actor())
    return ApiKey.issue(Workspace.objects.get(slug="demo"), DEMO_KEY_NAME, scopes=DEMO_KEY_SCOPES)[1]


def _demo_keys() -> models.QuerySet[ApiKey]:
    return ApiKey.objects.active().filter(workspace__slug="demo", name=DEMO_KEY_NAME, created_by=None)


def _owner_of(organisation: Organisation) -> User:
    """The first owner. A new installation gets one without a password, who signs in by link."""
    membership = (
        organisation.memberships.filter(role=Membership.Role.OWNER, user__is_active=True)
        .select_related("user")
        .order_by("created_at", "id")
        .first()
    )
    if membership is not None:
        return membership.user
    owner = User.objects.filter(email=OWNER_EMAIL).first() or User.objects.create_user(OWNER_EMAIL, name="Owner")
    Membership.objects.update_or_create(user=owner, organisation=organisation, defaults={"role": Membership.Role.OWNER})
    return owner


def ensure_member(user: User, organisation_slug: str, role: str) -> Membership:
    """Makes the person a member with that role; the organisation and a workspace of its slug where missing.

    Raises ValueError when another organisation has a workspace of that slug.
    """
    organisation, made = Organisation.objects.get_or_create(
        slug=organisation_slug, defaults={"name": _name_of(organisation_slug)}
    )
    if made or not organisation.workspaces.exists():
        workspace, made = Workspace.objects.get_or_create(
            slug=organisation_slug,
            defaults={"name": organisation.name, "organisation": organisation},
        )
        if not made and workspace.organisation_id != organisation.pk:
            raise ValueError(f"another organisation has a workspace called {organisation_slug}")
    membership, is_new = Membership.objects.get_or_create(user=user, organisation=organisation, defaults={"role": role})
    if not is_new and membership.role != role:
        membership.role = role
        membership.save(update_fields=["role"])
        membership.record(Actor(), "member.change")
    elif is_new:
        membership.record(Actor(), "member.add")
    return membership


def _name_of(slug: str) -> str:
    return slug.replace("-", " ").replace("_", " ").capitalize()

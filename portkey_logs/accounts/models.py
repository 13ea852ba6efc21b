"""People, organisations and keys: who may see and write which logs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone

from portkey_logs.accounts import links, permissions
from portkey_logs.accounts.api_keys import ApiKey, ApiKeyQuerySet
from portkey_logs.accounts.audit import Actor, AuditEvent
from portkey_logs.accounts.host_policy import HostPolicyMode
from portkey_logs.accounts.links import Invitation, InvitationQuerySet, Role, SignInLink
from portkey_logs.accounts.permissions import CATALOG_HINT, CATALOG_LABEL, Right, Standing
from portkey_logs.accounts.sessions import UserSession  # noqa: F401 - a model of this app

__all__ = [
    "Actor",
    "ApiKey",
    "AuditEvent",
    "Invitation",
    "Membership",
    "Organisation",
    "Refused",
    "Role",
    "SignInLink",
    "User",
    "Workspace",
]


class Refused(Exception):
    """A rule about members forbids what somebody asked for. The text is for them to read."""


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """A user with a normalised e-mail; without a password they sign in by link only."""
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db, force_insert=True)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The e-mail address is the login name."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.name or self.email

    def note_password_change(self, by: Actor) -> None:
        """Withdraw the links that would begin a session without the new password."""
        SignInLink.withdraw(self)
        AuditEvent.record(None, by, "password.change", self.email)


class Organisation(models.Model):
    """The tenant: its members see all its workspaces, nobody else sees any."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Outside hosts that configs, virtual keys and calls may name: see ``catalog.hosts.HostPolicy``.
    host_policy = models.CharField(
        max_length=10, choices=[(mode.value, mode.label) for mode in HostPolicyMode], default=HostPolicyMode.ANY.value
    )
    allowed_hosts = ArrayField(models.CharField(max_length=253), default=list, blank=True)

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def rename(self, name: str, by: Actor) -> None:
        self.name = name
        self.save(update_fields=["name"])
        AuditEvent.record(self, by, "organisation.rename", self.slug, name)


class Membership(models.Model):
    Role = Role

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    may_manage_catalog = models.BooleanField(CATALOG_LABEL, default=False, help_text=CATALOG_HINT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organisation"], name="one_membership_per_organisation")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation}"

    @property
    def standing(self) -> Standing:
        """What the rules of ``permissions`` look at."""
        return Standing(self.role, self.may_manage_catalog)

    def has_right(self, right: Right) -> bool:
        return permissions.allows(self.standing, right)

    @property
    def can_manage(self) -> bool:
        """May invite people and make or revoke keys."""
        return self.has_right(Right.MANAGE_ORGANISATION)

    @property
    def can_save(self) -> bool:
        """May save what production calls, by role or by the right of their own."""
        return self.has_right(Right.MANAGE_CATALOG)

    @property
    def grantable_roles(self) -> list[links.Role]:
        """The roles this person may give to others: nobody gives more than they have."""
        if self.role == self.Role.OWNER:
            return list(self.Role)
        return [self.Role.ADMIN, self.Role.MEMBER] if self.can_manage else []

    def may_change(self, other: Membership) -> bool:
        """Whether this person may change the role of the other, or remove them."""
        return other.organisation_id == self.organisation_id and other.role in self.grantable_roles

    @transaction.atomic
    def give_role(self, other: Membership, role: str, *, may_manage_catalog: bool) -> None:
        """Change another member's role and right; withdraw the invitations they could not make any more.

        Raises Refused.
        """
        self._check(other, keeps_owner=role == self.Role.OWNER)
        if role not in self.grantable_roles:
            raise Refused(f"Only an owner can make somebody {self.Role(role).label.lower()}.")
        other.role, other.may_manage_catalog = role, may_manage_catalog
        other.save(update_fields=["role", "may_manage_catalog"])
        self._withdraw_invitations(other, keep=other.grantable_roles)
        other.record(Actor(self.user), "member.change")

    @transaction.atomic
    def remove(self, other: Membership) -> None:
        """Ends the other's membership, withdraws the invitations they made, and revokes their API keys.

        What is to go on was transferred before. Raises Refused.
        """
        self.check_removal(other)
        self._withdraw_invitations(other, keep=[])
        for key in other.api_keys.active():
            key.revoke(Actor(self.user))
        AuditEvent.record(self.organisation, Actor(self.user), "member.remove", other.user.email)
        other.delete()

    def check_removal(self, other: Membership) -> None:
        """Raises Refused where this person may not remove the other; no second removal comes between, in a
        transaction."""
        self._check(other, keeps_owner=False)

    @property
    def api_keys(self) -> ApiKeyQuerySet:
        """The keys that are theirs in this organisation."""
        return ApiKey.objects.filter(owner=self.user_id, workspace__organisation=self.organisation_id)

    @property
    def open_invitations(self) -> InvitationQuerySet:
        """Those of this organisation that they made and nobody has used."""
        return Invitation.objects.filter(organisation=self.organisation_id, created_by=self.user_id).open()

    def record(self, by: Actor, action: str) -> None:
        """Note down what this membership is from now on."""
        right = ", may change what production calls" if self.may_manage_catalog else ""
        AuditEvent.record(self.organisation, by, action, self.user.email, f"{self.role}{right}")

    def _withdraw_invitations(self, other: Membership, keep: list[links.Role]) -> None:
        for invitation in other.open_invitations.exclude(role__in=keep):
            invitation.revoke(Actor(self.user))

    def _check(self, other: Membership, *, keeps_owner: bool) -> None:
        if not self.may_change(other):
            raise Refused("Only an owner can change or remove an owner.")
        # Two owners who remove each other at the same moment must not both succeed.
        Organisation.objects.select_for_update().get(pk=self.organisation_id)
        owners = Membership.objects.filter(organisation=self.organisation_id, role=self.Role.OWNER)
        if not keeps_owner and not owners.exclude(pk=other.pk).exists():
            raise Refused("An organisation needs an owner. Make somebody else an owner first.")


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def for_user(self, user: User) -> WorkspaceQuerySet:
        """The workspaces of every organisation the person belongs to."""
        return self.filter(organisation__memberships__user=user)


class Workspace(models.Model):
    """A set of logs with its own keys. The slug is unique in the installation: URLs and the API name it."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="workspaces")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    metrics_only = models.BooleanField(
        "Metrics only", default=False, help_text="Keep numbers, states and names, but no request or response bodies."
    )
    ask_for_usage = models.BooleanField(
        "Ask for token counts",
        default=False,
        help_text="Captured chat streams ask the provider for its token counts; callers who did not ask see none.",
    )

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def change_logging(self, by: Actor) -> None:
        """Save what is logged from now on, as the instance has it."""
        self.save(update_fields=["metrics_only", "ask_for_usage"])
        words = f"metrics only: {self.metrics_only}, ask for token counts: {self.ask_for_usage}"
        AuditEvent.record(self, by, "workspace.change_logging", self.slug, words)

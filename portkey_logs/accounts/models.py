"""People, organisations and keys: who may see and write which logs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone

from portkey_logs.accounts.tokens import API_KEY_PREFIX, hash_token


class Refused(Exception):
    """A rule about members forbids what somebody asked for. The text is for them to read."""


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """A user with a normalised e-mail; without a password they sign in by link only."""
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
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


class Organisation(models.Model):
    """The tenant: its members see all its workspaces, nobody else sees any."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        MEMBER = "member", "Member"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organisation"], name="one_membership_per_organisation")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation}"

    @property
    def can_manage(self) -> bool:
        """May invite people and make or revoke keys."""
        return self.role in (self.Role.OWNER, self.Role.ADMIN)

    @property
    def grantable_roles(self) -> list[Membership.Role]:
        """The roles this person may give to others: nobody gives more than they have."""
        if self.role == self.Role.OWNER:
            return list(self.Role)
        return [self.Role.ADMIN, self.Role.MEMBER] if self.can_manage else []

    def may_change(self, other: Membership) -> bool:
        """Whether this person may change the role of the other, or remove them."""
        return other.organisation_id == self.organisation_id and other.role in self.grantable_roles

    @transaction.atomic
    def give_role(self, other: Membership, role: str) -> None:
        """Change another member's role; withdraw the invitations they could not make any more. Raises Refused."""
        self._check(other, keeps_owner=role == self.Role.OWNER)
        if role not in self.grantable_roles:
            raise Refused(f"Only an owner can make somebody {self.Role(role).label.lower()}.")
        other.role = role
        other.save(update_fields=["role"])
        self._withdraw_invitations(other, keep=other.grantable_roles)

    @transaction.atomic
    def remove(self, other: Membership) -> None:
        """Ends the other's membership and withdraws the invitations they made. Raises Refused."""
        self._check(other, keeps_owner=False)
        self._withdraw_invitations(other, keep=[])
        other.delete()

    def _withdraw_invitations(self, other: Membership, keep: list[Membership.Role]) -> None:
        invitations = self.organisation.invitations.filter(created_by=other.user_id, accepted_at=None, revoked_at=None)
        invitations.exclude(role__in=keep).update(revoked_at=timezone.now())

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


class Invitation(models.Model):
    """A link that lets one person join an organisation. Only its hash is kept."""

    LIFETIME = timedelta(days=7)  # long enough for a holiday, short enough for a leaked mail

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=10, choices=Membership.Role, default=Membership.Role.MEMBER)
    note = models.CharField(max_length=100, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.organisation}"

    @classmethod
    def issue(
        cls, organisation: Organisation, created_by: User | None, role: str, note: str = ""
    ) -> tuple[Invitation, str]:
        """A new invitation and its token, which is shown once."""
        token = secrets.token_urlsafe(32)
        invitation = cls.objects.create(
            organisation=organisation,
            created_by=created_by,
            role=role,
            note=note,
            token_hash=hash_token(token),
            expires_at=timezone.now() + cls.LIFETIME,
        )
        return invitation, token

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > timezone.now()

    @transaction.atomic
    def accept(self, user: User) -> bool:
        """Makes the person a member and uses the invitation up; False when it was not open any more."""
        now = timezone.now()
        used = Invitation.objects.filter(pk=self.pk, accepted_at=None, revoked_at=None, expires_at__gt=now).update(
            accepted_at=now, accepted_by=user
        )
        if used:
            Membership.objects.get_or_create(user=user, organisation=self.organisation, defaults={"role": self.role})
        return used == 1


class SignInLink(models.Model):
    """A one-time link for a person without a password; a POST uses it up, a GET (a mail scanner) does not."""

    LIFETIME = timedelta(minutes=30)

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Sign-in link of {self.user}"

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.expires_at > timezone.now() and self.user.is_active

    def use_up(self) -> bool:
        """Marks the link as used; False when it was not open any more. Of two at once one wins."""
        now = timezone.now()
        # Conditions of the row itself only: across a join PostgreSQL would not check them again after a wait.
        updated = SignInLink.objects.filter(pk=self.pk, used_at=None, expires_at__gt=now).update(used_at=now)
        return updated == 1

    @classmethod
    def issue(cls, user: User) -> str:
        """The token of a fresh link; links of before stay valid until they expire."""
        token = secrets.token_urlsafe(32)
        cls.objects.create(user=user, token_hash=hash_token(token), expires_at=timezone.now() + cls.LIFETIME)
        return token

    @classmethod
    def withdraw(cls, user: User) -> None:
        """Use up all of the person's links."""
        cls.objects.filter(user=user, used_at=None).update(used_at=timezone.now())


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self, now: datetime | None = None) -> ApiKeyQuerySet:
        now = now or timezone.now()
        return self.filter(revoked_at=None).exclude(expires_at__lte=now)


class ApiKey(models.Model):
    """A key of a workspace, for SDKs and gateways. Only its SHA-256 is kept."""

    LOG_SCOPES = ("logs.write", "logs.view", "logs.export")  # what a key has unless somebody says otherwise
    SCOPES = (
        *LOG_SCOPES,
        "analytics.view",
        *(f"configs.{verb}" for verb in ("list", "read", "create", "update", "delete")),
        *(f"prompts.{verb}" for verb in ("list", "read", "create", "update", "delete", "publish")),
        *(f"virtual_keys.{verb}" for verb in ("list", "read", "create", "update", "delete")),
    )

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    key_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=20)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    # The slug of the config of calls that bring none. No constraint: configs are a layer above.
    default_config = models.CharField(max_length=100, blank=True, default="")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def issue(
        cls,
        workspace: Workspace,
        name: str,
        *,
        created_by: User | None = None,
        scopes: tuple[str, ...] = LOG_SCOPES,
        expires_at: datetime | None = None,
        default_config: str = "",
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which is shown once: a prefix and 32 random bytes."""
        text = API_KEY_PREFIX + secrets.token_urlsafe(32)
        key = cls.objects.create(
            workspace=workspace,
            name=name,
            key_hash=hash_token(text),
            hint=f"{text[:7]}…{text[-3:]}",
            scopes=list(scopes),
            created_by=created_by,
            expires_at=expires_at,
            default_config=default_config,
        )
        return key, text

    @property
    def last_day(self) -> date | None:
        """The last day (UTC) on which the key works."""
        return (self.expires_at - timedelta(microseconds=1)).date() if self.expires_at else None

    @property
    def is_active(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


@dataclass(frozen=True)
class Actor:
    """Who does something: a person, or a program with an API key."""

    person: User | None = None
    api_key_id: int | None = None


class AuditEvent(models.Model):
    """Who changed what, and when. Kept for the people who run a workspace; never changes."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    action = models.CharField(max_length=40)  # "virtual_key.rotate_secret"
    subject = models.CharField(max_length=100)  # the slug of what was changed
    detail = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["workspace", "subject", "-created_at"], name="audit_of_subject")]  # its page

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    @classmethod
    def record(cls, workspace: Workspace, by: Actor, action: str, subject: str, detail: str = "") -> None:
        """Note it down, in the transaction of the change."""
        cls.objects.create(
            workspace=workspace,
            person=by.person,
            api_key_id=by.api_key_id,
            action=action,
            subject=subject,
            detail=detail,
        )

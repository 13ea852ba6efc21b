"""API keys: what a program may do in a workspace, for as long as its owner may."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone

from portkey_logs.accounts import permissions
from portkey_logs.accounts.audit import Actor, AuditEvent
from portkey_logs.accounts.permissions import Standing
from portkey_logs.accounts.tokens import API_KEY_PREFIX, hash_token

if TYPE_CHECKING:
    from portkey_logs.accounts.models import User, Workspace


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self, now: datetime | None = None) -> ApiKeyQuerySet:
        now = now or timezone.now()
        return self.filter(revoked_at=None).exclude(expires_at__lte=now)

    def with_standing(self) -> ApiKeyQuerySet:
        """Each with ``owner_role`` and ``owner_right``: what its owner is in its organisation, NULL for nothing."""
        from portkey_logs.accounts.models import Membership

        theirs = Membership.objects.filter(
            user=models.OuterRef("owner"),
            user__is_active=True,
            organisation=models.OuterRef("workspace__organisation"),
        )
        return self.annotate(
            owner_role=models.Subquery(theirs.values("role")),
            owner_right=models.Subquery(theirs.values("may_manage_catalog")),
        )

    def without_orphans(self) -> ApiKeyQuerySet:
        """Without those whose owner is no member any more, of keys ``with_standing``: they are refused."""
        return self.exclude(owner__isnull=False, owner_role=None)  # type: ignore[misc]  # an annotation


class ApiKey(models.Model):
    """A key of a workspace, for SDKs and gateways. Only its SHA-256 is kept."""

    # What a key has unless somebody says otherwise: it lies in an application, and one that leaks reads nothing.
    DEFAULT_SCOPES = ("logs.write",)
    SCOPES = (
        "logs.write",
        "logs.view",
        "logs.export",
        "analytics.view",
        *(f"configs.{verb}" for verb in ("list", "read", "create", "update", "delete")),
        *(f"prompts.{verb}" for verb in ("list", "read", "create", "update", "delete", "publish")),
        *(f"virtual_keys.{verb}" for verb in ("list", "read", "create", "update", "delete")),
    )

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    key_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=20)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    # The slug of the config of calls that bring none. No constraint: configs are a layer above.
    default_config = models.CharField(max_length=100, blank=True, default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # Whose key it is: it never does more than they may (see permissions.scopes_in_force). NULL: the workspace's own,
    # made on the command line. Protected, for a key without its owner would be one that nothing limits.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
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
        scopes: tuple[str, ...] = DEFAULT_SCOPES,
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
            owner=created_by,
            expires_at=expires_at,
            default_config=default_config,
        )
        AuditEvent.record(workspace, Actor(created_by), "api_key.make", name, ", ".join(scopes))
        return key, text

    @transaction.atomic
    def revoke(self, by: Actor) -> None:
        """Refuse the key for good; revoking it twice changes nothing."""
        self.revoked_at = timezone.now()
        if ApiKey.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=self.revoked_at):
            AuditEvent.record(self.workspace, by, "api_key.revoke", self.name)

    @transaction.atomic
    def transfer(self, to: User, by: Actor) -> None:
        """Make it another person's key: from now on it does what they may."""
        self.owner = to
        self.save(update_fields=["owner"])
        AuditEvent.record(self.workspace, by, "api_key.transfer", self.name, f"to {to.email}")

    @property
    def last_day(self) -> date | None:
        """The last day (UTC) on which the key works."""
        return (self.expires_at - timedelta(microseconds=1)).date() if self.expires_at else None

    @property
    def is_active(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    @property
    def scopes_in_force(self) -> tuple[str, ...]:
        """The scopes that it has now, for a key that was read ``with_standing``."""
        return in_force(self.scopes, self.owner_id, self.owner_role, self.owner_right)  # type: ignore[attr-defined]


def in_force(
    scopes: Iterable[str], owner_id: int | None, owner_role: str | None, owner_right: bool | None
) -> tuple[str, ...]:
    """The scopes that are in force, from the columns of a key that was read ``with_standing``."""
    owner = None if owner_id is None else Standing(owner_role or "", bool(owner_right))
    return permissions.scopes_in_force(scopes, owner)

"""Links that let people in: invitations into an organisation, and one-time sign-in links. Only hashes are kept."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from portkey_logs.accounts.audit import Actor, AuditEvent
from portkey_logs.accounts.permissions import CATALOG_HINT, CATALOG_LABEL
from portkey_logs.accounts.tokens import hash_token

if TYPE_CHECKING:
    from portkey_logs.accounts.models import Organisation, User


class Role(models.TextChoices):
    """What a member is in an organisation; ``permissions`` says what each may do."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Those whose links work."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """A link that lets one person join an organisation. Only its hash is kept."""

    LIFETIME = timedelta(days=7)  # long enough for a holiday, short enough for a leaked mail

    organisation = models.ForeignKey("accounts.Organisation", on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    may_manage_catalog = models.BooleanField(CATALOG_LABEL, default=False, help_text=CATALOG_HINT)
    note = models.CharField(max_length=100, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.organisation}"

    @classmethod
    @transaction.atomic
    def issue(
        cls,
        organisation: Organisation,
        created_by: User | None,
        role: str,
        note: str = "",
        *,
        may_manage_catalog: bool = False,
    ) -> tuple[Invitation, str]:
        """A new invitation and its token, which is shown once."""
        token = secrets.token_urlsafe(32)
        invitation = cls.objects.create(
            organisation=organisation,
            created_by=created_by,
            role=role,
            may_manage_catalog=may_manage_catalog,
            note=note,
            token_hash=hash_token(token),
            expires_at=timezone.now() + cls.LIFETIME,
        )
        invitation._record(Actor(created_by), "invitation.make")
        return invitation, token

    @property
    def is_open(self) -> bool:
        is_fresh = self.accepted_at is None and self.revoked_at is None and self.expires_at > timezone.now()
        return is_fresh and self._maker_may_invite

    @property
    def _maker_may_invite(self) -> bool:
        """Whether who made it is still a member who may give the role; true of those made on the command line."""
        if self.created_by_id is None:
            return True
        from portkey_logs.accounts.models import Membership

        maker = Membership.objects.filter(user=self.created_by_id, organisation=self.organisation_id).first()
        return maker is not None and self.role in maker.grantable_roles

    @transaction.atomic
    def accept(self, user: User) -> bool:
        """Makes the person a member and uses the invitation up; False when it was not open any more."""
        now = timezone.now()
        used = self._maker_may_invite and Invitation.objects.filter(pk=self.pk).open().update(
            accepted_at=now, accepted_by=user
        )
        if used:
            from portkey_logs.accounts.models import Membership

            given = {"role": self.role, "may_manage_catalog": self.may_manage_catalog}
            Membership.objects.get_or_create(user=user, organisation=self.organisation, defaults=given)
            self._record(Actor(user), "invitation.accept")
        return used == 1

    @transaction.atomic
    def revoke(self, by: Actor) -> None:
        """Its link no longer works; nothing changes where it was used or revoked before."""
        if Invitation.objects.filter(pk=self.pk).open().update(revoked_at=timezone.now()):
            self._record(by, "invitation.revoke")

    @transaction.atomic
    def transfer(self, to: User, by: Actor) -> None:
        """Make it another person's invitation: from now on it rests on their right to invite."""
        self.created_by = to
        self.save(update_fields=["created_by"])
        self._record(by, "invitation.transfer")

    def _record(self, by: Actor, action: str) -> None:
        right = ", may change what production calls" if self.may_manage_catalog else ""
        AuditEvent.record(self.organisation, by, action, f"invitation {self.pk}", f"{self.role}{right}; {self.note}")


class SignInLink(models.Model):
    """A one-time link for a person without a password; a POST uses it up, a GET (a mail scanner) does not."""

    LIFETIME = timedelta(minutes=30)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
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
        if updated:
            AuditEvent.record(None, Actor(self.user), "sign_in_link.use", self.user.email)
        return updated == 1

    @classmethod
    def issue(cls, user: User) -> str:
        """The token of a fresh link; links of before stay valid until they expire."""
        token = secrets.token_urlsafe(32)
        cls.objects.create(user=user, token_hash=hash_token(token), expires_at=timezone.now() + cls.LIFETIME)
        AuditEvent.record(None, Actor(), "sign_in_link.make", user.email)
        return token

    @classmethod
    def withdraw(cls, user: User) -> None:
        """Use up all of the person's links."""
        cls.objects.filter(user=user, used_at=None).update(used_at=timezone.now())

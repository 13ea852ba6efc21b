"""Audit events: who did what, and when. Kept for the people who run a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone

from portkey_logs.lib.log_lines import escape_controls

if TYPE_CHECKING:
    from portkey_logs.accounts.models import Organisation, User, Workspace

MAX_SUBJECT = 100  # characters: the longest slug
MAX_DETAIL = 200  # characters: what changed, in a line; the thing itself has the rest
MAX_PURGED = 10_000  # events of one round of the worker, some tens of ms


@dataclass(frozen=True)
class Actor:
    """Who does something: a person, or a program with an API key. Neither: the command line."""

    person: User | None = None
    api_key_id: int | None = None


class AuditEvent(models.Model):
    """Who changed what, and when. Never changes; goes after AUDIT_DAYS."""

    # Neither: what belongs to no organisation, such as a sign-in.
    organisation = models.ForeignKey(
        "accounts.Organisation", null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    workspace = models.ForeignKey(
        "accounts.Workspace", null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    action = models.CharField(max_length=40)  # "virtual_key.rotate_secret"
    subject = models.CharField(max_length=MAX_SUBJECT)  # the slug of what was changed, or another name of it
    detail = models.CharField(max_length=MAX_DETAIL, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["workspace", "subject", "-created_at"], name="audit_of_subject"),  # its page
            models.Index(fields=["created_at"], name="audit_created"),  # the worker: those past AUDIT_DAYS
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    @classmethod
    def record(
        cls, of: Workspace | Organisation | None, by: Actor, action: str, subject: str, detail: str = ""
    ) -> None:
        """Note it down, in the transaction of the change. Never give it a secret.

        Subject and detail may be hostile: control characters are escaped, and what is too long is cut.
        """
        workspace = of if of is not None and of._meta.model_name == "workspace" else None
        organisation_id = getattr(of, "organisation_id", of and of.pk)
        cls.objects.create(
            organisation_id=organisation_id,
            workspace_id=workspace and workspace.pk,
            person=by.person,
            api_key_id=by.api_key_id,
            action=action,
            subject=escape_controls(subject[:MAX_SUBJECT])[:MAX_SUBJECT],
            detail=escape_controls(detail[:MAX_DETAIL])[:MAX_DETAIL],
        )


def purge(now: datetime | None = None) -> bool:
    """Delete events older than AUDIT_DAYS, MAX_PURGED at a time; whether there may be more."""
    horizon = (now or timezone.now()) - timedelta(days=settings.AUDIT_DAYS)
    oldest = AuditEvent.objects.filter(created_at__lt=horizon).order_by("created_at").values("pk")[:MAX_PURGED]
    return AuditEvent.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()[0] == MAX_PURGED

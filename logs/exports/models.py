"""Exports: what was asked for, by whom, and how far the worker is."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from portkey_logs.accounts.models import Actor, ApiKey, AuditEvent, Membership, User, Workspace
from portkey_logs.lib import uuid7

KEPT = timedelta(days=7)  # a file holds what logs hold: long enough to fetch it, no archive


def kept_until() -> datetime:
    """When an export that changes now goes: with its file, after KEPT or the retention of logs if that is shorter."""
    return timezone.now() + min(KEPT, timedelta(days=settings.RETENTION_DAYS))


class ExportQuerySet(models.QuerySet["Export"]):
    def in_workspace(self, workspace_id: int) -> ExportQuerySet:
        """Those of a workspace, newest first, with who made them."""
        return self.filter(workspace=workspace_id).select_related("created_by", "api_key").order_by("-id")

    def in_progress(self) -> ExportQuerySet:
        """What the worker has to do, in the order of the starts."""
        return self.filter(status=Export.Status.IN_PROGRESS).select_related("workspace").order_by("started_at")

    def expired(self, now: datetime) -> ExportQuerySet:
        return self.filter(expires_at__lte=now).exclude(status=Export.Status.IN_PROGRESS)


class Export(models.Model):
    """A selection of logs that becomes a file. The worker writes it, newest log first."""

    class Status(models.TextChoices):  # Portkey's words
        DRAFT = "draft", "Draft"
        IN_PROGRESS = "in_progress", "In progress"
        SUCCESS = "success", "Success"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"

    class Format(models.TextChoices):
        JSONL = "jsonl", "JSONL"
        CSV = "csv", "CSV"
        PARQUET = "parquet", "Parquet"

    id = models.UUIDField(primary_key=True, default=uuid7.uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="exports", db_index=False)
    description = models.CharField(max_length=200, blank=True)
    query = models.TextField(blank=True)  # the selection as the log page's address has it, its times absolute
    filters = models.JSONField(default=dict)  # or as a caller of the API gave it
    words = models.TextField(blank=True)  # the selection as people read it
    fields = ArrayField(models.TextField())
    format = models.CharField(max_length=7, choices=Format, default=Format.JSONL)
    status = models.CharField(max_length=11, choices=Status, default=Status.DRAFT)
    error = models.TextField(blank=True)  # why it failed, for people
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    started_at = models.DateTimeField(null=True)  # by the clock of ``received_at``: logs from later are not part of it
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(default=kept_until)

    total = models.BigIntegerField(null=True)  # logs selected; NULL: too many to count quickly
    records = models.BigIntegerField(default=0)  # logs written
    size = models.BigIntegerField(default=0)  # bytes of the file that are safe on the disk
    position = models.UUIDField(null=True)  # the log down to which they hold everything; NULL: begin anew

    objects = ExportQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-id"], name="export_workspace"),  # the page and the API's list
            models.Index(  # the worker's question of every round
                fields=["started_at"], name="export_in_progress", condition=models.Q(status="in_progress")
            ),
        ]

    def __str__(self) -> str:
        return self.description or str(self.id)

    @property
    def path(self) -> Path:
        """The finished file."""
        return directory() / f"{self.id}.{self.format}"

    @property
    def part_path(self) -> Path:
        """The file while it is written."""
        return directory() / f"{self.id}.part"

    @property
    def file_name(self) -> str:
        """What a download is called."""
        return f"logs-{self.workspace.slug}-{self.created_at:%Y%m%d-%H%M%S}.{self.format}"

    @property
    def is_ready(self) -> bool:
        """Whether there is a file to fetch."""
        return self.status == self.Status.SUCCESS and self.expires_at > timezone.now()

    @property
    def percent(self) -> int | None:
        """How far it is, 0 to 100; None where the total is not known."""
        return min(100, self.records * 100 // self.total) if self.total else None

    @property
    def creator(self) -> str:
        """Who made it: a person, or an API key by its name."""
        if self.created_by:
            return self.created_by.display_name
        return self.api_key.name if self.api_key else "somebody who left"

    def note(self, action: str, by: Actor) -> None:
        """Write down who did what with it, and what it holds."""
        detail = f"{', '.join(self.fields)}; {self.words}"
        AuditEvent.record(self.workspace, by, f"export.{action}", str(self.id), detail[:200])

    def may_be_changed_by(self, membership: Membership | None) -> bool:
        """Its maker, and who manages the workspace, may stop, restart and delete it."""
        return membership is not None and (membership.can_manage or membership.user_id == self.created_by_id)

    def start(self) -> bool:
        """Have the worker make the file, anew where there was one; False where it is being made already. Whether a
        workspace may start another is for ``limits.start`` to say."""
        anew = {"records": 0, "size": 0, "position": None, "error": "", "finished_at": None, "started_at": Now()}
        return self._become(self.Status.IN_PROGRESS, unless=[self.Status.IN_PROGRESS], **anew)

    def redraft(self, **values: Any) -> bool:
        """Change what a draft or an ended export holds; it is a draft again. False while it is in progress."""
        return self._become(self.Status.DRAFT, unless=[self.Status.IN_PROGRESS], **values)

    def stop(self) -> bool:
        """Give it up; False where it is finished already."""
        finished = [self.Status.SUCCESS, self.Status.FAILED, self.Status.STOPPED]
        return self._become(self.Status.STOPPED, unless=finished, finished_at=timezone.now())

    def finish(self, status: Status, error: str = "") -> bool:
        """For the worker: success or failure; False where somebody stopped or restarted it meanwhile."""
        return self._keep(status=status, error=error, finished_at=timezone.now(), expires_at=kept_until())

    def checkpoint(self) -> bool:
        """For the worker: keep how far it is; False where somebody stopped or restarted it meanwhile."""
        return self._keep(position=self.position)

    def _keep(self, **values: Any) -> bool:
        mine = Export.objects.filter(pk=self.pk, status=self.Status.IN_PROGRESS, started_at=self.started_at)
        values |= {"records": self.records, "size": self.size, "updated_at": timezone.now()}
        return mine.update(**values) == 1

    def _become(self, status: Status, *, unless: list[Status], **values: Any) -> bool:
        """Change the state in one statement, so that of two at once one wins."""
        values |= {"status": status, "updated_at": timezone.now(), "expires_at": kept_until()}
        changed = Export.objects.filter(pk=self.pk).exclude(status__in=unless).update(**values)
        if changed:
            self.refresh_from_db(fields=values)
        return changed == 1


def directory() -> Path:
    """Where the files are; made (0700) where it is missing."""
    path = Path(settings.DATA_DIR) / "exports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path

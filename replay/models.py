"""Runs: each attempt at a request, from the moment somebody asks for it, alone or in a batch.

The outcome of a run is a log like any other.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec
import zstandard
from django.conf import settings
from django.db import models
from django.utils import timezone

from logs.llm.vocabulary import FROM_CACHE
from logs.models import Log
from portkey_logs.accounts.models import Membership, User, Workspace
from portkey_logs.accounts.permissions import Right
from portkey_logs.catalog.models import PromptVersion
from portkey_logs.lib import uuid7
from replay.querysets import BatchQuerySet, RunQuerySet
from replay.source import Target

MAX_LABEL = 100
MAX_ERROR = 500  # characters; the log has all of it


class Costs(NamedTuple):
    """Cents. ``dearest``: of the dearest run, None before the first; ``unpriced``: answers whose price is not known."""

    spent: Decimal
    dearest: Decimal | None
    unpriced: int


class Batch(models.Model):
    """Logs that are replayed together, in the background."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        STOPPED = "stopped", "Stopped"

    id = models.UUIDField(primary_key=True, default=uuid7.uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    target = models.JSONField(null=True)  # NULL: each log's own
    # Rendered with each log's variables in the place of its request; NULL: as it was. Never deleted but with all else.
    prompt_version = models.ForeignKey(
        PromptVersion, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    model = models.CharField(max_length=200, blank=True)  # in the place of each request's own
    cost_limit = models.DecimalField(max_digits=18, decimal_places=8, null=True)  # cents
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    reason = models.CharField(max_length=200, blank=True)  # why it was stopped

    objects = BatchQuerySet.as_manager()

    class Meta:
        db_table = "run_batch"
        indexes = [
            models.Index(fields=["workspace", "-id"], name="run_batch_list"),
            models.Index(fields=["id"], name="run_batch_running", condition=models.Q(state="running")),  # the worker
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} batch of {self.created_at:%Y-%m-%d %H:%M:%S}"

    @property
    def aim(self) -> Target | None:
        """Who is to answer; None where each log's own target is."""
        return msgspec.convert(self.target, Target) if self.target else None

    def may_be_cancelled_by(self, membership: Membership | None) -> bool:
        """Who started it, and who manages the workspace."""
        return membership is not None and (membership.can_manage or membership.user_id == self.person_id)

    def person_may_run(self) -> bool:
        """Whether who started it, or keeps it since, still may; it runs for minutes, and they may be removed."""
        members = Membership.objects.filter(organisation__workspaces=self.workspace_id)
        membership = members.filter(user__in=Batch.objects.filter(pk=self.pk).values("person")).first()
        return membership is not None and membership.has_right(Right.RUN)

    @property
    def label(self) -> str:
        """What is different from the originals, in words."""
        parts = [self.prompt_version, self.aim and self.aim.label, self.model and f"model {self.model}"]
        return ", ".join(str(part) for part in parts if part) or "as they were"

    def next_run(self) -> Run | None:
        """The next one that waits."""
        return self.runs.filter(state=Run.State.PENDING).select_related("workspace").order_by("id").first()

    def costs(self) -> Costs:
        """What its runs have cost so far."""
        begun = self.runs.exclude(path="").values_list("log_id", flat=True)
        paid = ~models.Q(cache_status__in=FROM_CACHE)
        found = Log.objects.filter(workspace=self.workspace_id, id__in=list(begun)).aggregate(
            spent=models.Sum("cost", filter=paid),
            dearest=models.Max("cost"),  # also of what the cache answered: the next one may miss it
            unpriced=models.Count("id", filter=paid & models.Q(cost=None, is_success=True)),
        )
        return Costs(found["spent"] or Decimal(0), found["dearest"], found["unpriced"])

    def end(self, state: Batch.State = State.DONE, reason: str = "") -> None:
        """It is over, unless it is already; what waits will not be run."""
        ended = Batch.objects.filter(pk=self.pk, state=Batch.State.RUNNING)
        if ended.update(state=state, reason=reason, finished_at=timezone.now()):
            self.state, self.reason = state, reason
        else:
            self.refresh_from_db(fields=["state", "reason"])
        self.runs.filter(state=Run.State.PENDING).update(state=Run.State.STOPPED, finished_at=timezone.now())


class Run(models.Model):
    """One attempt. ``log_id`` is fixed before the call, so that its log is found whatever happens to us meanwhile."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"
        UNKNOWN = "unknown", "Outcome unknown"  # we ended while it was under way; it is not run again
        SKIPPED = "skipped", "Skipped"  # of a batch: it may not be replayed

    class Result(models.TextChoices):
        """The answer against the original's."""

        SAME = "same", "Same"
        CHANGED = "changed", "Changed"

    id = models.UUIDField(primary_key=True, default=uuid7.uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    # No constraints: logs live in partitions that are dropped.
    parent_id = models.UUIDField(null=True)  # the log that it was opened from
    log_id = models.UUIDField(default=uuid7.uuid7)
    group = models.UUIDField(null=True)  # shared by what runs side by side, and n times
    batch = models.ForeignKey(Batch, null=True, on_delete=models.CASCADE, related_name="runs", db_index=False)
    result = models.CharField(max_length=10, choices=Result, blank=True)  # of a batch's run that succeeded
    distance = models.FloatField(null=True)  # of embeddings to the original's: cosine, between 0 and 2
    label = models.CharField(max_length=MAX_LABEL, blank=True)
    path = models.CharField(max_length=40)  # "" until it is begun
    target = models.JSONField(default=dict)
    body = models.BinaryField(null=True)  # the exact octets, zstd; NULL where the workspace keeps no bodies
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    error = models.CharField(max_length=MAX_ERROR, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        db_table = "run"
        indexes = [
            models.Index(fields=["batch", "id"], name="run_of_batch", condition=models.Q(batch__isnull=False)),
            models.Index(fields=["workspace", "log_id"], name="run_log"),  # which of these logs are replays
            models.Index(fields=["workspace", "parent_id"], name="run_parent"),  # what was made of a log
            models.Index(fields=["workspace", "group"], name="run_group", condition=models.Q(group__isnull=False)),
            models.Index(fields=["person", "created_at"], name="run_person"),  # how many somebody ran lately
            models.Index(fields=["created_at"], name="run_created"),  # those past retention
            models.Index(fields=["state"], name="run_open", condition=models.Q(state__in=["pending", "running"])),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} run of {self.created_at:%Y-%m-%d %H:%M:%S}"

    @property
    def octets(self) -> bytes | None:
        """The request's body as it is sent; None where it is not kept."""
        if self.body is None:
            return None
        found: bytes = zstandard.decompress(bytes(self.body))  # zstandard has no types
        return found

    @property
    def aim(self) -> Target:
        """Who is to answer."""
        return msgspec.convert(self.target, Target)

    @property
    def is_over(self) -> bool:
        return self.state not in (self.State.PENDING, self.State.RUNNING)

    def claim(self) -> bool:
        """Take a waiting run, once: False where somebody has it already. What is claimed is never claimed again."""
        claimed = Run.objects.filter(pk=self.pk, state=self.State.PENDING).update(state=self.State.RUNNING)
        if claimed:
            self.state = self.State.RUNNING
        return claimed == 1

    def mark_stopped(self) -> None:
        """Say that a run that is under way is to end; how it ended is kept by whoever carries it out."""
        Run.objects.filter(pk=self.pk, state=self.State.RUNNING).update(state=self.State.STOPPED)

    def finish(self, state: Run.State, error: str = "") -> None:
        """Keep how it ended."""
        self.state, self.error, self.finished_at = state, error.replace("\0", "")[:MAX_ERROR], timezone.now()
        self.save(update_fields=["state", "error", "finished_at"])

    def finish_as(self, log: Log) -> None:
        """Keep how it ended, as its log says it."""
        if log.is_success:
            self.finish(self.State.SUCCEEDED)
        else:
            self.finish(self.State.FAILED, log.error_message or log.error_type or "")


def packed(body: bytes) -> bytes:
    """The octets as they are stored."""
    found: bytes = zstandard.compress(body)
    return found


def drop_expired(now: datetime | None = None) -> int:
    """Runs go when logs go. How many went."""
    horizon = (now or timezone.now()) - timedelta(days=settings.RETENTION_DAYS)
    Batch.objects.filter(created_at__lt=horizon).delete()
    return Run.objects.filter(created_at__lt=horizon).delete()[0]


def settle(now: datetime | None = None, *, silent: timedelta = timedelta(minutes=30)) -> int:
    """Close the runs that a process left open when it died: by their logs, else as unknown. How many there were."""
    left = (now or timezone.now()) - silent
    open_runs = list(Run.objects.open().filter(created_at__lt=left, batch=None))  # a batch closes its own
    for run in open_runs:
        log = Log.objects.filter(workspace=run.workspace_id, id=run.log_id).first()
        if log is not None:
            run.finish_as(log)
        elif run.state == Run.State.RUNNING:
            run.finish(Run.State.UNKNOWN)
        else:
            run.finish(Run.State.STOPPED, "It was never started.")
    return len(open_runs)

"""Ratings. One belongs to a trace id, as in Portkey, and knows the log it was given on once that is there.

``feedback_trace`` has one row of sums per rated trace, kept by the verbs here in the transaction of the rating:
the list reads 50 of them by key, and a range of averages is answered by an index instead of adding up every rating.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import F, Q
from django.db.models.functions import NullIf
from django.utils import timezone

from feedback.querysets import FeedbackQuerySet, FeedbackTraceQuerySet
from logs.models import Log
from portkey_logs.accounts.models import ApiKey, User, Workspace
from portkey_logs.lib import uuid7

# https://portkey.ai/docs: a value from -10 to 10, a weight from 0 to 1.
MIN_VALUE, MAX_VALUE = Decimal(-10), Decimal(10)
DEFAULT_WEIGHT = Decimal(1)
WAITS_AT_MOST = timedelta(days=30)  # for the log of a rating that came first; a spool drains sooner
# What a rating remembers of its log, so that figures by model and user outlive the log and read no log.
FACTS = ("model", "provider", "prompt", "config", "user")


@dataclass(frozen=True)
class Given:
    """What somebody says of a trace."""

    trace_id: str
    value: Decimal
    weight: Decimal = DEFAULT_WEIGHT
    comment: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


class Feedback(models.Model):
    """One rating: a person's, or one that came through the API."""

    class Source(models.TextChoices):
        PERSON = "person", "Person"
        API = "api", "API"

    id = models.UUIDField(primary_key=True, default=uuid7.uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    trace_id = models.TextField()
    log_id = models.UUIDField(null=True)  # no constraint: logs live in partitions that are dropped
    value = models.DecimalField(max_digits=8, decimal_places=6)
    weight = models.DecimalField(max_digits=7, decimal_places=6, default=DEFAULT_WEIGHT)
    comment = models.TextField(blank=True)
    metadata = models.JSONField(default=dict)
    source = models.CharField(max_length=6, choices=Source)
    person = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    created_at = models.DateTimeField()  # when the value was given; an update through the API gives it anew
    updated_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    withdrawn = models.BooleanField(default=False)
    look_at = models.DateTimeField(null=True)  # when to look for the log again; NULL: it is found, or given up

    model = models.TextField(null=True)
    provider = models.TextField(null=True)
    prompt = models.TextField(null=True)
    config = models.TextField(null=True)
    user = models.TextField(null=True)  # of the log: who was answered; who rated is ``person``

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        db_table = "feedback"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "trace_id", "person"],
                condition=Q(withdrawn=False, person__isnull=False),
                name="feedback_one_of_each_person",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "trace_id"], name="feedback_of_trace"),  # the panel, and filters
            models.Index(fields=["workspace", "created_at"], name="feedback_in_time"),  # the dashboard
            models.Index(
                fields=["workspace", "-created_at"],
                name="feedback_unresolved",
                condition=Q(value__lt=0, resolved_at=None, withdrawn=False),
            ),
            models.Index(
                fields=["workspace", "-created_at", "-id"],
                name="feedback_comments",
                condition=~Q(comment="") & Q(withdrawn=False),
            ),
            models.Index(fields=["look_at"], name="feedback_waiting", condition=Q(look_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.value.normalize():f} for {self.trace_id}"

    @property
    def by(self) -> str:
        """Who gave it: a person's name, else the API key's, else how it came."""
        if self.person:
            return self.person.display_name
        if self.source == self.Source.PERSON:
            return "somebody who left"
        return self.api_key.name if self.api_key else "API"

    @property
    def is_unresolved(self) -> bool:
        return self.value < 0 and self.resolved_at is None and not self.withdrawn

    @property
    def is_edited(self) -> bool:
        return self.updated_at - self.created_at > timedelta(seconds=1)

    @classmethod
    @transaction.atomic
    def rate(cls, log: Log, person: User, given: Given) -> Feedback:
        """The person's rating of the log's trace: a new one, or their standing one said anew."""
        FeedbackTrace.lock(log.workspace_id, [log.trace_id])
        own = cls.objects.standing().filter(workspace=log.workspace_id, trace_id=log.trace_id, person=person).first()
        if own is not None:
            own.say(given)
        else:
            own = cls._new(log.workspace_id, given, source=cls.Source.PERSON, person=person)
            own._belongs_to(log)
            own.save(force_insert=True)
        FeedbackTrace.add_up(log.workspace_id, [log.trace_id])
        return own

    @classmethod
    @transaction.atomic
    def rate_all(cls, logs: Iterable[Log], person: User, value: Decimal, comment: str = "") -> int:
        """The same value for several logs of one workspace; logs of one trace share it. Returns how many traces.

        What the person has said of them already stays, but for the value, and the comment where there is a new one.
        """
        by_trace = {log.trace_id: log for log in logs}
        for trace_id, log in sorted(by_trace.items()):  # one order for all: two at once wait, they never lock up
            own = cls.objects.of_trace(log.workspace_id, trace_id).filter(person=person).first()
            said = Given(trace_id, value, own.weight, own.comment, own.metadata) if own else Given(trace_id, value)
            cls.rate(log, person, replace(said, comment=comment or said.comment))
        return len(by_trace)

    @classmethod
    @transaction.atomic
    def record(cls, workspace_id: int, api_key_id: int | None, given: Sequence[Given]) -> list[Feedback]:
        """Ratings that came through the API, in the order given. Their logs may still be on their way."""
        trace_ids = {each.trace_id for each in given}
        FeedbackTrace.lock(workspace_id, trace_ids)
        newest = newest_logs(workspace_id, trace_ids)
        ratings: list[Feedback] = []
        for each in given:
            rating = cls._new(workspace_id, each, source=cls.Source.API, api_key_id=api_key_id)
            if log := newest.get(each.trace_id):
                rating._belongs_to(log)
            else:
                rating.look_at = rating.created_at
            ratings.append(rating)
        Feedback.objects.bulk_create(ratings, batch_size=1000)
        FeedbackTrace.add_up(workspace_id, trace_ids)
        return ratings

    @classmethod
    def _new(cls, workspace_id: int, given: Given, **whence: Any) -> Feedback:
        now = timezone.now()
        return cls(
            workspace_id=workspace_id,
            trace_id=given.trace_id,
            value=given.value,
            weight=given.weight,
            comment=given.comment,
            metadata=given.metadata,
            created_at=now,
            updated_at=now,
            **whence,
        )

    @transaction.atomic
    def say(self, given: Given, *, anew: bool = False) -> None:
        """Put another rating in place of this one. A changed value is open again; ``anew`` counts it from now."""
        FeedbackTrace.lock(self.workspace_id, [self.trace_id])
        changed = ["value", "weight", "comment", "metadata", "updated_at"]
        self.refresh_from_db(fields=["value"])  # another may have changed it before the lock
        if given.value != self.value:
            self.resolved_at = self.resolved_by = None
            changed += ["resolved_at", "resolved_by"]
        self.value, self.weight = given.value, given.weight
        self.comment, self.metadata = given.comment, given.metadata
        self.updated_at = timezone.now()
        if anew:
            self.created_at = self.updated_at
            changed.append("created_at")
        self.save(update_fields=changed)
        FeedbackTrace.add_up(self.workspace_id, [self.trace_id])

    @transaction.atomic
    def withdraw(self) -> None:
        """It counts no more and is shown no more."""
        FeedbackTrace.lock(self.workspace_id, [self.trace_id])
        self.withdrawn, self.updated_at = True, timezone.now()
        self.save(update_fields=["withdrawn", "updated_at"])
        FeedbackTrace.add_up(self.workspace_id, [self.trace_id])

    def resolve(self, person: User) -> None:
        """Somebody has looked into it."""
        self.resolved_at, self.resolved_by = timezone.now(), person
        self.save(update_fields=["resolved_at", "resolved_by"])

    def reopen(self) -> None:
        self.resolved_at = self.resolved_by = None
        self.save(update_fields=["resolved_at", "resolved_by"])

    def _belongs_to(self, log: Log) -> None:
        self.log_id, self.look_at = log.id, None
        for name in FACTS:
            setattr(self, name, getattr(log, name))

    @classmethod
    def find_logs(cls, now: datetime | None = None, limit: int = 500) -> int:
        """Join ratings that came before their log with it; returns how many looked.

        The older a rating, the longer until the next look: each waits as long again as it has waited so far.
        """
        now = now or timezone.now()
        waiting = list(cls.objects.filter(look_at__lte=now).order_by("look_at")[:limit])
        for workspace_id in {rating.workspace_id for rating in waiting}:
            mine = [rating for rating in waiting if rating.workspace_id == workspace_id]
            newest = newest_logs(workspace_id, {rating.trace_id for rating in mine})
            for rating in mine:
                age = now - rating.created_at
                if log := newest.get(rating.trace_id):
                    rating._belongs_to(log)
                else:
                    rating.look_at = now + max(age, timedelta(seconds=5)) if age < WAITS_AT_MOST else None
            Feedback.objects.bulk_update(mine, ["log_id", "look_at", *FACTS])
        return len(waiting)


class FeedbackTrace(models.Model):
    """The sums of one trace's standing ratings."""

    pk = models.CompositePrimaryKey("workspace_id", "trace_id")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    trace_id = models.TextField()
    ratings = models.IntegerField(default=0, db_default=0)
    weighted = models.DecimalField(max_digits=24, decimal_places=12, default=0, db_default=0)  # sum of value x weight
    weight = models.DecimalField(max_digits=24, decimal_places=6, default=0, db_default=0)
    average = models.GeneratedField(  # NULL where nothing has a weight
        expression=F("weighted") / NullIf(F("weight"), Decimal(0)),
        output_field=models.DecimalField(max_digits=8, decimal_places=6),
        db_persist=True,
    )

    objects = FeedbackTraceQuerySet.as_manager()

    class Meta:
        db_table = "feedback_trace"
        indexes = [models.Index(fields=["workspace", "average"], name="feedback_trace_average")]

    @staticmethod
    def lock(workspace_id: int, trace_ids: Collection[str]) -> None:
        """Let nobody else rate these traces until the transaction ends; makes the rows that are missing."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO feedback_trace (workspace_id, trace_id)"
                " SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
                [workspace_id, sorted(set(trace_ids))],
            )
            cursor.execute(
                "SELECT 1 FROM feedback_trace WHERE workspace_id = %s AND trace_id = ANY(%s)"
                " ORDER BY trace_id FOR UPDATE",
                [workspace_id, list(trace_ids)],
            )

    @staticmethod
    def add_up(workspace_id: int, trace_ids: Collection[str]) -> None:
        """Bring the sums of locked traces up to date with their ratings."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE feedback_trace t SET ratings = s.ratings, weighted = s.weighted, weight = s.weight"
                " FROM (SELECT trace_id, count(*) FILTER (WHERE NOT withdrawn) AS ratings,"
                " coalesce(sum(value * weight) FILTER (WHERE NOT withdrawn), 0) AS weighted,"
                " coalesce(sum(weight) FILTER (WHERE NOT withdrawn), 0) AS weight"
                " FROM feedback WHERE workspace_id = %s AND trace_id = ANY(%s) GROUP BY trace_id) s"
                " WHERE t.workspace_id = %s AND t.trace_id = s.trace_id",
                [workspace_id, list(trace_ids), workspace_id],
            )


def newest_logs(workspace_id: int, trace_ids: Collection[str]) -> dict[str, Log]:
    """The newest log of each trace: the one that a rating without a log is about."""
    logs = (
        Log.objects.filter(workspace_id=workspace_id, trace_id__in=list(trace_ids))
        .order_by("trace_id", "-id")
        .distinct("trace_id")
        .only("workspace_id", "id", "trace_id", *FACTS)
    )
    return {log.trace_id: log for log in logs}


def own_rating(workspace_id: int, id: UUID, person: User) -> Feedback | None:
    """A standing rating that this person gave."""
    return Feedback.objects.standing().filter(workspace=workspace_id, id=id, person=person).first()

"""The record. ``log`` and ``log_body`` are partitioned by id, a UUIDv7 of the event's time: one value is key,
order, page cursor and partition key. Rows never change after insert, and every query carries the workspace.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models, transaction
from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from logs.llm.vocabulary import (
    CacheStatus,
    Completeness,
    FallbackStatus,
    LoadbalanceStatus,
    RequestType,
    RetryStatus,
    Source,
    TokensOrigin,
)
from logs.querysets import LogQuerySet
from portkey_logs.accounts.models import ApiKey, User, Workspace
from portkey_logs.lib import uuid7


def _no_constraint(to: type[models.Model], **kwargs: Any) -> models.ForeignKey[Any, Any]:
    """A reference out of a partitioned table: a constraint would block dropping partitions and slow each insert."""
    return models.ForeignKey(
        to, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+", **kwargs
    )


class Log(models.Model):
    """One request that passed the gateway. Bodies and headers live in :class:`LogBody`."""

    pk = models.CompositePrimaryKey("workspace_id", "id")
    workspace = _no_constraint(Workspace)
    id = models.UUIDField(default=uuid7.uuid7)
    received_at = models.DateTimeField()  # the server's clock at commit; live readers follow it
    source = models.CharField(max_length=10, choices=Source.choices)
    completeness = models.CharField(max_length=12, choices=Completeness.choices)

    trace_id = models.TextField()
    span_id = models.TextField(null=True)
    parent_span_id = models.TextField(null=True)
    span_name = models.TextField(null=True)

    request_type = models.CharField(max_length=24, choices=RequestType.choices)
    method = models.CharField(max_length=10)
    url = models.TextField()
    path = models.TextField()
    provider = models.TextField(null=True)
    model = models.TextField(null=True)
    requested_model = models.TextField(null=True)
    stream = models.BooleanField()
    finish_reason = models.TextField(null=True)
    has_images = models.BooleanField(default=False, db_default=False)  # sent or made
    has_audio = models.BooleanField(default=False, db_default=False)
    has_tools = models.BooleanField(default=False, db_default=False)  # offered or called

    status_code = models.SmallIntegerField(null=True)
    is_success = models.BooleanField()
    error_type = models.TextField(null=True)
    error_code = models.TextField(null=True)
    error_message = models.TextField(null=True)
    latency_ms = models.IntegerField(null=True)
    time_to_first_token_ms = models.IntegerField(null=True)

    input_tokens = models.IntegerField(null=True)
    output_tokens = models.IntegerField(null=True)
    total_tokens = models.IntegerField(null=True)
    cached_tokens = models.IntegerField(null=True)
    reasoning_tokens = models.IntegerField(null=True)
    cache_write_tokens = models.IntegerField(null=True)
    input_audio_tokens = models.IntegerField(null=True)
    output_audio_tokens = models.IntegerField(null=True)
    tokens_origin = models.CharField(max_length=10, choices=TokensOrigin.choices)
    cost = models.DecimalField(max_digits=18, decimal_places=8, null=True)  # cents; NULL: no price is known
    cost_source = models.TextField(null=True)

    cache_status = models.CharField(max_length=14, choices=CacheStatus.choices)
    retry_status = models.CharField(max_length=14, choices=RetryStatus.choices)
    retry_count = models.SmallIntegerField()
    fallback_status = models.CharField(max_length=10, choices=FallbackStatus.choices)
    fallback_option = models.SmallIntegerField(null=True)
    loadbalance_status = models.CharField(max_length=10, choices=LoadbalanceStatus.choices)
    option_path = models.TextField(null=True)

    config = models.TextField(null=True)
    config_version_id = models.TextField(null=True)
    prompt = models.TextField(null=True)
    prompt_version_id = models.TextField(null=True)
    prompt_in_config_target = models.BooleanField()
    # What Replay has to know of a row. Of logs from before these columns the careful answers are assumed.
    request_kept = models.BooleanField(default=True, db_default=True)  # the body
    own_credential = models.BooleanField(default=True, db_default=True)  # the call brought one; it is not kept
    virtual_key = models.TextField(null=True)
    api_key = _no_constraint(ApiKey, null=True)

    user = models.TextField(null=True)
    metadata = models.JSONField()
    labels = ArrayField(models.TextField())  # 'key=value' of the metadata: what filters ask
    request_bytes = models.IntegerField()
    response_bytes = models.IntegerField()

    objects = LogQuerySet.as_manager()

    class Meta:
        db_table = "log"
        indexes = [
            # Each serves one filter of the list (newest first); the list itself walks the primary key.
            models.Index(fields=["workspace", "model", "-id"], name="log_model"),
            models.Index(fields=["workspace", "user", "-id"], name="log_user", condition=Q(user__isnull=False)),
            models.Index(fields=["workspace", "trace_id", "-id"], name="log_trace"),
            models.Index(fields=["workspace", "prompt", "-id"], name="log_prompt", condition=Q(prompt__isnull=False)),
            models.Index(fields=["workspace", "config", "-id"], name="log_config", condition=Q(config__isnull=False)),
            models.Index(
                fields=["workspace", "virtual_key", "-id"],
                name="log_virtual_key",
                condition=Q(virtual_key__isnull=False),
            ),
            models.Index(
                fields=["workspace", "api_key", "-id"], name="log_api_key", condition=Q(api_key__isnull=False)
            ),
            models.Index(fields=["workspace", "-id"], name="log_failed", condition=Q(is_success=False)),
            GinIndex(fields=["labels"], name="log_labels"),  # metadata filters: labels @> '{env=prod}'
            models.Index(fields=["workspace", "received_at"], name="log_received"),  # what follows arrivals
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def created_at(self) -> datetime:
        """The event's time, UTC with ms."""
        return datetime.fromtimestamp(uuid7.time_ms(self.id) / 1000, UTC)


class LogBody(models.Model):
    """What was received, zstd-compressed; never read by lists, counts or filters."""

    pk = models.CompositePrimaryKey("workspace_id", "id")
    workspace = _no_constraint(Workspace)
    id = models.UUIDField()
    request_headers = models.BinaryField(null=True)  # JSON object, masked
    response_headers = models.BinaryField(null=True)
    request_body = models.BinaryField(null=True)  # the exact octets; NULL: there was none, or it is not kept
    response_body = models.BinaryField(null=True)
    variables = models.BinaryField(null=True)  # of the prompt that the request was rendered from, a JSON object

    class Meta:
        db_table = "log_body"


class LogTerms(models.Model):
    """The words of a log's bodies as hashes (search/words.py), written by the worker; logs without bodies have none."""

    pk = models.CompositePrimaryKey("workspace_id", "id")
    workspace = _no_constraint(Workspace)
    id = models.UUIDField()
    terms = ArrayField(models.IntegerField())
    is_partial = models.BooleanField()  # there was more text than is indexed

    class Meta:
        db_table = "log_terms"
        indexes = [
            GinIndex(fields=["terms"], name="log_terms_terms"),  # searches: terms @> '{1, 2}'
            # What a search may have missed.
            models.Index(fields=["workspace", "-id"], name="log_terms_partial", condition=Q(is_partial=True)),
        ]


class IndexQueue(models.Model):
    """Logs whose words are yet to be indexed: inserted with the log, taken by the worker (search/index.py)."""

    pk = models.CompositePrimaryKey("workspace_id", "id")
    workspace = _no_constraint(Workspace)
    id = models.UUIDField()

    class Meta:
        db_table = "index_queue"


class Rollup(models.Model):
    """Sums over a span of time. Writers only append (upserts of hot keys deadlock), the worker folds the rows
    of one bucket into one per key, and a reader adds up whatever is there: one table, always exact.
    """

    pk = models.CompositePrimaryKey("workspace_id", "id")
    workspace = _no_constraint(Workspace)
    id = models.UUIDField(default=uuid7.uuid7)
    bucket = models.DateTimeField()  # start of the span, UTC
    folded = models.BooleanField(default=False)
    requests = models.BigIntegerField()

    class Meta:
        abstract = True
        indexes = [
            # Readers: sums of one workspace over a range of time.
            models.Index(fields=["workspace", "bucket"], name="%(class)s_bucket"),
            # The worker: buckets that have rows to fold.
            models.Index(fields=["workspace", "bucket"], name="%(class)s_unfolded", condition=Q(folded=False)),
        ]


class Sums(Rollup):
    """What logs add up to, and when the first and the last of them was."""

    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    total_tokens = models.BigIntegerField()
    cost_spent = models.DecimalField(max_digits=24, decimal_places=8)  # cents
    cost_saved = models.DecimalField(max_digits=24, decimal_places=8)  # cents; answers from the cache
    unpriced = models.BigIntegerField()  # requests whose cost is unknown: never summed as zero
    latency_ms = models.BigIntegerField()
    latency_requests = models.BigIntegerField()  # how many latency_ms adds up
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta(Rollup.Meta):
        abstract = True


class CoreSums(Sums):
    """By everything that the histogram, the facets and most filters ask for: the columns of ``Log`` by their names."""

    provider = models.TextField(null=True)
    model = models.TextField(null=True)
    request_type = models.CharField(max_length=24, choices=RequestType.choices)
    status_code = models.SmallIntegerField(null=True)
    is_success = models.BooleanField()
    cache_status = models.CharField(max_length=14, choices=CacheStatus.choices)
    retry_status = models.CharField(max_length=14, choices=RetryStatus.choices)
    retry_count = models.SmallIntegerField()
    fallback_status = models.CharField(max_length=10, choices=FallbackStatus.choices)
    loadbalance_status = models.CharField(max_length=10, choices=LoadbalanceStatus.choices)

    class Meta(Sums.Meta):
        abstract = True


class RollupCore(CoreSums):
    """Quarter hours."""

    class Meta(CoreSums.Meta):
        db_table = "rollup_core"


class RollupCoreDay(CoreSums):
    """Days (UTC): what is folded in RollupCore."""

    class Meta(CoreSums.Meta):
        db_table = "rollup_core_day"


class DimensionSums(Sums):
    """By one value of one dimension: user, config, prompt, API key, virtual key, error type, the option that served,
    ``meta.`` and a declared metadata key.
    """

    dimension = models.TextField()
    value = models.TextField()
    failures = models.BigIntegerField()
    cache_hits = models.BigIntegerField()

    class Meta(Sums.Meta):
        abstract = True
        indexes = [
            # Readers of one dimension over a range of time, and the worker, who takes all of one bucket.
            models.Index(fields=["workspace", "bucket", "dimension"], name="%(class)s_bucket"),
            models.Index(fields=["workspace", "bucket"], name="%(class)s_unfolded", condition=Q(folded=False)),
        ]


class RollupDim(DimensionSums):
    """Hours."""

    class Meta(DimensionSums.Meta):
        db_table = "rollup_dim"


class RollupDimDay(DimensionSums):
    """Days (UTC): what is folded in RollupDim."""

    class Meta(DimensionSums.Meta):
        db_table = "rollup_dim_day"


class LatencySums(Rollup):
    """By model and latency step: percentiles without reading logs. The step's meaning is in rollups.py."""

    model = models.TextField(null=True)
    step = models.SmallIntegerField()

    class Meta(Rollup.Meta):
        abstract = True


class RollupLatency(LatencySums):
    """Hours."""

    class Meta(LatencySums.Meta):
        db_table = "rollup_latency"


class RollupLatencyDay(LatencySums):
    """Days (UTC): what is folded in RollupLatency."""

    class Meta(LatencySums.Meta):
        db_table = "rollup_latency_day"


class MetadataKey(models.Model):
    """A metadata key by which a workspace's logs are rolled up, as they are by user or config."""

    MOST = 10  # of a workspace: each costs a row per value and hour
    # Until then logs may come in that a writer took who did not know the key: event times lie up to a day ahead.
    SETTLES_AFTER = timedelta(hours=24, minutes=5)

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=128)
    declared_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "metadata_key"
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["workspace", "key"], name="metadata_key_once")]

    def __str__(self) -> str:
        return self.key

    @property
    def rolled_up_from(self) -> datetime:
        """The time (UTC) from which on the rollups hold every log with the key."""
        return self.declared_at + self.SETTLES_AFTER


class ListColumns(models.Model):
    """The columns of the list as one person has them in one workspace; without a row they are the usual ones, each as
    wide as it is by itself."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    columns = ArrayField(models.TextField())  # names that logs/explorer/columns.py knows; none: the usual ones
    widths = models.JSONField(default=dict, db_default={})  # pixels by name, of those that have been given one

    class Meta:
        db_table = "list_columns"
        constraints = [models.UniqueConstraint(fields=["workspace", "person"], name="list_columns_once")]

    def __str__(self) -> str:
        return f"Columns of {self.person}"


# Parameters of the list's address beside its filters.
VIEW = "view"  # id of the saved view that the address came from
COLUMNS = "columns"  # names of the list's columns, with commas


class SavedView(models.Model):
    """Filters of the list under a name, perhaps with columns: for the person who made it, or shared with the workspace.

    A default is what the list opens with: for its owner, or, of a shared one, for all who have no default of their own.
    """

    MOST = 50  # of one person in one workspace: more are no menu any more

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True)  # the address's filters, as logs/explorer/saved_views.py puts them
    columns = ArrayField(models.TextField(), default=list, blank=True)  # none: everybody's own
    is_shared = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "saved_view"
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["workspace", "name"], name="saved_view_menu")]  # the list's menu
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "person"],
                name="saved_view_own_default",
                condition=Q(is_default=True, is_shared=False),
            ),
            models.UniqueConstraint(
                fields=["workspace"], name="saved_view_shared_default", condition=Q(is_default=True, is_shared=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The list as the view has it."""
        query = QueryDict(self.query, mutable=True)
        if self.columns:
            query[COLUMNS] = ",".join(self.columns)
        query[VIEW] = str(self.pk)
        return reverse("log_list", args=[self.workspace.slug]) + "?" + query.urlencode()

    @transaction.atomic
    def settle(self, *, name: str, is_shared: bool, is_default: bool) -> None:
        """Rename it, share it or not, make it the default instead of the one before, or no default."""
        if is_default:
            others = SavedView.objects.filter(workspace=self.workspace_id, is_shared=is_shared, is_default=True)
            if not is_shared:
                others = others.filter(person=self.person_id)
            others.exclude(pk=self.pk).update(is_default=False)
        self.name, self.is_shared, self.is_default = name, is_shared, is_default
        self.save(update_fields=["name", "is_shared", "is_default"])

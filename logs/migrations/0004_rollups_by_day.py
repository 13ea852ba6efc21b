import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import portkey_logs.lib.uuid7

# A UUIDv7's first 48 bits are its time: written out, because PostgreSQL has a function for it only since 17.
_TIME = "to_timestamp(('x0000' || left(translate(id::text, '-', ''), 12))::bit(64)::bigint / 1000.0)"
_SUMS = f"""
    count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(total_tokens), 0),
    coalesce(sum(cost) FILTER (WHERE cache_status NOT IN ('hit', 'semantic_hit')), 0),
    coalesce(sum(cost) FILTER (WHERE cache_status IN ('hit', 'semantic_hit')), 0),
    count(*) FILTER (WHERE cost IS NULL), coalesce(sum(latency_ms), 0), count(latency_ms), min({_TIME}), max({_TIME})
"""
_SUM_COLUMNS = """
    requests, input_tokens, output_tokens, total_tokens, cost_spent, cost_saved, unpriced, latency_ms,
    latency_requests, first_at, last_at
"""
_CORE_KEYS = """
    provider, model, request_type, status_code, is_success, cache_status, retry_status, retry_count, fallback_status,
    loadbalance_status
"""
_DIMENSIONS = {
    "user": '"user"',
    "config": "config",
    "prompt": "prompt",
    "api_key": "api_key_id::text",
    "virtual_key": "virtual_key",
    "error_type": "error_type",
    "option": "option_path || E'\\x1f' || coalesce(config, '')",
}
_ROLL_UP = [
    f"""
    INSERT INTO rollup_core (workspace_id, id, bucket, folded, {_CORE_KEYS}, {_SUM_COLUMNS})
    SELECT workspace_id, gen_random_uuid(), date_bin('15 minutes', {_TIME}, 'epoch'), false, {_CORE_KEYS}, {_SUMS}
    FROM log GROUP BY workspace_id, 3, {_CORE_KEYS}
    """,
    f"""
    INSERT INTO rollup_latency (workspace_id, id, bucket, folded, model, step, requests)
    SELECT workspace_id, gen_random_uuid(), date_bin('1 hour', {_TIME}, 'epoch'), false, model,
           width_bucket(latency_ms::float8, (SELECT array_agg(power(1.1::float8, n)) FROM generate_series(0, 226) n)),
           count(*)
    FROM log WHERE latency_ms IS NOT NULL GROUP BY workspace_id, 3, model, 6
    """,
    *(
        f"""
        INSERT INTO rollup_dim (workspace_id, id, bucket, folded, dimension, value, {_SUM_COLUMNS}, failures, cache_hits)
        SELECT workspace_id, gen_random_uuid(), date_bin('1 hour', {_TIME}, 'epoch'), false, '{name}', {column}, {_SUMS},
               count(*) FILTER (WHERE NOT is_success), count(*) FILTER (WHERE cache_status IN ('hit', 'semantic_hit'))
        FROM log WHERE {column} IS NOT NULL GROUP BY workspace_id, 3, {column}
        """
        for name, column in _DIMENSIONS.items()
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_what_is_logged"),
        ("logs", "0003_search_index"),
    ]

    operations = [
        migrations.DeleteModel(name="RollupCore"),
        migrations.DeleteModel(name="RollupDim"),
        migrations.DeleteModel(name="RollupLatency"),
        migrations.CreateModel(
            name="MetadataKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=128)),
                ("declared_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.workspace"
                    ),
                ),
            ],
            options={
                "db_table": "metadata_key",
                "ordering": ["key"],
                "constraints": [models.UniqueConstraint(fields=("workspace", "key"), name="metadata_key_once")],
            },
        ),
        migrations.CreateModel(
            name="RollupCore",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "workspace_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(default=portkey_logs.lib.uuid7.uuid7)),
                ("bucket", models.DateTimeField()),
                ("folded", models.BooleanField(default=False)),
                ("requests", models.BigIntegerField()),
                ("input_tokens", models.BigIntegerField()),
                ("output_tokens", models.BigIntegerField()),
                ("total_tokens", models.BigIntegerField()),
                ("cost_spent", models.DecimalField(decimal_places=8, max_digits=24)),
                ("cost_saved", models.DecimalField(decimal_places=8, max_digits=24)),
                ("unpriced", models.BigIntegerField()),
                ("latency_ms", models.BigIntegerField()),
                ("latency_requests", models.BigIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("provider", models.TextField(null=True)),
                ("model", models.TextField(null=True)),
                ("request_type", models.CharField(max_length=24)),
                ("status_code", models.SmallIntegerField(null=True)),
                ("is_success", models.BooleanField()),
                ("cache_status", models.CharField(max_length=14)),
                ("retry_status", models.CharField(max_length=14)),
                ("retry_count", models.SmallIntegerField()),
                ("fallback_status", models.CharField(max_length=10)),
                ("loadbalance_status", models.CharField(max_length=10)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_core",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["workspace", "bucket"], name="rollupcore_bucket"),
                    models.Index(
                        condition=models.Q(("folded", False)),
                        fields=["workspace", "bucket"],
                        name="rollupcore_unfolded",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupCoreDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "workspace_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(default=portkey_logs.lib.uuid7.uuid7)),
                ("bucket", models.DateTimeField()),
                ("folded", models.BooleanField(default=False)),
                ("requests", models.BigIntegerField()),
                ("input_tokens", models.BigIntegerField()),
                ("output_tokens", models.BigIntegerField()),
                ("total_tokens", models.BigIntegerField()),
                ("cost_spent", models.DecimalField(decimal_places=8, max_digits=24)),
                ("cost_saved", models.DecimalField(decimal_places=8, max_digits=24)),
                ("unpriced", models.BigIntegerField()),
                ("latency_ms", models.BigIntegerField()),
                ("latency_requests", models.BigIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("provider", models.TextField(null=True)),
                ("model", models.TextField(null=True)),
                ("request_type", models.CharField(max_length=24)),
                ("status_code", models.SmallIntegerField(null=True)),
                ("is_success", models.BooleanField()),
                ("cache_status", models.CharField(max_length=14)),
                ("retry_status", models.CharField(max_length=14)),
                ("retry_count", models.SmallIntegerField()),
                ("fallback_status", models.CharField(max_length=10)),
                ("loadbalance_status", models.CharField(max_length=10)),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_core_day",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["workspace", "bucket"], name="rollupcoreday_bucket"),
                    models.Index(
                        condition=models.Q(("folded", False)),
                        fields=["workspace", "bucket"],
                        name="rollupcoreday_unfolded",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupDim",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "workspace_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(default=portkey_logs.lib.uuid7.uuid7)),
                ("bucket", models.DateTimeField()),
                ("folded", models.BooleanField(default=False)),
                ("requests", models.BigIntegerField()),
                ("input_tokens", models.BigIntegerField()),
                ("output_tokens", models.BigIntegerField()),
                ("total_tokens", models.BigIntegerField()),
                ("cost_spent", models.DecimalField(decimal_places=8, max_digits=24)),
                ("cost_saved", models.DecimalField(decimal_places=8, max_digits=24)),
                ("unpriced", models.BigIntegerField()),
                ("latency_ms", models.BigIntegerField()),
                ("latency_requests", models.BigIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("dimension", models.TextField()),
                ("value", models.TextField()),
                ("failures", models.BigIntegerField()),
                ("cache_hits", models.BigIntegerField()),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_dim",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["workspace", "bucket", "dimension"], name="rollupdim_bucket"),
                    models.Index(
                        condition=models.Q(("folded", False)), fields=["workspace", "bucket"], name="rollupdim_unfolded"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupDimDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "workspace_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(default=portkey_logs.lib.uuid7.uuid7)),
                ("bucket", models.DateTimeField()),
                ("folded", models.BooleanField(default=False)),
                ("requests", models.BigIntegerField()),
                ("input_tokens", models.BigIntegerField()),
                ("output_tokens", models.BigIntegerField()),
                ("total_tokens", models.BigIntegerField()),
                ("cost_spent", models.DecimalField(decimal_places=8, max_digits=24)),
                ("cost_saved", models.DecimalField(decimal_places=8, max_digits=24)),
                ("unpriced", models.BigIntegerField()),
                ("latency_ms", models.BigIntegerField()),
                ("latency_requests", models.BigIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("dimension", models.TextField()),
                ("value", models.TextField()),
                ("failures", models.BigIntegerField()),
                ("cache_hits", models.BigIntegerField()),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_dim_day",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["workspace", "bucket", "dimension"], name="rollupdimday_bucket"),
                    models.Index(
                        condition=models.Q(("folded", False)),
                        fields=["workspace", "bucket"],
                        name="rollupdimday_unfolded",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupLatency",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "workspace_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(default=portkey_logs.lib.uuid7.uuid7)),
                ("bucket", models.DateTimeField()),
                ("folded", models.BooleanField(default=False)),
                ("requests", models.BigIntegerField()),
                ("model", models.TextField(null=True)),
                ("step", models.SmallIntegerField()),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_latency",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["workspace", "bucket"], name="rolluplatency_bucket"),
                    models.Index(
                        condition=models.Q(("folded", False)),
                        fields=["workspace", "bucket"],
                        name="rolluplatency_unfolded",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupLatencyDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "workspace_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField(default=portkey_logs.lib.uuid7.uuid7)),
                ("bucket", models.DateTimeField()),
                ("folded", models.BooleanField(default=False)),
                ("requests", models.BigIntegerField()),
                ("model", models.TextField(null=True)),
                ("step", models.SmallIntegerField()),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "rollup_latency_day",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["workspace", "bucket"], name="rolluplatencyday_bucket"),
                    models.Index(
                        condition=models.Q(("folded", False)),
                        fields=["workspace", "bucket"],
                        name="rolluplatencyday_unfolded",
                    ),
                ],
            },
        ),
        # The sums of the logs that are there; the worker folds them.
        migrations.RunSQL(_ROLL_UP, migrations.RunSQL.noop),
    ]

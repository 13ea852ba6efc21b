import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from logs.storage.partitions import CreatePartitionedModel


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_what_is_logged"),
        ("logs", "0002_kinds_of_content"),
    ]

    operations = [
        migrations.CreateModel(
            name="IndexQueue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "workspace_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField()),
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
                "db_table": "index_queue",
            },
        ),
        CreatePartitionedModel(
            name="LogTerms",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "workspace_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("id", models.UUIDField()),
                ("terms", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField())),
                ("is_partial", models.BooleanField()),
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
                "db_table": "log_terms",
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["terms"], name="log_terms_terms"),
                    models.Index(
                        condition=models.Q(("is_partial", True)),
                        fields=["workspace", "-id"],
                        name="log_terms_partial",
                    ),
                ],
            },
        ),
        # Hashes do not compress: TOAST should store them as they are.
        migrations.RunSQL("ALTER TABLE log_terms ALTER terms SET STORAGE EXTERNAL", migrations.RunSQL.noop),
        # What is there already waits to be indexed too.
        migrations.RunSQL(
            "INSERT INTO index_queue (workspace_id, id) SELECT workspace_id, id FROM log_body"
            " WHERE request_body IS NOT NULL OR response_body IS NOT NULL",
            migrations.RunSQL.noop,
        ),
    ]

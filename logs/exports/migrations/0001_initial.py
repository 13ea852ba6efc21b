import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import logs.exports.models
import portkey_logs.lib.uuid7


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0004_audit_events"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portkey_logs.lib.uuid7.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("description", models.CharField(blank=True, max_length=200)),
                ("query", models.TextField(blank=True)),
                ("filters", models.JSONField(default=dict)),
                ("words", models.TextField(blank=True)),
                ("fields", django.contrib.postgres.fields.ArrayField(base_field=models.TextField())),
                (
                    "format",
                    models.CharField(
                        choices=[("jsonl", "JSONL"), ("csv", "CSV"), ("parquet", "Parquet")],
                        default="jsonl",
                        max_length=7,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("in_progress", "In progress"),
                            ("success", "Success"),
                            ("failed", "Failed"),
                            ("stopped", "Stopped"),
                        ],
                        default="draft",
                        max_length=11,
                    ),
                ),
                ("error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(default=logs.exports.models.kept_until)),
                ("total", models.BigIntegerField(null=True)),
                ("records", models.BigIntegerField(default=0)),
                ("size", models.BigIntegerField(default=0)),
                ("position", models.UUIDField(null=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="accounts.apikey"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exports",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace", "-id"], name="export_workspace"),
                    models.Index(
                        condition=models.Q(("status", "in_progress")), fields=["started_at"], name="export_in_progress"
                    ),
                ],
            },
        ),
    ]

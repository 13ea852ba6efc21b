"""Partitions of the log tables by time: the id is a UUIDv7, so a range of ids is a range of time.

No DEFAULT partition: with one, "the newest 50" would have to open every partition.
"""

from __future__ import annotations

from django.db.migrations.operations import CreateModel


class CreatePartitionedModel(CreateModel):
    """CreateModel whose table is ``PARTITION BY RANGE (id)``; it has no partition yet."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):  # type: ignore[no-untyped-def]
        template = schema_editor.sql_create_table
        schema_editor.sql_create_table = template + " PARTITION BY RANGE (id)"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = template

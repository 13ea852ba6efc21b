"""The writer: each record once, with its body and its sums, whatever the database does meanwhile."""

from __future__ import annotations

import pytest
from django.db import connection

from logs.ingest.storage import commit_batch
from logs.models import Log
from tests.factories import People, make_record


def test_stores(people: People) -> None:
    records = [make_record(people.workspace.pk, metadata={"b": "2", "a": "1"}) for _ in range(3)]
    assert [o.state for o in commit_batch(connection, records)] == ["stored"] * 3
    log = Log.objects.get(id=records[0].id)
    assert log.labels == ["a=1", "b=2"]
    assert [o.state for o in commit_batch(connection, records)] == ["duplicate"] * 3

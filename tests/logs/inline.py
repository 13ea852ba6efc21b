"""Let a test see what it submits: ``writer.submit`` stores in the test's own transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from django.db import connection

from logs.ingest import storage, writer
from logs.ingest.record import LogRecord


@pytest.fixture
def inline_writer(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread and no commit of its own: works in tests without ``transaction=True``."""

    def submit(records: Sequence[LogRecord]) -> list[storage.Outcome]:
        return storage.commit_batch(connection, records)

    monkeypatch.setattr(writer, "submit", submit)
    return
    yield

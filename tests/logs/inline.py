"""Fixtures for tests that store logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from django.db import connection

from logs.ingest import rows, writer
from logs.record import LogRecord
from logs.storage import partitions


@pytest.fixture
def inline_writer(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """``writer.submit`` stores in the test's own transaction: no thread, no commit."""

    def submit(records: Sequence[LogRecord]) -> list[rows.Outcome]:
        return rows.commit_batch(connection, records)

    monkeypatch.setattr(writer, "submit", submit)


@pytest.fixture
def bare_tables(transactional_db: None) -> Iterator[None]:
    """The log tables without a partition, as a new installation has them."""
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {table}_all")
    yield
    with connection.cursor() as cursor:
        for table in partitions.TABLES:
            for partition in partitions.existing(cursor, table):
                cursor.execute(f"DROP TABLE {partition.name}")
            cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_all FOR VALUES FROM (MINVALUE) TO (MAXVALUE)")

"""The suite runs against a real PostgreSQL: DATABASE_URL, or a private server of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

if "PORTKEY_LOGS_DATA_DIR" not in os.environ:
    _data_dir = tempfile.TemporaryDirectory(prefix="plt-")
    os.environ["PORTKEY_LOGS_DATA_DIR"] = _data_dir.name

_server = None
if "DATABASE_URL" not in os.environ:
    from portkey_logs.embedded import Server

    _server = Server(Path(os.environ["PORTKEY_LOGS_DATA_DIR"]))
    _server.start()
    os.environ["DATABASE_URL"] = _server.url


def pytest_unconfigure() -> None:
    if _server is not None:
        _server.stop()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """One partition for all time, so that a test never waits for DDL unless it is about partitions."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        for table in ("log", "log_body"):
            cursor.execute(f"CREATE TABLE {table}_all PARTITION OF {table} FOR VALUES FROM (MINVALUE) TO (MAXVALUE)")


@pytest.fixture
def people(db: None) -> Iterator[object]:
    from tests.factories import make_people

    yield make_people()

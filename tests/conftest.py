"""The suite runs against a real PostgreSQL: DATABASE_URL, or a private server of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from logs.ingest.record import LogRecord
    from tests.factories import People

pytest_plugins = ["tests.logs.inline"]

if "PORTKEY_LOGS_DATA_DIR" not in os.environ:
    _data_dir = tempfile.TemporaryDirectory(prefix="plt-")
    os.environ["PORTKEY_LOGS_DATA_DIR"] = _data_dir.name

_server = None
if "DATABASE_URL" not in os.environ:
    from portkey_logs.embedded import Server

    _server = Server(Path(os.environ["PORTKEY_LOGS_DATA_DIR"]))
    _server.start()
    os.environ["DATABASE_URL"] = _server.url


def pytest_configure() -> None:
    from django.conf import settings

    # Argon2 is slow by design; what tests check is not how slow.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_unconfigure() -> None:
    if _server is not None:
        _server.delete()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """One partition for all time, so that a test never waits for DDL unless it is about partitions."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        for table in ("log", "log_body"):
            cursor.execute(f"CREATE TABLE {table}_all PARTITION OF {table} FOR VALUES FROM (MINVALUE) TO (MAXVALUE)")


@pytest.fixture
def people(db: None) -> People:
    from tests.factories import make_people

    return make_people()


@pytest.fixture
def api_key(people: People) -> str:
    """A key of acme's workspace with all scopes."""
    from tests.factories import make_key

    return make_key(people.workspace)[1]


@pytest.fixture
def store(people: People, inline_writer: None) -> Callable[..., list[LogRecord]]:
    """Store records given by their differences from a plain successful chat, into acme's workspace."""
    from logs.ingest import writer
    from tests.factories import make_record

    def store(*differences: dict[str, Any], workspace_id: int | None = None) -> list[LogRecord]:
        records = [make_record(workspace_id or people.workspace.id, **difference) for difference in differences]
        assert {outcome.state for outcome in writer.submit(records)} <= {"stored"}
        return records

    return store

"""What every test may use. The database and the settings come from ``tests/settings.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from logs.record import LogRecord
    from tests.factories import People

pytest_plugins = ["tests.logs.inline"]

# A busy machine is no fault of the code: how long one example takes says nothing.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

NO_GATEWAY = "The Portkey gateway cannot be started"
NO_CHROMIUM = "Chromium is missing: apt-get install chromium-headless-shell, or chromium"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, those of tests/e2e, so that no worker of xdist runs one while the others idle."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if NO_CHROMIUM in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} browser tests were skipped. {NO_CHROMIUM}")
    without_gateway = [
        report for report in terminalreporter.stats.get("skipped", ()) if NO_GATEWAY in str(report.longrepr)
    ]
    if without_gateway:
        terminalreporter.write_line(f"{len(without_gateway)} tests were skipped: {without_gateway[0].longrepr[2]}")


def pytest_unconfigure() -> None:
    from tests.settings import server

    if server is not None:
        server.delete()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """One partition for all time, so that a test never waits for DDL unless it is about partitions."""
    from django.db import connection
    from django.test import TransactionTestCase

    from logs.storage import partitions
    from tests.emptying import empty_tables

    TransactionTestCase._fixture_teardown = lambda self: empty_tables()
    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        for table in partitions.TABLES:
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

"""Private servers in directories of their own; nothing here needs Django or the suite's database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from portkey_logs.runtime.postgres import Server


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory whose cluster the tests of a module share."""
    path = tmp_path_factory.mktemp("embedded") / "var"
    yield path
    Server(path).delete()


@pytest.fixture
def server(data_dir: Path) -> Iterator[Server]:
    """The module's server, running."""
    server = Server(data_dir)
    server.start()
    yield server
    server.stop()


Query = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def query() -> Query:
    """Run one statement at a URL, committed; returns its rows."""

    def run(url: str, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    return run

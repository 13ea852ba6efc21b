"""Databases to measure with, on the server that ``DATABASE_URL`` names, and the time that a database takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

PROJECT = Path(__file__).resolve().parents[1]
DAYS = 29  # of logs in a month: what has come since they were made still fits into the 30 that pages show


@contextmanager
def fresh(name: str) -> Iterator[Path]:
    """Has Django work with a migrated database of that name, dropped at the end; gives its data directory."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin, tempfile.TemporaryDirectory() as folder:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}")
        os.environ["PORTKEY_LOGS_DATA_DIR"] = folder
        try:
            use(_url(name))
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            yield Path(folder)
        finally:
            from django.db import connections

            connections.close_all()
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def of_month(logs: int, *, keep: bool) -> Iterator[str]:
    """The URL of a database whose workspace ``demo`` has so many logs of ``DAYS`` days, their rollups folded.

    One that is there is used as it is; with ``keep`` it is left for the next time.
    """
    name = f"benchmark_logs_{logs}"
    url = _url(name)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
        is_known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not is_known:
            admin.execute(f"CREATE DATABASE {name}")
        try:
            _manage(url, "prepare")
            if not is_known:
                _manage(url, "loadgen", "--workspace=demo", f"--logs={logs}", "--body-kb=0.5", f"--days={DAYS}")
                command = [sys.executable, "-m", "benchmarks.databases"]
                subprocess.run(command, cwd=PROJECT, env=os.environ | {"DATABASE_URL": url}, check=True)
            yield url
        finally:
            if not keep:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def use(url: str) -> None:
    """Set Django up for that database."""
    import django

    os.environ |= {"DATABASE_URL": url, "PORTKEY_LOGS_ALLOWED_HOSTS": "testserver"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portkey_logs.settings")
    django.setup()


def milliseconds(call: Callable[[], object]) -> float:
    """How long all queries of the call took, as the database driver sees it."""
    from django.db import connection

    spent = 0.0

    def timed(execute: Any, *args: Any) -> Any:
        nonlocal spent
        start = time.perf_counter()
        try:
            return execute(*args)
        finally:
            spent += time.perf_counter() - start

    with connection.execute_wrapper(timed):
        call()
    return spent * 1000


def settle() -> None:
    """What the worker and PostgreSQL would have done meanwhile: fold the rollups, gather statistics."""
    from django.db import connection

    from logs.storage import rollups

    while rollups.fold(connection, datetime.now(UTC)):
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        for rollup in rollups.ROLLUPS:  # folded as they come, they never have so many empty pages
            for table in (rollup.table, rollup.days.table):
                cursor.execute(f"VACUUM (FULL, ANALYZE) {table}")


def _url(name: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def _manage(url: str, *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=PROJECT, env=os.environ | {"DATABASE_URL": url}, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    use(os.environ["DATABASE_URL"])
    settle()

"""What tests with real processes and a real database need."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection

PROJECT = Path(__file__).resolve().parents[2]


def wait_until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Poll until the condition holds; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def database_url() -> str:
    """The test database, for another process."""
    of = connection.settings_dict
    login = f"{quote(of['USER'], safe='')}:{quote(of['PASSWORD'], safe='')}@" if of["USER"] else ""
    port = f":{of['PORT']}" if of["PORT"] else ""
    return f"postgresql://{login}{quote(of['HOST'], safe='')}{port}/{of['NAME']}"


def start(*command: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """``python -m …`` of this project in a process of its own, on the test database where ``env`` names no other."""
    known = {"DATABASE_URL": database_url(), "PORTKEY_LOGS_DATA_DIR": str(settings.DATA_DIR)}
    return subprocess.Popen(
        [sys.executable, *command], cwd=PROJECT, env=os.environ | known | (env or {}), text=True, **options
    )


@contextmanager
def database_away() -> Iterator[None]:
    """Nobody else can connect, and who was connected is thrown out."""
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (own_pid,) = cursor.fetchone()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s", [name, own_pid]
        )
        try:
            yield
        finally:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

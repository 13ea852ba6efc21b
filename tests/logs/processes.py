"""What tests with real processes and a real database need."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection

PROJECT = Path(__file__).resolve().parents[2]
_chance = random.SystemRandom()  # not the generator that Hypothesis seeds alike in every process


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Poll until the condition holds; fails after ``seconds``, which a machine with much else to do may take."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def free_port() -> int:
    """A port that nobody uses at the moment.

    Below those that the kernel gives to clients: one that calls again and again while its server restarts may get
    that very port, and then talks to itself.
    """
    while True:
        port = _chance.randrange(12_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


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

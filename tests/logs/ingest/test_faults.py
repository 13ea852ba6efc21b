"""Real processes, really killed: every log that was answered 2xx is there, once."""

from __future__ import annotations

import ast
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from logs.models import Log
from logs.storage import rollups
from portkey_logs.lib import uuid7
from portkey_logs.runtime.management.commands.up import web_command
from portkey_logs.runtime.postgres import Server
from tests.factories import make_key, make_people
from tests.logs.analytics import sums
from tests.logs.processes import database_away, database_url, free_port, start, wait_until

pytestmark = pytest.mark.processes

CLIENTS = 6


class Web:
    """The web process, as it is run in production."""

    def __init__(self, env: dict[str, str]) -> None:
        self.port = free_port()
        self._env = env
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = start(*web_command(self.port)[1:], env=self._env, start_new_session=True)
        wait_until(self.answers)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """``kill -9`` of all its processes."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            wait_until(lambda: not self.answers())


@dataclass
class Load:
    """Clients that send as fast as they are answered and write down what they were told.

    Each log has a number of its own in its metadata. Every second client gives time and span id, and sends a
    batch again until it is answered.
    """

    port: int
    key: str
    acknowledged: dict[str, str] = field(default_factory=dict)  # number -> id
    calls: Counter[int] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def more(self, count: int = 150) -> None:
        """Return when so many more logs were acknowledged."""
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal)

    def _client(self, client: int) -> None:
        resends = client % 2 == 0
        batch_number = 0
        while not self._stop.is_set():
            numbers = [f"{client}-{batch_number}-{n}" for n in range(3)]
            batch_number += 1
            body = json.dumps([self._log(number, resends) for number in numbers]).encode()
            answer = self._post(body)
            while answer is None and resends and not self._stop.is_set():
                answer = self._post(body)
            if answer is not None:
                with self._mutex:
                    self.acknowledged.update(zip(numbers, answer, strict=True))

    def _log(self, number: str, recognisable: bool) -> dict[str, Any]:
        log: dict[str, Any] = {
            "request": {"url": "https://api.openai.com/v1/chat/completions", "body": {"model": "gpt-4o-mini"}},
            "response": {"status": 200, "body": {"choices": []}, "response_time": 5},
            "metadata": {"number": number},
        }
        if recognisable:
            log |= {"createdAt": time.time_ns() // 1_000_000}
            log["metadata"] |= {"span_id": number, "trace_id": "load"}
        return log

    def _post(self, body: bytes) -> list[str] | None:
        """The ids of a 2xx answer; None for any other end of the call."""
        call = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            call.request("POST", "/v1/logs", body, {"x-portkey-api-key": self.key})
            response = call.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            self._stop.wait(0.02)
            return None
        finally:
            call.close()
        self.calls[response.status] += 1
        if response.status != 200:
            return None
        found: list[str] = json.loads(answer)["log_ids"]
        return found


def check(load: Load, url: str, report: Callable[[str], None]) -> None:
    """Every acknowledged log is there once, with its body and in the sums."""
    with psycopg.connect(url, autocommit=True) as database:

        def stored() -> dict[str, list[str]]:
            rows: dict[str, list[str]] = {}
            found = database.execute(
                "SELECT metadata->>'number', id::text FROM log JOIN log_body USING (workspace_id, id)"
            )
            for number, id in found:
                rows.setdefault(number, []).append(id)
            return rows

        wait_until(lambda: load.acknowledged.keys() <= stored().keys())
        rows = stored()
        logs = database.execute("SELECT count(*) FROM log").fetchone()
        rolled = database.execute("SELECT sum(requests) FROM rollup_core").fetchone()
    # Unacknowledged calls of clients that do not resend may have been stored or not: both are right.
    doubled = {number for number, found in rows.items() if len(found) > 1}
    total = sum(len(found) for found in rows.values())
    report(
        f"acknowledged {len(load.acknowledged)}, stored {total}, duplicates {len(doubled)}, answers {dict(load.calls)}"
    )
    assert load.acknowledged
    assert not doubled
    assert {number: [id] for number, id in load.acknowledged.items()}.items() <= rows.items()
    assert logs == rolled == (total,)


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a line that is seen also when the test passes."""

    def report(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}")

    return report


def test_kill_9_of_web_under_load(transactional_db: None, tmp_path: Path, report: Callable[[str], None]) -> None:
    _, key = make_key(make_people().workspace)
    web = Web({"PORTKEY_LOGS_DATA_DIR": str(tmp_path)})
    load = Load(web.port, key)
    try:
        web.start()
        with load.running():
            for _ in range(2):
                load.more()
                web.kill()
                web.start()
            load.more()
        check(load, database_url(), report)
    finally:
        web.kill()


def test_a_killed_web_that_had_spooled_logs_stores_them_after_its_restart(
    transactional_db: None, tmp_path: Path, report: Callable[[str], None]
) -> None:
    """The database is away, web dies and starts again, the database comes back: nobody sends anything any more."""
    _, key = make_key(make_people().workspace)
    web = Web({"PORTKEY_LOGS_DATA_DIR": str(tmp_path)})
    load = Load(web.port, key)
    try:
        web.start()
        with load.running():
            load.more(50)
            with database_away():
                load.more()
                web.kill()
        web.start()
        health = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
        health.request("GET", "/healthz")
        assert health.getresponse().status == 200
        health.close()
        check(load, database_url(), report)
    finally:
        web.kill()


def test_postgresql_stopped_and_started_under_load(tmp_path: Path, report: Callable[[str], None]) -> None:
    server = Server(tmp_path)
    server.start()
    env = {"DATABASE_URL": server.url, "PORTKEY_LOGS_DATA_DIR": str(tmp_path)}
    web = Web(env)
    try:
        run(env, "migrate", "--verbosity", "0")
        key = run(env, "shell", "--verbosity", "0", "-c", MAKE_KEY).split()[-1]
        load = Load(web.port, key)
        web.start()
        with load.running():
            load.more()
            server.stop()
            load.more()  # into the spool
            server.start()
            load.more()
        check(load, server.url, report)
    finally:
        web.kill()
        server.stop()


MAKE_KEY = """
from portkey_logs.accounts.models import ApiKey, Organisation, Workspace
organisation = Organisation.objects.create(slug="load")
print(ApiKey.issue(Workspace.objects.create(slug="load", organisation=organisation), "load")[1])
"""


def run(env: dict[str, str], *command: str) -> str:
    process = start("manage.py", *command, env=env, stdout=subprocess.PIPE)
    output, _ = process.communicate()
    assert process.returncode == 0
    return output


def test_three_processes_on_the_same_hot_keys_while_the_worker_folds(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Callable[[str], None]
) -> None:
    monkeypatch.setattr(rollups, "FOLD_ROWS", 1)
    workspace = make_people().workspace
    shared = [str(uuid7.uuid7()) for _ in range(200)]  # sent by all three: stored by whoever is first
    writers = [
        start(
            *("-m", "tests.logs.ingest.hot_writer", str(workspace.pk), "400"),
            env={"PORTKEY_LOGS_DATA_DIR": str(tmp_path / str(number))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(3)
    ]
    outcomes: Counter[str] = Counter()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n".join(shared))
        writer.stdin.close()
        writer.stdin = None
    folds = 0
    while any(writer.poll() is None for writer in writers):
        folds += rollups.fold(connection, datetime.now(UTC))
    for writer in writers:
        output, _ = writer.communicate()
        assert writer.returncode == 0
        outcomes.update(ast.literal_eval(output))
    report(f"{dict(outcomes)}, {folds} buckets folded meanwhile")
    # A deadlock would have sent a batch to the spool.
    assert outcomes == {"stored": 3 * 400 + 200, "duplicate": 400}
    assert Log.objects.count() == 1400
    assert folds > 0
    assert sums.core_of_rollups() == sums.core_of_logs()
    assert sums.dimensions_of_rollups() == sums.dimensions_of_logs()

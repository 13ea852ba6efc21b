"""H1: requests whose bodies trickle stopped web for everybody, signed out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.slow_clients import SlowClients, calls_of, memory_mb
from logs.models import Log
from portkey_logs.front import limits
from portkey_logs.front.app import Front
from tests.e2e.gateway import Process, web
from tests.factories import make_key, make_people
from tests.logs.processes import database_url
from tests.security.front import CHUNK, Call
from tests.together import run_in_thread

Serve = Callable[[Call], Call]
LOG = json.dumps({"request": {"url": "https://api.openai.com/v1/chat/completions", "body": {"model": "m"}}}).encode()


class Stalled(Call):
    """A caller who sends a part of a body and then nothing more."""

    async def receive(self) -> dict[str, object]:
        """See the ASGI specification."""
        if self.bytes_read:
            await asyncio.Event().wait()
        return await super().receive()


@pytest.mark.parametrize("path", ["/accounts/login/", "/v1/logs", "/w/acme/playground/run/"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_does_not_come_is_refused(
    front: Serve, api_key: str, monkeypatch: pytest.MonkeyPatch, path: str, declared: bool
) -> None:
    """Not even a caller with a key may keep the server waiting."""
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(limits, "MIN_BYTES_A_SECOND", 1_000_000)
    call = front(Stalled("POST", path, 900_000, declared=declared, x_portkey_api_key=api_key))
    assert (call.status, call.headers["connection"]) == (408, "close")
    assert b"The body came too slowly" in call.body


def test_the_health_check_reads_no_body(front: Serve) -> None:
    call = front(Call("GET", "/healthz", 5_000))
    assert (call.status, call.bytes_read) == (200, 0)


def test_no_thread_waits_for_a_body(front: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(limits, "MIN_BYTES_A_SECOND", 1_000_000)

    def application(environ: dict[str, object], start_response: object) -> list[bytes]:
        raise AssertionError("a thread was taken")

    call = run_in_thread(Stalled("POST", "/accounts/login/", 900_000).made(Front(application)))
    assert call.status == 408


def test_slow_bodies_give_way_where_all_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 clients that send a megabyte each and stop would refuse the forms of everybody else for a minute."""
    monkeypatch.setattr(limits, "MAX_HELD_UNKNOWN_BYTES", 10 * CHUNK)
    monkeypatch.setattr(limits, "GIVE_WAY_SECONDS", 0.0)
    monkeypatch.setattr(limits, "GIVE_WAY_BYTES_A_SECOND", 1 << 40)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("content-length", "0")])
        return [b""]

    async def scene() -> tuple[list[Call], list[Call]]:
        front = Front(application)
        stalled = [Stalled("POST", "/accounts/login/", 900_000) for _ in range(10)]
        waiting = [asyncio.create_task(call.made(front)) for call in stalled]
        while not all(call.bytes_read for call in stalled):
            await asyncio.sleep(0)
        complete = [await Call("POST", "/accounts/login/", 3 * CHUNK).made(front) for _ in range(3)]
        for task in waiting:
            task.cancel()
        return stalled, complete

    stalled, complete = run_in_thread(scene())
    assert [call.status for call in complete] == [200] * 3
    assert [call.status for call in stalled] == [408] * 3 + [0] * 7  # the oldest, and no more than it takes


def test_without_a_valid_key_the_api_reads_nothing(front: Serve) -> None:
    for headers in ({}, {"x_portkey_api_key": "plk_unknown"}, {"authorization": "Bearer plk_unknown"}):
        call = front(Call("POST", "/v1/logs", 5_000, **headers))
        assert (call.status, call.bytes_read, call.headers["connection"]) == (401, 0, "close")
        assert json.loads(call.body)["error"]["code"] == "03"


class Sent(Call):
    """A caller with a body of one's own."""

    def __init__(self, body: bytes, *, declared: bool, **headers: str) -> None:
        super().__init__("POST", "/v1/logs", len(body), declared=declared, **headers)
        self._chunks = iter([body[:100], body[100:]])
        self._size = len(body)

    async def receive(self) -> dict[str, object]:
        """See the ASGI specification."""
        message = await super().receive()
        return message | {"more_body": self.bytes_read < self._size}


@pytest.mark.parametrize("declared", [True, False])
def test_a_log_is_read_whole_however_it_is_sent(front: Serve, api_key: str, declared: bool) -> None:
    call = front(Sent(LOG, declared=declared, x_portkey_api_key=api_key))
    assert (call.status, call.headers.get("connection")) == (200, None)
    assert Log.objects.count() == 1


def test_a_header_with_underscores_is_none_of_ours(front: Serve, api_key: str) -> None:
    """It could not be told from the one with dashes that a proxy sets."""
    call = Call("GET", "/v1/logs", 0)
    call.scope["headers"].append((b"x_portkey_api_key", api_key.encode()))
    assert front(call).status == 401


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[Process]:
    with web(tmp_path, {"DATABASE_URL": database_url()}).running() as process:
        yield process


@pytest.mark.processes
def test_two_hundred_trickling_clients_stop_nobody(server: Process) -> None:
    key = make_key(make_people().workspace)[1]
    calls = calls_of("web", server.port, key)
    with SlowClients(server.port, "web", 200):
        for _ in range(5):
            assert {name: call() for name, call in calls.items()} == dict.fromkeys(calls, 200)
        assert memory_mb(server.pid) < 500

"""H1, capture: connections without a key are few and end soon, and every body has a deadline."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from logs.capture import server as server_module
from logs.capture import unknown as unknown_module
from logs.capture.unknown import UnknownConnections
from tests.e2e import gateway as servers
from tests.e2e.gateway import Process
from tests.factories import make_key, make_people
from tests.logs.capture.harness import CHAT, run
from tests.logs.capture.test_pass_through import ANSWER, chat
from tests.logs.capture.test_server import Wire, silent, wired
from tests.logs.processes import database_url
from tests.together import run_in_thread

TRICKLING = 200
MAX_MEMORY_MB = 500
LINE = "POST /v1/chat/completions HTTP/1.1"


class Closed:
    """A connection that can be closed."""

    def __init__(self) -> None:
        self.closed = False

    def force_close(self) -> None:
        self.closed = True


def test_the_oldest_unknown_connection_ends_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_module, "MAX_UNKNOWN_PER_ADDRESS", 3)
    monkeypatch.setattr(unknown_module, "MAX_UNKNOWN", 5)
    unknown = UnknownConnections()
    first = [Closed() for _ in range(5)]
    for connection in first:
        unknown.add(connection, "192.0.2.1")
    assert [connection.closed for connection in first] == [True, True, False, False, False]
    unknown.discard(first[2])  # it is known now
    others = [Closed() for _ in range(4)]
    for number, connection in enumerate(others):
        unknown.add(connection, f"192.0.2.{number + 2}")
    assert [connection.closed for connection in first] == [True, True, False, True, False]
    assert not any(connection.closed for connection in others)
    assert len(unknown) == 5
    for connection in [*first, *others]:
        unknown.discard(connection)
        unknown.discard(connection)
    assert len(unknown) == 0


def test_a_connection_without_a_key_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "UNKNOWN_SECONDS", 0.2)

    async def scenario() -> None:
        async with wired(chat) as (_, wire):
            wire.post()
            assert await wire.answer() == (200, ANSWER)
            host, port = wire.writer.get_extra_info("peername")
            for start in (
                b"",
                b"POST /v1/chat/completions HTTP/1.1\r\nx: ",
                b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
            ):
                reader, writer = await asyncio.open_connection(host, port)
                writer.write(start)
                async with asyncio.timeout(5):
                    assert (await reader.read()).startswith(b"HTTP/1.1 200" if b"healthz" in start else b"")
                writer.close()
            wire.post()  # the known one stays
            assert await wire.answer() == (200, ANSWER)

    run(scenario())


def test_unfinished_heads_have_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_UNKNOWN_HEAD_BYTES", 50_000)

    async def scenario() -> None:
        async with wired(chat) as (_, wire):
            host, port = wire.writer.get_extra_info("peername")
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\n" + b"x: y\r\n" * 10 + b"y: " + b"z" * 60_000)
            with suppress(ConnectionResetError):  # it may end with the answer unread
                assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
            wire.post()
            assert await wire.answer() == (200, ANSWER)
            wire.post(f"x-big: {'y' * 100_000}")  # it is known now, and the upstream refuses
            assert (await wire.answer())[0] == 400

    run(scenario())


def trickle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(server_module, "MIN_BYTES_A_SECOND", 10_000_000)
    monkeypatch.setattr(server_module, "LINGER_SECONDS", 0.1)


async def send_slowly(wire: Wire) -> None:
    with suppress(ConnectionError):
        while True:
            wire.writer.write(b"1\r\nx\r\n")
            await wire.writer.drain()
            await asyncio.sleep(0.02)


async def drain(request: web.Request) -> web.Response:
    with suppress(ConnectionError):
        while await request.content.readany():
            pass
    return web.json_response({})


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/logs", "/v1/feedback"])
@pytest.mark.parametrize("at_first", [0, 500_000])
def test_a_body_that_trickles_is_answered_with_408(monkeypatch: pytest.MonkeyPatch, path: str, at_first: int) -> None:
    """Also when the first part of it went on already."""
    trickle(monkeypatch)

    async def scenario() -> None:
        async with wired(drain) as (it, wire):
            wire.send(f"POST {path} HTTP/1.1", "Transfer-Encoding: chunked", "x-portkey-provider: openai")
            if at_first:
                wire.writer.write(f"{at_first:x}\r\n".encode() + b"x" * at_first + b"\r\n")
            sending = asyncio.create_task(send_slowly(wire))
            status, body = await wire.answer()
            sending.cancel()
            assert (status, json.loads(body)["message"]) == (408, "The body came too slowly.")
            async with asyncio.timeout(5):
                assert await wire.reader.read() == b""  # it closes
            if path == "/v1/chat/completions":
                assert (it.records[0].status_code, it.records[0].is_success) == (408, False)

    run(scenario())


def test_a_slow_upstream_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    trickle(monkeypatch)

    async def slow(request: web.Request) -> web.Response:
        size = 0
        for _ in range(5):
            await asyncio.sleep(0.15)
            size += len(await request.content.readany())
        async for part in request.content.iter_any():
            size += len(part)
        return web.json_response({"size": size})

    async def scenario() -> None:
        async with wired(slow) as (_, wire):
            wire.post("x-portkey-provider: openai", body=b"x" * 8_000_000)
            status, body = await wire.answer()
            assert (status, json.loads(body)) == (200, {"size": 8_000_000})

    run(scenario())


def test_a_body_without_a_key_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "LINGER_SECONDS", 0.1)

    async def scenario() -> None:
        async with wired(silent) as (it, wire):
            wire.writer.write(f"{LINE}\r\nHost: a\r\nContent-Length: 90000000\r\n\r\nx".encode())
            assert (await wire.answer())[0] == 401
            async with asyncio.timeout(5):
                assert await wire.reader.read() == b""
            assert it.records == []

    run(scenario())


# --- the real process --------------------------------------------------------------------------------------


@pytest.fixture
def capture(transactional_db: None, tmp_path: Path) -> Iterator[tuple[Process, str]]:
    key = make_key(make_people().workspace)[1]
    with servers.stub_provider(tmp_path).running() as stub:
        env = {"DATABASE_URL": database_url(), "PORTKEY_GATEWAY_URL": stub.url}
        with servers.capture(tmp_path, env).running() as process:
            yield process, key


def memory_mb(process: Process) -> float:
    """Resident memory."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def seconds(session: aiohttp.ClientSession, process: Process, key: str) -> tuple[float, float]:
    """Median times of the health check and of a call."""

    async def one(method: str, path: str, **options: object) -> float:
        began = time.perf_counter()
        async with session.request(method, process.url + path, **options) as response:  # type: ignore[arg-type]
            assert response.status == 200, await response.text()
            await response.read()
        return time.perf_counter() - began

    headers = {"x-portkey-api-key": key, "content-type": "application/json"}
    health, calls = [], []
    for _ in range(30):
        health.append(await one("GET", "/healthz"))
        calls.append(await one("POST", "/v1/chat/completions", data=CHAT, headers=headers))
    return sorted(health)[15], sorted(calls)[15]


STARTS = {
    "heads": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nx-a: ",
    "large heads": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + b"x-a: " + b"y" * 300_000 + b"\r\nx-b: ",
    "bodies": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n\r\n",
    "bodies for web": b"POST /v1/logs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n",
}


@pytest.mark.processes
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_trickling_connections_hold_nobody_up(capture: tuple[Process, str], start: bytes) -> None:
    process, key = capture

    async def trickling() -> None:
        """One connection that sends a byte now and then, and connects again when it is closed."""
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", process.port)
                writer.write(start)
                while not writer.is_closing():
                    await writer.drain()
                    await asyncio.sleep(0.2)
                    writer.write(b"x")
            await asyncio.sleep(0.2)

    async def scenario() -> None:
        async with aiohttp.ClientSession() as session:
            idle = await seconds(session, process, key)
            hostile = [asyncio.create_task(trickling()) for _ in range(TRICKLING)]
            try:
                await asyncio.sleep(2)
                loaded = await seconds(session, process, key)
            finally:
                for task in hostile:
                    task.cancel()
            for before, now in zip(idle, loaded, strict=True):
                assert now < 2 * before + 0.02  # the clients take a part of the same cores
            assert memory_mb(process) < MAX_MEMORY_MB

    run_in_thread(scenario())


@pytest.mark.processes
def test_five_hundred_streams_and_large_bodies_pass_through_the_process(capture: tuple[Process, str]) -> None:
    process, key = capture
    headers = {"x-portkey-api-key": key, "content-type": "application/json"}

    async def scenario() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def call(body: bytes) -> int:
                url = f"{process.url}/v1/chat/completions"
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()
                    return response.status

            streams = await asyncio.gather(*(call(CHAT[:-1] + b',"stream":true}') for _ in range(500)))
            assert set(streams) == {200}
            assert await call(CHAT[:-1] + b',"user":"' + b"x" * (63 << 20) + b'"}') == 200

    run_in_thread(scenario())

"""Capture's own server, as a client sees it on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from logs.capture import app as app_module
from logs.capture import server as server_module
from logs.capture.server import Connection, server_of
from logs.capture.unknown import UnknownConnections
from tests.logs.capture.harness import CHAT, KEY, Handler, Stand, run, stand
from tests.logs.capture.test_pass_through import ANSWER, EVENTS, chat, streaming


class Wire:
    """One connection of a client that writes its requests by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: web.Server) -> None:
        self.reader = reader
        self.writer = writer
        self.server = server

    def send(self, *lines: str, body: bytes = b"") -> None:
        """A request: its line and its headers, the key among them."""
        head = "".join(f"{line}\r\n" for line in (*lines, "Host: capture", f"x-portkey-api-key: {KEY}"))
        self.writer.write(head.encode() + b"\r\n" + body)

    def post(self, *headers: str, body: bytes = CHAT, version: str = "1.1") -> None:
        self.send(f"POST /v1/chat/completions HTTP/{version}", f"Content-Length: {len(body)}", *headers, body=body)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of what comes next."""
        first, *rest = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        pairs = (line.partition(": ") for line in rest)
        return int(first.split()[1]), {name.lower(): value for name, _, value in pairs}

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of an answer that tells its length."""
        status, headers = await self.head()
        return status, await self.reader.readexactly(int(headers["content-length"]))


@asynccontextmanager
async def wired(handler: Handler) -> AsyncIterator[tuple[Stand, Wire]]:
    """Capture behind its server, and a connection to it."""
    async with stand(handler) as it:
        server = server_of(it.app)
        listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(server, UnknownConnections()), "127.0.0.1", 0
        )
        reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        try:
            yield it, Wire(reader, writer, server)
        finally:
            writer.close()
            listener.close()
            await server.shutdown(1)


async def silent(request: web.Request) -> web.Response:
    raise AssertionError("nothing may come this far")


def test_calls_of_one_connection_are_answered_in_their_order() -> None:
    async def echo(request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.sleep(0.01 if body == b"1" else 0)
        return web.Response(body=body)

    async def scenario() -> None:
        async with wired(echo) as (it, wire):
            for body in (b"1", b"2", b"3"):
                wire.post(body=body)
            assert [await wire.answer() for _ in range(3)] == [(200, b"1"), (200, b"2"), (200, b"3")]
            assert [record.request_body for record in it.records] == [b"1", b"2", b"3"]

    run(scenario())


def test_a_client_of_http_1_0_gets_no_chunks() -> None:
    async def scenario() -> None:
        async with wired(streaming(EVENTS)) as (it, wire):
            wire.post(version="1.0")
            status, headers = await wire.head()
            assert (status, await wire.reader.read()) == (200, b"".join(EVENTS))
            assert "transfer-encoding" not in headers
            assert it.records[0].response_body == b"".join(EVENTS)

    run(scenario())


@pytest.mark.parametrize("split", [False, True])
def test_the_offer_of_another_protocol_is_passed_over(split: bool) -> None:
    """Java's HTTP client makes it with each call, body and all."""

    async def scenario() -> None:
        async with wired(chat) as (it, wire):
            wire.post("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAA", body=b"")
            assert (await wire.answer())[0] == 200
            wire.send(
                "POST /v1/chat/completions HTTP/1.1",
                "Connection: Upgrade",
                "Upgrade: h2c",
                f"Content-Length: {len(CHAT)}",
                body=b"" if split else CHAT,
            )
            if split:
                await wire.writer.drain()
                wire.writer.write(CHAT)
            assert await wire.answer() == (200, ANSWER)
            assert it.records[1].request_body == CHAT

    run(scenario())


def test_who_expects_to_be_told_to_go_on_is_told() -> None:
    async def scenario() -> None:
        async with wired(chat) as (_, wire):
            wire.post("Expect: 100-continue", body=b"")
            assert (await wire.head())[0] == 100
            assert await wire.answer() == (200, ANSWER)

            line = "POST /v1/chat/completions HTTP/1.1"
            wire.writer.write(f"{line}\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n".encode())
            assert (await wire.head())[0] == 401

    run(scenario())


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding : chunked"],
        ["Content-Length: +5"],
        ["X-Folded: a", " Content-Length: 5"],
    ],
)
def test_what_another_server_might_read_as_two_requests_is_refused(headers: list[str]) -> None:
    async def scenario() -> None:
        async with wired(silent) as (it, wire):
            wire.send("POST /v1/chat/completions HTTP/1.1", *headers, body=b"0\r\n\r\nGET /v1/models HTTP/1.1\r\n\r\n")
            assert (await wire.head())[0] == 400
            await wire.reader.read()  # it closes
            assert it.records == []

    run(scenario())


def test_a_trailer_is_no_header() -> None:
    seen: list[dict[str, Any]] = []

    async def upstream(request: web.Request) -> web.Response:
        await request.read()
        seen.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response()

    async def scenario() -> None:
        async with wired(upstream) as (it, wire):
            body = b"2\r\n{}\r\n0\r\nx-late: 1\r\nauthorization: Bearer sk-late\r\n\r\n"
            wire.send("POST /v1/chat/completions HTTP/1.1", "Transfer-Encoding: chunked", body=body)
            assert (await wire.answer())[0] == 200
            assert not {"x-late", "authorization"} & seen[0].keys()
            assert it.records[0].request_body == b"{}"

    run(scenario())


@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        ([f"x-{number}: {'y' * 300_000}" for number in range(9)], {431}),
        ([f"x-big: {'y' * 2_000_000}"], {400, 431}),
        ([f"x-{number}: y" for number in range(500)], {400}),
    ],
)
def test_too_much_before_a_body_is_refused(headers: list[str], statuses: set[int]) -> None:
    async def scenario() -> None:
        async with wired(silent) as (it, wire):
            wire.writer.write("\r\n".join(["POST /v1/chat/completions HTTP/1.1", *headers]).encode())
            assert (await wire.head())[0] in statuses
            assert it.records == []

    run(scenario())


def test_a_large_config_and_a_large_body_are_none_too_much() -> None:
    async def upstream(request: web.Request) -> web.Response:
        return web.json_response({"size": len(await request.read())})

    async def scenario() -> None:
        async with wired(upstream) as (_, wire):
            for _ in range(2):
                wire.post(f"x-big: {'y' * 5_000}", body=b"x" * 5_000_000)
                status, body = await wire.answer()
                assert (status, json.loads(body)) == (200, {"size": 5_000_000})

    run(scenario())


def test_who_does_not_finish_a_head_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "IDLE_SECONDS", 0.05)

    async def scenario() -> None:
        async with wired(silent) as (_, wire):
            wire.writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nx: ")
            assert await wire.reader.read() == b""

    run(scenario())


def test_headers_pass_as_they_are() -> None:
    seen: list[tuple[str, str]] = []

    async def upstream(request: web.Request) -> web.StreamResponse:
        seen.extend(request.headers.items())
        response = web.StreamResponse(headers={"X-Name": "Grüße", "Set-Cookie": "a=1"})
        response.headers.add("Set-Cookie", "b=2")
        await response.prepare(request)
        del response.headers["Content-Type"]
        return response

    async def scenario() -> None:
        async with wired(upstream) as (_, wire):
            wire.writer.write(b"GET /v1/models HTTP/1.1\r\nX-Utf8: Gr\xc3\xbc\xc3\x9fe\r\nX-Latin: Gr\xfc\xdfe\r\n")
            wire.send("X-Twice: 1", "X-Twice: 2")
            lines = (await wire.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            assert "X-Name: Grüße" in lines
            assert [line for line in lines if line.startswith("Set-Cookie")] == ["Set-Cookie: a=1", "Set-Cookie: b=2"]
            assert {("X-Utf8", "Grüße"), ("X-Latin", "Grüße"), ("X-Twice", "1"), ("X-Twice", "2")} <= set(seen)

    run(scenario())


def test_an_answer_that_breaks_off_ends_without_its_last_chunk() -> None:
    async def upstream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"some")
        assert request.transport is not None
        request.transport.close()
        return response

    async def scenario() -> None:
        async with wired(upstream) as (it, wire):
            wire.post()
            assert (await wire.head())[0] == 200
            assert await wire.reader.read() == b"4\r\nsome\r\n"
            assert it.records[0].completeness == "cut"

    run(scenario())


def test_a_client_that_leaves_is_noticed() -> None:
    async def scenario() -> None:
        left = asyncio.Event()

        async def upstream(request: web.Request) -> web.Response:
            await left.wait()
            return await chat(request)

        async with wired(upstream) as (it, wire):
            wire.post()
            while not it.app.metrics.in_flight:
                await asyncio.sleep(0)
            wire.writer.transport.abort()
            while it.app.metrics.clients_left == 0:
                left.set()
                await asyncio.sleep(0)
            assert [record.completeness for record in it.records] == ["client_left"]

    run(scenario())


def test_a_slow_client_slows_the_upstream_down() -> None:
    """What it has not taken yet waits at the provider, not in our memory."""
    part, parts = b"x" * 65_536, 600  # 39 MB, more than the sockets between them hold

    async def scenario() -> None:
        sent = 0

        async def upstream(request: web.Request) -> web.StreamResponse:
            nonlocal sent
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(parts):
                await response.write(part)
                sent += 1
            return response

        async with wired(upstream) as (_, wire):
            wire.post(version="1.0")
            assert (await wire.head())[0] == 200
            before = -1
            while sent > before:  # until it moves no more
                before = sent
                await asyncio.sleep(0.2)
            assert sent < parts
            assert len(await wire.reader.read()) == len(part) * parts

    run(scenario())


def test_what_is_still_under_way_when_it_stops_is_recorded() -> None:
    async def upstream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(EVENTS[0])
        await asyncio.Event().wait()
        return response

    async def scenario() -> None:
        async with wired(upstream) as (it, wire):
            wire.post()
            await wire.reader.readuntil(EVENTS[0])
            await wire.server.shutdown(0.01)
            while not it.records:
                await asyncio.sleep(0)
            (record,) = it.records
            assert (record.completeness, record.error_message) == ("cut", "Capture was stopped.")
            assert record.response_body == EVENTS[0]

    run(scenario())


@pytest.mark.parametrize(
    "line",
    [
        b"GET /v1/\xff HTTP/1.1",
        b"GET /v1/%ff%00 HTTP/1.1",
        b"GET http://elsewhere/v1/models HTTP/1.1",
        b"CONNECT a:1 HTTP/1.1",
    ],
)
def test_targets_that_nobody_sends_by_mistake_get_an_answer(line: bytes) -> None:
    async def scenario() -> None:
        async with wired(chat) as (_, wire):
            wire.writer.write(line + b"\r\n")
            wire.send("Connection: close")
            assert (await wire.head())[0] in (200, 400, 404)

    run(scenario())


def test_more_calls_than_there_may_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "MAX_CALLS", 0)

    async def scenario() -> None:
        async with wired(silent) as (_, wire):
            wire.post()
            status, body = await wire.answer()
            assert (status, json.loads(body)["error"]["code"]) == (503, "busy")

    run(scenario())

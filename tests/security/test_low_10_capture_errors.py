"""Low 10, capture: no answer names the versions of what serves it, or quotes what was no HTTP."""

from __future__ import annotations

import asyncio
import json
import re

import aiohttp
import pytest

from tests.logs.capture.harness import run
from tests.logs.capture.test_server import silent, wired

NAMES = re.compile(rb"(?i)python|aiohttp|uvloop|Traceback|\bserver:")
NO_HTTP = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret\r\n\r\n",
    "a bad line": b"POST\r\n\r\n",
    "a bad method": b"P@ST /v1/x secret/1.1\r\n\r\n",
    "a bad version": b"GET /v1/x HTTP/secret\r\n\r\n",
    "a bad header": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nsecret\r\n\r\n",
    "two lengths": b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a long line": b"GET /v1/secret" + b"x" * 409_700 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "many headers": b"GET /v1/x HTTP/1.1\r\nHost: a\r\n" + b"secret: x\r\n" * 200 + b"\r\n",
    "a bad target": b"GET http://[secret HTTP/1.1\r\nHost: a\r\n\r\n",
}


async def answer_to(wire: object, request: bytes) -> bytes:
    host, port = wire.writer.get_extra_info("peername")  # type: ignore[attr-defined]
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("request_bytes", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_http_is_answered_in_our_words(request_bytes: bytes) -> None:
    async def scenario() -> None:
        async with wired(silent) as (_, wire):
            answer = await answer_to(wire, request_bytes)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ", b"HTTP/1.1 404 "))
            assert not NAMES.search(answer)
            assert json.loads(body)["status"] == "failure"
            if b" 400 " in head:
                assert b"secret" not in answer

    run(scenario())


@pytest.mark.parametrize("target", ["/healthz", "/metrics", "/nowhere", "/v1/models", "/v1/logs"])
def test_no_answer_names_its_server(target: str) -> None:
    async def scenario() -> None:
        async with wired(silent) as (it, wire):
            it.app.web._session = _Broken()  # type: ignore[attr-defined, assignment]
            answer = await answer_to(wire, f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            assert answer.startswith(b"HTTP/1.1 ")
            assert not NAMES.search(answer)

    run(scenario())


def test_an_error_of_our_own_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with wired(silent) as (it, wire):

            async def fail(*args: object) -> None:
                raise RuntimeError("python aiohttp")

            monkeypatch.setattr(it.app, "_health", fail)
            answer = await answer_to(wire, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 500 ")
            assert not NAMES.search(answer)

    run(scenario())


class _Broken:
    """A session of a client that reaches nobody."""

    def request(self, *args: object, **kwargs: object) -> object:
        raise aiohttp.ClientError("no route")

    async def close(self) -> None: ...

"""M6: in capture each API key has a share, and no key has another's."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from aiohttp import web

from portkey_logs.lib.shares import ShareLimits
from tests.logs.capture.harness import CHAT, GRANT, Client, Stand, run, stand


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response({"model": "m", "choices": []})


def assert_refused(client: Client, words: str) -> int:
    """The answer is a 429 in Portkey's shape; returns its Retry-After."""
    body = json.loads(client.body)
    assert (client.status, body["status"], body["error"]["code"]) == (429, "failure", "05")
    assert words in body["message"]
    assert body["error"]["message"] == body["message"]
    return int(client.headers["retry-after"])


async def metrics(it: Stand) -> str:
    return (await it.client("/metrics", b"", method="GET", key="").run()).body.decode()


def test_calls_at_a_time() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def slow(request: web.Request) -> web.Response:
            await gate.wait()
            return web.json_response({})

        async with stand(slow, share_limits=ShareLimits(2, 100, 1_000_000)) as it:
            calls = [asyncio.create_task(it.call()) for _ in range(2)]
            while it.app.metrics.in_flight < 2:
                await asyncio.sleep(0.01)
            assert assert_refused(await it.call(), "2 calls at a time") == 1
            assert it.records == []
            gate.set()
            assert {(await call).status for call in calls} == {200}
            assert (await it.call()).status == 200
            page = await metrics(it)
            assert 'portkey_logs_capture_over_share_total{reason="calls_at_a_time",workspace_id="7"} 1' in page

    run(scenario())


def test_calls_per_minute_and_other_keys() -> None:
    async def scenario() -> None:
        async with stand(answer, share_limits=ShareLimits(10, 3, 1_000_000)) as it:
            for _ in range(3):
                assert (await it.call()).status == 200
            assert 18 <= assert_refused(await it.call(), "3 calls per minute") <= 20
            it.app.keys.grant = msgspec.structs.replace(GRANT, api_key_id=2)  # type: ignore[attr-defined]
            assert (await it.call()).status == 200
            assert 'reason="calls_per_minute",workspace_id="7"} 1' in await metrics(it)

    run(scenario())


def test_a_call_without_a_key_takes_nothing_of_a_share() -> None:
    async def scenario() -> None:
        async with stand(answer, share_limits=ShareLimits(10, 3, 1_000_000)) as it:
            for _ in range(50):
                assert (await it.call(key="plk_unknown")).status == 401
            assert (await it.call()).status == 200

    run(scenario())


def reads_nothing(client: Client) -> Client:
    async def read() -> bytes:
        raise AssertionError("the body was read")

    client.read = read  # type: ignore[method-assign]
    return client


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/logs", "/v1/feedback", "/v1/prompts", "/v1/configs"])
@pytest.mark.parametrize("length", [{"content_length": "5000000"}, {"transfer_encoding": "chunked"}])
def test_nothing_is_read_before_the_key_is_known(path: str, length: dict[str, str]) -> None:
    async def scenario() -> None:
        async with stand(answer) as it:
            for key in ("", "plk_unknown"):
                assert (await reads_nothing(it.client(path, key=key, **length)).run()).status == 401

    run(scenario())


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/logs"])
def test_nothing_is_read_beyond_the_share(path: str) -> None:
    async def scenario() -> None:
        async with stand(answer, share_limits=ShareLimits(10, 100, 6_000)) as it:
            assert (await it.call(path, b"x" * 5_000, content_length="5000")).status == 200
            client = reads_nothing(it.client(path, content_length="5000"))
            assert 39 <= assert_refused(await client.run(), "6,000 bytes per minute") <= 40

    run(scenario())


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/logs"])
@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_a_body_of_unknown_length_ends_with_the_share(path: str, size: int) -> None:
    """However far it has come, even if it has no end."""
    passed: list[int] = []

    async def drain(request: web.Request) -> web.Response:
        with suppress(ConnectionError):
            passed.extend([len(part) async for part in request.content.iter_any()])
        return web.json_response({})

    async def scenario() -> None:
        async with stand(drain, share_limits=ShareLimits(10, 100, size)) as it:
            client = it.client(path, [b"x" * 50_000] * 1_000, x_portkey_provider="openai")
            await client.run()
            assert_refused(client, f"{size:,} bytes per minute")
            assert client.parts
            assert sum(passed) <= size
            if path != "/v1/logs":
                assert it.records[0].status_code == 429
            assert 'reason="bytes_per_minute",workspace_id="7"} 1' in await metrics(it)

    run(scenario())


def test_five_hundred_streams_of_one_key_pass() -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: {}\n\n")
        await asyncio.sleep(0.5)
        await response.write(b"data: [DONE]\n\n")
        return response

    async def scenario() -> None:
        async with stand(stream) as it:
            clients = await asyncio.gather(*(it.call(body=CHAT[:-1] + b',"stream":true}') for _ in range(500)))
            assert {client.status for client in clients} == {200}

    run(scenario())


def test_a_large_body_passes_within_the_defaults() -> None:
    async def size(request: web.Request) -> web.Response:
        total = 0
        async for part in request.content.iter_any():
            total += len(part)
        return web.json_response({"size": total})

    async def scenario() -> None:
        async with stand(size) as it:
            body: list[Any] = [b"x" * 1_048_576] * 64
            client = await it.call(body=body, content_length=str(64 << 20), x_portkey_provider="openai")
            assert json.loads(client.body) == {"size": 64 << 20}

    run(scenario())

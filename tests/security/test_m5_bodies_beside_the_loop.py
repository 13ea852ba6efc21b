"""M5: however a caller's body is made, capture reads it beside the event loop, and within bounds."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web

from logs.capture.resolve import MAX_PROMPT_BODY_BYTES
from tests.logs.capture.harness import GRANT, Stand, run, stand
from tests.logs.capture.test_resolve import SHELF

PROMPT = "/v1/prompts/pp-greet/completions"
MAX_LOOP_MS = 100  # of the loop's own CPU time without a pause; 15 are usual, a body on the loop takes seconds
OBJECTS = b'{"variables":{"name":[' + b"{}," * 6_000_000 + b"{}]}}"


class Lag:
    """Longest CPU time of the event loop's thread without a pause, in ms."""

    def __init__(self) -> None:
        self.ms = 0.0

    async def watch(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0.002)
            now = time.thread_time()
            self.ms, before = max(self.ms, (now - before) * 1000), now


@asynccontextmanager
async def watched() -> AsyncIterator[Lag]:
    lag = Lag()
    task = asyncio.create_task(lag.watch())
    await asyncio.sleep(0)
    try:
        yield lag
    finally:
        task.cancel()


async def upstream(request: web.Request) -> web.Response:
    while await request.content.readany():
        pass
    return web.json_response({"model": "m", "choices": []})


async def lag_of(it: Stand, *args: Any, **kwargs: Any) -> tuple[int, float]:
    """Status of a call, and the lag while it lasted."""
    client = it.client(*args, **kwargs)
    async with watched() as lag:
        await client.run()
    return client.status, lag.ms


def test_a_small_prompt_call_that_unpacks_to_much_costs_little() -> None:
    body = gzip.compress(OBJECTS)
    assert len(body) < 30_000

    async def scenario() -> None:
        async with stand(upstream, shelf=SHELF) as it:
            tracemalloc.start()
            try:
                status, ms = await lag_of(it, PROMPT, body, content_encoding="gzip")
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert status == 413
            assert ms < MAX_LOOP_MS
            assert peak < 60_000_000
            assert it.records[0].request_body == body
            assert it.records[0].status_code == 413

    run(scenario())


ARRAYS = b'{"variables":{"name":[' + b"[]," * 1_300_000 + b"[]]}}"
BODIES = {
    "many objects": (OBJECTS[: MAX_PROMPT_BODY_BYTES - 5] + b"{}]}}", "", 400),
    "many arrays": (ARRAYS, "", 400),
    "one byte too many": (b'{"variables":{"name":"' + b"x" * (MAX_PROMPT_BODY_BYTES - 24) + b'"}}', "", 413),
    "as much as may be": (b'{"variables":{"name":"' + b"x" * 3_900_000 + b'"}}', "", 200),
    "compressed": (gzip.compress(b'{"variables":{"name":"' + b"x" * 3_900_000 + b'"}}'), "gzip", 200),
    "deep": (b'{"variables":{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "", 400),
    "rather deep": (b'{"variables":{"name":' + b"[" * 900 + b"]" * 900 + b"}}", "", 200),
    "unknown encoding": (b"{}", "br", 415),
    "damaged": (gzip.compress(b"{}")[:-3], "gzip", 400),
    "twice": (gzip.compress(gzip.compress(b"{}")), "gzip, gzip", 200),
}


@pytest.mark.parametrize(("body", "encoding", "status"), BODIES.values(), ids=BODIES)
def test_prompt_bodies_are_bounded(body: bytes, encoding: str, status: int) -> None:
    async def scenario() -> None:
        async with stand(upstream, shelf=SHELF) as it:
            headers = {"content_encoding": encoding} if encoding else {}
            answered, ms = await lag_of(it, PROMPT, body, **headers)
            assert (answered, it.records[0].status_code) == (status, status)
            assert ms < MAX_LOOP_MS

    run(scenario())


MANY = b"[" + b"{}," * 1_000_000 + b"{}]"
CALLS: dict[str, tuple[dict[str, Any], set[int]]] = {
    "a model with a virtual key": ({"body": b'{"messages":' + MANY + b',"model":"@openai-prod/m"}'}, {200}),
    "a body that is recorded": ({"body": b'{"model":"m","messages":' + MANY + b"}", "x_portkey_provider": "openai"}, {200}),
    "a small body that is recorded": (
        {"body": gzip.compress(b'{"messages":' + MANY + b"}"), "content_encoding": "gzip", "x_portkey_provider": "openai"},
        {200},
    ),
    "a stream whose usage is asked for": ({"body": b'{"stream":true,"messages":' + MANY + b',"model":"@openai-prod/m"}'}, {200}),
    "the demo provider": ({"body": b'{"messages":' + MANY + b',"model":"m"}', "x_portkey_provider": "demo"}, {200, 400}),
    "a large config": ({"x_portkey_config": '{"targets":[' + "{}," * 120_000 + '{"provider":"@openai-prod"}]}'}, {200, 400}),
    "a large config that is passed on": ({"x_portkey_config": '{"u":"a:b","targets":[' + "{}," * 120_000 + "{}]}"}, {200, 400}),
    "a deep config": ({"x_portkey_config": '{"targets":' + "[" * 3000 + '"http://a"' + "]" * 3000 + "}"}, {200, 400}),
    "a deep config with a key": ({"x_portkey_config": '{"virtual_key":"openai-prod","a":' + "[" * 3000 + "]" * 3000 + "}"}, {200, 400}),
    "large guardrails": ({"x_portkey_virtual_key": "openai-prod", "x_portkey_default_input_guardrails": "[" + "{}," * 100_000 + "{}]"}, {200, 400}),
}  # fmt: skip


@pytest.mark.parametrize(("given", "statuses"), CALLS.values(), ids=CALLS)
def test_nothing_large_is_parsed_on_the_loop(given: dict[str, Any], statuses: set[int]) -> None:
    async def scenario() -> None:
        grant = msgspec.structs.replace(GRANT, ask_for_usage=True)
        async with stand(upstream, grant, shelf=SHELF) as it:
            status, ms = await lag_of(it, **given)
            assert status in statuses
            assert ms < MAX_LOOP_MS

    run(scenario())


@pytest.mark.parametrize(
    "config", ['{"retry":{"a":[' + "{}," * 120_000 + "{}]}}", '{"a":' + "[" * 3000 + "]" * 3000 + "}"]
)
def test_without_a_gateway_neither(config: str) -> None:
    async def scenario() -> None:
        async with stand(upstream, gateway=False) as it:
            status, ms = await lag_of(it, x_portkey_config=config)
            assert status == 400
            assert ms < MAX_LOOP_MS

    run(scenario())


def test_a_rendered_prompt_is_whole() -> None:
    bodies: list[Any] = []

    async def keep(request: web.Request) -> web.Response:
        bodies.append(json.loads(await request.read()))
        return web.json_response({"model": "m", "choices": []})

    async def scenario() -> None:
        async with stand(keep, shelf=SHELF) as it:
            name = "x" * 200_000
            assert (await it.call(PROMPT, json.dumps({"variables": {"name": name}}).encode())).status == 200
            assert bodies[0]["messages"][0]["content"] == f"Greet {name}"

    run(scenario())

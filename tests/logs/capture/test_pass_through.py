from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from itertools import pairwise
from typing import Any

import zstandard
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from logs.capture import call as call_module
from tests.logs.capture.harness import CHAT, KEY, run, stand

ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "model": "gpt-4o-mini-2024",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }
).encode()


def event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "model": "gpt-4o-mini", "choices": [choice]}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


EVENTS = [event({"content": "H"}), event({"content": "é"}), event({}, "stop"), b"data: [DONE]\n\n"]


async def chat(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


def streaming(chunks: list[bytes], gap: float = 0.0, **headers: str) -> Any:
    async def handler(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"content-type": "text/event-stream", **headers})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(gap)
        await response.write_eof()
        return response

    return handler


def test_a_call_passes_through_and_becomes_a_log() -> None:
    async def scenario() -> None:
        async with stand(chat) as it:
            client = await it.call(x_portkey_trace_id="t-1", x_portkey_metadata='{"_user":"ada"}')
            (record,) = it.records
            assert (client.status, client.body, client.ended) == (200, ANSWER, True)
            assert client.headers["content-type"] == "application/json"
            assert client.headers["x-portkey-log-id"] == str(record.id)
            assert client.headers["x-portkey-log-url"] == f"http://logs.example/w/acme/logs/{record.id}/"
            assert client.headers["x-portkey-trace-id"] == record.trace_id == "t-1"
            assert (record.workspace_id, record.api_key_id, record.source) == (7, 1, "capture")
            assert (record.request_body, record.response_body) == (CHAT, ANSWER)
            assert (record.model, record.input_tokens, record.user) == ("gpt-4o-mini-2024", 9, "ada")
            assert (record.completeness, record.is_success, record.stream) == ("complete", True, False)
            assert record.latency_ms is not None

    run(scenario())


def test_a_trace_id_is_made_forwarded_and_returned() -> None:
    seen: dict[str, str] = {}

    async def upstream(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.json_response({}, headers={"x-portkey-trace-id": ""})

    async def scenario() -> None:
        async with stand(upstream) as it:
            client = await it.call()
            (trace_id,) = client.headers.getall("x-portkey-trace-id")
            assert len(trace_id) == 32
            assert seen["x-portkey-trace-id"] == trace_id == it.records[0].trace_id

    run(scenario())


def test_the_record_is_safe_before_the_last_byte_goes_out() -> None:
    async def scenario() -> None:
        whole = b"".join(EVENTS)
        in_pieces = streaming([whole[:-9], whole[-9:]], gap=0.005)  # the end mark in two of them
        for handler in (chat, streaming(EVENTS), streaming(EVENTS, gap=0.005), in_pieces):
            async with stand(handler) as it:
                client = it.client()
                sent_with: dict[bytes, int] = {}
                write = client.write

                async def spy(chunk: bytes) -> None:
                    if chunk:
                        sent_with[chunk] = len(it.records)  # noqa: B023
                    await write(chunk)  # noqa: B023

                client.write = spy  # type: ignore[method-assign]
                await client.run()
                assert list(sent_with.values())[-1] == 1

    run(scenario())


def test_chunks_are_passed_on_at_once() -> None:
    async def scenario() -> None:
        go_on = asyncio.Event()

        async def upstream(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"content-type": "text/event-stream"})
            await response.prepare(request)
            await response.write(EVENTS[0])
            await go_on.wait()
            for event in EVENTS[1:]:
                await response.write(event)
            await response.write_eof()
            return response

        async with stand(upstream) as it:
            client = it.client()
            running = asyncio.ensure_future(client.run())
            await asyncio.wait_for(client.got_chunk.wait(), 5)
            assert client.body == EVENTS[0]
            go_on.set()
            await running
            (record,) = it.records
            assert client.body == record.response_body == b"".join(EVENTS)
            assert (record.stream, record.completeness, record.time_to_first_token_ms is not None) == (
                True,
                "complete",
                True,
            )

    run(scenario())


def test_what_follows_a_late_end_mark_is_recorded_too(monkeypatch: Any) -> None:
    monkeypatch.setattr(call_module, "END_SECONDS", 0.001)

    async def scenario() -> None:
        async with stand(streaming([b"".join(EVENTS), b": bye\n\n"], gap=0.02)) as it:
            client = await it.call()
            assert client.body == b"".join(EVENTS) + b": bye\n\n" == it.records[0].response_body

    run(scenario())


@given(
    data=st.binary(max_size=3000),
    cuts=st.lists(st.integers(0, 3000), max_size=12),
    request_cuts=st.lists(st.integers(0, 3000), max_size=5),
)
@settings(max_examples=40, deadline=None)
def test_bytes_are_the_same_however_they_are_cut(data: bytes, cuts: list[int], request_cuts: list[int]) -> None:
    def pieces(places: list[int]) -> list[bytes]:
        edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
        return [data[a:b] for a, b in pairwise(edges)]

    received: list[bytes] = []

    async def upstream(request: web.Request) -> web.StreamResponse:
        received.append(await request.read())
        return await streaming([piece for piece in pieces(cuts) if piece])(request)

    async def scenario() -> None:
        async with stand(upstream) as it:
            client = await it.call(body=pieces(request_cuts))
            assert client.body == data == received[0]
            assert (it.records[0].response_body or b"") == data == (it.records[0].request_body or b"")

    run(scenario())


def test_compressed_answers_pass_as_they_are_and_are_kept_unpacked() -> None:
    packers = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.ZstdCompressor().compress}
    for coding, pack in packers.items():

        async def upstream(request: web.Request, packed: bytes = pack(ANSWER), coding: str = coding) -> web.Response:
            assert request.headers["accept-encoding"] == "gzip, zstd"
            return web.Response(body=packed, headers={"content-encoding": coding, "content-type": "application/json"})

        async def scenario(upstream: Any = upstream, packed: bytes = pack(ANSWER), coding: str = coding) -> None:
            async with stand(upstream) as it:
                client = await it.call(accept_encoding="gzip, br, zstd")
                assert (client.body, client.headers["content-encoding"]) == (packed, coding)
                assert (it.records[0].response_body, it.records[0].model) == (ANSWER, "gpt-4o-mini-2024")

        run(scenario())


def test_a_compressed_request_is_passed_as_it_is_and_kept_unpacked() -> None:
    async def upstream(request: web.Request) -> web.Response:
        assert request.headers["content-encoding"] == "gzip"
        return web.Response(body=gzip.decompress(await request.read()))

    async def scenario() -> None:
        async with stand(upstream) as it:
            client = await it.call(body=gzip.compress(CHAT), content_encoding="gzip")
            assert client.body == it.records[0].request_body == CHAT

    run(scenario())


def test_headers_of_one_connection_stay_there_and_our_key_goes_no_further() -> None:
    seen: list[tuple[str, str]] = []

    async def upstream(request: web.Request) -> web.Response:
        seen.extend((name.lower(), value) for name, value in request.headers.items())
        return web.Response(
            headers={"connection": "x-secret-hop", "x-secret-hop": "1", "keep-alive": "timeout=5", "x-kept": "2"}
        )

    async def scenario() -> None:
        async with stand(upstream) as it:
            client = await it.call(
                authorization="Bearer sk-provider-key-123456",
                connection="x-drop, keep-alive",
                x_drop="1",
                te="trailers",
                x_stay="2",
                host="capture.example",
                user_agent="sdk/1",
            )
            names = dict(seen)
            assert names["authorization"] == "Bearer sk-provider-key-123456"
            assert (names["x-stay"], names["user-agent"]) == ("2", "sdk/1")
            assert not {"x-drop", "te", "x-portkey-api-key", "keep-alive"} & names.keys()
            assert names["host"] == it.upstream.removeprefix("http://")
            assert client.headers["x-kept"] == "2"
            assert not {"x-secret-hop", "connection", "keep-alive"} & client.headers.keys()
            assert KEY not in str(it.records)
            assert "provider-key" not in str(it.records)

            seen.clear()
            await it.call(key="", authorization=f"Bearer {KEY}")
            assert "authorization" not in dict(seen)
            assert len(it.records) == 2

    run(scenario())


def test_an_unknown_key_is_refused_in_the_gateways_shape() -> None:
    async def scenario() -> None:
        async with stand(chat) as it:
            for headers in ({"key": "plk_other"}, {"key": ""}, {"key": "", "authorization": "Bearer OPENAI_API_KEY"}):
                client = await it.call(**headers)
                body = json.loads(client.body)
                assert client.status == 401
                assert (body["status"], body["error"]["code"]) == ("failure", "03")
                assert body["message"] == "Portkey Error: Invalid API Key. Error Code: 03"
            assert it.records == []

    run(scenario())


def test_only_paths_below_v1_go_upstream() -> None:
    async def scenario() -> None:
        async with stand(chat) as it:
            for path in ("/log/stream", "/v1/../log/stream", "/v1/x\\..\\..\\public", "/public/", "/v1/.."):
                assert (await it.call(path)).status == 404
            assert it.records == []

    run(scenario())


def test_control_routes_are_handed_to_web_with_the_key() -> None:
    async def web_app(request: web.Request) -> web.Response:
        return web.json_response({"key": request.headers["x-portkey-api-key"], "body": (await request.read()).decode()})

    async def scenario() -> None:
        async with stand(web_app) as it:
            for path in ("/v1/logs", "/v1/feedback/1", "/v1/configs?x=1", "/v1/prompts", "/v1/prompts/pp-1/versions"):
                client = await it.call(path, body=b"{}")
                assert json.loads(client.body) == {"key": KEY, "body": "{}"}
            assert it.records == []

    run(scenario())


def test_large_bodies_stream_through_and_are_kept_up_to_the_limit() -> None:
    async def upstream(request: web.Request) -> web.Response:
        size = 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
        return web.json_response({"size": size})

    async def scenario() -> None:
        async with stand(upstream) as it:
            it.app.room.per_body = 1_000_000
            for parts, kept in ((8, True), (40, False)):
                client = await it.call(body=[b"x" * 50_000] * parts)
                assert json.loads(client.body) == {"size": parts * 50_000}
                record = it.records[-1]
                assert record.request_bytes == parts * 50_000
                assert (record.request_body is not None) is kept
                assert record.completeness == ("unparsed" if kept else "not_kept") or kept
            assert it.app.room.left == 256 * 1024 * 1024

    run(scenario())

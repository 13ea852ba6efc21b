from __future__ import annotations

import asyncio
import json

from aiohttp import web

from logs.capture.replies import ClientLeft
from tests.logs.capture.harness import run, stand
from tests.logs.capture.test_pass_through import ANSWER, EVENTS, chat


def test_upstream_down_is_a_502_with_a_log_of_it() -> None:
    async def scenario() -> None:
        async with stand(chat, gateway_url="http://127.0.0.1:1") as it:
            client = await it.call()
            body = json.loads(client.body)
            (record,) = it.records
            assert (client.status, body["status"], body["error"]["code"]) == (502, "failure", "bad_gateway")
            assert "cannot be reached" in body["message"]
            assert client.headers["x-portkey-trace-id"] == record.trace_id
            assert (record.status_code, record.is_success) == (502, False)
            assert "cannot be reached" in (record.error_message or "")

    run(scenario())


def test_an_upstream_that_is_silent_for_too_long_is_a_504() -> None:
    async def upstream(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario() -> None:
        async with stand(upstream, read_seconds=0.05) as it:
            client = await it.call()
            assert client.status == it.records[0].status_code == 504

    run(scenario())


def test_a_cut_stream_is_cut_for_the_client_too_and_recorded_as_a_failure() -> None:
    async def upstream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(EVENTS[0])
        assert request.transport is not None
        request.transport.close()
        return response

    async def scenario() -> None:
        async with stand(upstream) as it:
            client = await it.call()
            (record,) = it.records
            assert client.body == EVENTS[0] == record.response_body
            assert not client.ended
            assert (record.status_code, record.is_success, record.completeness) == (200, False, "cut")
            assert record.error_type == "upstream_cut"

    run(scenario())


def test_a_client_that_leaves_is_drained_for_and_marked() -> None:
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
            client.is_gone = True
            go_on.set()
            await running
            (record,) = it.records
            assert client.body == EVENTS[0]
            assert record.response_body == b"".join(EVENTS)
            assert (record.completeness, record.is_success) == ("client_left", True)
            assert it.app.metrics.clients_left == 1

    run(scenario())


def test_a_client_that_leaves_during_its_upload_is_recorded() -> None:
    async def scenario() -> None:
        async with stand(chat) as it:
            client = it.client(body=[b"x"] * 3)
            read = client.read

            async def leave() -> bytes:
                if len(client.parts) > 1:
                    return await read()
                client.is_gone = True
                raise ClientLeft

            client.read = leave  # type: ignore[method-assign]
            await client.run()
            (record,) = it.records
            assert (record.completeness, record.is_success, record.status_code) == ("client_left", False, None)

    run(scenario())


def test_a_recorder_that_fails_harms_no_call() -> None:
    async def scenario() -> None:
        async with stand(chat) as it:

            def broken(record: object) -> bool:
                raise RuntimeError("no")

            it.app.recorder.append = broken  # type: ignore[method-assign, assignment]
            client = await it.call()
            assert (client.status, client.body) == (200, ANSWER)
            assert it.app.recorder.counts["dropped"] == 1

    run(scenario())


def test_health_and_metrics() -> None:
    async def scenario() -> None:
        async with stand(chat) as it:
            await it.call()
            assert (await it.call("/healthz", method="GET")).status == 200
            page = (await it.call("/metrics", method="GET")).body.decode()
            assert 'portkey_logs_capture_calls_total{status="2xx"} 1' in page
            assert 'portkey_logs_capture_added_seconds_bucket{le="+Inf"} 1' in page
            assert "portkey_logs_capture_refused_bytes 0" in page
            it.app.recorder.bytes = 2
            full = await it.call("/healthz", method="GET")
            assert (full.status, json.loads(full.body)["reason"]) == (503, "the spool is full")

    run(scenario())

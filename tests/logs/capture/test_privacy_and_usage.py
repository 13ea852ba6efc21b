from __future__ import annotations

import json
from typing import Any

import msgspec
from aiohttp import web

from portkey_logs.accounts.api_key_cache import Grant
from tests.logs.capture.harness import CHAT, GRANT, run, stand
from tests.logs.capture.test_pass_through import ANSWER, EVENTS, chat, streaming

METRICS_ONLY = Grant(1, 7, "acme", "acme", ("logs.write",), metrics_only=True)
UNKNOWN = Grant(1, 7, "acme", "acme", ("logs.write",))


def test_no_bodies_where_they_are_not_wanted_but_all_numbers() -> None:
    async def scenario() -> None:
        for grant, headers in ((METRICS_ONLY, {}), (UNKNOWN, {}), (GRANT, {"x_portkey_debug": "false"})):
            async with stand(chat, grant) as it:
                client = await it.call(**headers)
                (record,) = it.records
                assert client.body == ANSWER
                assert (record.request_body, record.response_body, record.completeness) == (None, None, "not_kept")
                assert (record.total_tokens, record.model, record.is_success) == (11, "gpt-4o-mini-2024", True)
                assert (record.request_bytes, record.response_bytes) == (len(CHAT), len(ANSWER))
                assert "Say hi" not in str(record)

    run(scenario())


def test_a_failed_answer_is_kept_all_the_same() -> None:
    async def upstream(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "no", "type": "nope"}}, status=500)

    async def scenario() -> None:
        async with stand(upstream, METRICS_ONLY) as it:
            await it.call()
            (record,) = it.records
            assert record.request_body is None
            assert json.loads(record.response_body or b"")["error"]["type"] == record.error_type == "nope"

    run(scenario())


def test_headers_that_the_caller_calls_sensitive_are_masked() -> None:
    async def scenario() -> None:
        async with stand(chat) as it:
            await it.call(x_portkey_sensitive_headers="x-team-pin", x_team_pin="pin-1234567890")
            assert it.records[0].request_headers["x-team-pin"] == "pi********890"

    run(scenario())


def test_streams_without_usage_are_estimated_and_marked() -> None:
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":8,"total_tokens":15}}\n\n'

    async def scenario() -> None:
        async with stand(streaming(EVENTS)) as it:
            await it.call(x_portkey_provider="openai")
            (record,) = it.records
            # "Say hi" and "Hé", four characters to a token
            assert (record.input_tokens, record.output_tokens, record.total_tokens) == (2, 1, 3)
            assert record.tokens_origin == "estimated"
            assert "estimated tokens" in (record.cost_source or "")
        async with stand(streaming([*EVENTS[:-1], usage, EVENTS[-1]])) as it:
            await it.call()
            assert (it.records[0].tokens_origin, it.records[0].total_tokens) == ("provider", 15)

    run(scenario())


def test_a_workspace_may_ask_for_usage_and_clients_do_not_see_it() -> None:
    counts = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":8,"total_tokens":15}}\n\n'
    told = [*EVENTS[:-1], counts, EVENTS[-1]]
    asked: list[bytes] = []

    def upstream(pieces: list[bytes]) -> Any:
        async def handler(request: web.Request) -> web.StreamResponse:
            asked.append(await request.read())
            return await streaming(pieces)(request)

        return handler

    async def scenario() -> None:
        asking = msgspec.structs.replace(GRANT, ask_for_usage=True)
        stream = CHAT[:-1] + b',"stream":true}'
        whole = b"".join(told)
        for pieces in (told, [whole], [whole[i : i + 7] for i in range(0, len(whole), 7)]):
            async with stand(upstream(pieces), asking) as it:
                client = await it.call(body=stream, content_length=str(len(stream)))
                (record,) = it.records
                assert client.body == b"".join(EVENTS)
                assert json.loads(asked[-1]) == json.loads(stream) | {"stream_options": {"include_usage": True}}
                assert (record.request_body, record.response_body) == (stream, whole)
                assert (record.total_tokens, record.tokens_origin) == (15, "provider")
        async with stand(upstream(told), asking) as it:
            own = CHAT[:-1] + b',"stream":true,"stream_options":{"include_usage":true}}'
            assert (await it.call(body=own)).body == whole
            assert asked[-1] == own
            await it.call(body=CHAT)
            assert asked[-1] == CHAT
        async with stand(upstream(told)) as it:
            await it.call(body=stream)
            assert asked[-1] == stream

    run(scenario())

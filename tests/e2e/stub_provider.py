"""A provider for tests: OpenAI's and Anthropic's endpoints, with faults on demand.

The first segment of the path says what to do, as in ``/x/fail-2-503/v1/chat/completions``; segments join with
"+". ``fail-N-CODE``: the first N calls of this path answer CODE. ``always-CODE``. ``delay-MS`` before the answer.
``cut-N``: a stream breaks after N chunks. ``gap-MS`` between chunks. ``usage``: streams tell usage.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import sys
from collections import Counter
from typing import Any

from aiohttp import web

WORDS = ["Hello", " from", " the", " stub", " …", "!"]
calls: Counter[str] = Counter()
seen: list[dict[str, Any]] = []


async def handle(request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    _, head, *rest = request.path.split("/")
    orders: dict[str, list[int]] = {}
    path = request.path
    if head == "x":
        orders = {o.split("-")[0]: [int(n) for n in o.split("-")[1:] if n.isdigit()] for o in rest[0].split("+")}
        path = "/" + "/".join(rest[1:])
    if order := request.headers.get("x-stub"):
        orders[order.split("-")[0]] = [int(order.split("-")[1])]
    calls[request.path] += 1
    del seen[:-1000]
    seen.append({"path": request.path, "headers": dict(request.headers), "bytes": len(raw)})
    if "delay" in orders:
        await asyncio.sleep(orders["delay"][0] / 1000)
    if "fail" in orders and calls[request.path] <= orders["fail"][0]:
        return error(orders["fail"][1])
    if "always" in orders:
        return error(orders["always"][0])
    if "redirect" in orders:
        return web.Response(status=307, headers={"location": "http://169.254.169.254/latest/meta-data/"})
    if path == "/_seen":
        return web.json_response(seen)
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = {}
    if request.headers.get("x-gzip"):
        return web.Response(
            body=gzip.compress(json.dumps(chat(body)).encode()),
            headers={"content-type": "application/json", "content-encoding": "gzip"},
        )
    events = stream(path, body, "usage" in orders) if body.get("stream") else None
    if events is None:
        answer = whole(path, body)
        return answer if isinstance(answer, web.Response) else web.json_response(answer)
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for number, event in enumerate(events):
        if "cut" in orders and number == orders["cut"][0]:
            assert request.transport is not None
            request.transport.close()
            return response
        if "gap" in orders and number:
            await asyncio.sleep(orders["gap"][0] / 1000)
        await response.write(event)
    await response.write_eof()
    return response


def error(code: int) -> web.Response:
    return web.json_response(
        {"error": {"message": f"stub error {code}", "type": "stub_error", "code": None}}, status=code
    )


def whole(path: str, body: dict[str, Any]) -> Any:
    model = body.get("model", "gpt-4o-mini")
    if path.endswith("/chat/completions"):
        return chat(body)
    if path.endswith("/completions"):
        choices = [{"index": 0, "text": "".join(WORDS), "finish_reason": "stop", "logprobs": None}]
        return {
            "id": "cmpl-1",
            "object": "text_completion",
            "created": 1,
            "model": model,
            "choices": choices,
            "usage": usage(),
        }
    if path.endswith("/embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
        return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 3, "total_tokens": 3}}
    if path.endswith("/images/generations"):
        return {"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]}
    if path.endswith("/responses"):
        return response_object(model)
    if path.endswith("/messages"):
        content = [{"type": "text", "text": "".join(WORDS)}]
        tokens = {"input_tokens": 9, "output_tokens": 6}
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": tokens,
        }
    if path.endswith("/models"):
        return {"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model", "created": 1, "owned_by": "stub"}]}
    return web.json_response({"error": {"message": "not found", "type": "not_found"}}, status=404)


def usage() -> dict[str, int]:
    return {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}


def chat(body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(WORDS)}
    finish = "stop"
    if body.get("tools"):
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
        message, finish = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body.get("model", "gpt-4o-mini"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": usage(),
    }


def response_object(model: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": "".join(WORDS), "annotations": []}]
    output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}]
    tokens = {"input_tokens": 9, "output_tokens": 6, "total_tokens": 15}
    base = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": model}
    return base | {"output": output, "usage": tokens, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


def stream(path: str, body: dict[str, Any], tell_usage: bool) -> list[bytes]:
    model = body.get("model", "gpt-4o-mini")
    if path.endswith("/messages"):
        start = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "usage": {"input_tokens": 9, "output_tokens": 1},
        }
        events = [
            ("message_start", {"message": start}),
            ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
            *[("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": word}}) for word in WORDS],
            ("content_block_stop", {"index": 0}),
            (
                "message_delta",
                {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 6}},
            ),
            ("message_stop", {}),
        ]
        return [named(name, {"type": name} | data) for name, data in events]
    if path.endswith("/responses"):
        numbers = itertools.count()
        response = response_object(model)
        delta = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0}
        events2 = [
            {"type": "response.created", "response": response | {"status": "in_progress", "output": []}},
            *[delta | {"delta": word} for word in WORDS],
            {"type": "response.completed", "response": response},
        ]
        return [named(event["type"], event | {"sequence_number": next(numbers)}) for event in events2]
    is_chat = path.endswith("/chat/completions")
    kind = "chat.completion.chunk" if is_chat else "text_completion"
    base = {"id": "c-1", "object": kind, "created": 1, "model": model}
    chunks = []
    for word in WORDS:
        piece = {"delta": {"content": word}} if is_chat else {"text": word}
        chunks.append(base | {"choices": [{"index": 0, "finish_reason": None, **piece}]})
    last = {"delta": {}} if is_chat else {"text": ""}
    chunks.append(base | {"choices": [{"index": 0, "finish_reason": "stop", **last}]})
    if tell_usage or (body.get("stream_options") or {}).get("include_usage"):
        chunks.append(base | {"choices": [], "usage": usage()})
    return [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]


def named(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def application() -> web.Application:
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


if __name__ == "__main__":
    web.run_app(application(), host="127.0.0.1", port=int(sys.argv[1]), print=None)

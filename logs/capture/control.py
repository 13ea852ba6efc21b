"""Calls of Portkey's control plane: handed to web, so that one base URL serves a whole SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import ClientError
from multidict import CIMultiDict

from logs.capture.answers import Message, Receive, Send, answer, failure
from logs.capture.headers import end_to_end, text
from logs.capture.request import Request
from logs.capture.upstream import Client, Target


async def hand_over(web: Client, web_url: str, request: Request, receive: Receive, send: Send) -> None:
    """Let web answer. It knows the keys itself, so all headers go along; nothing is recorded."""
    headers = CIMultiDict((text(name), text(value)) for name, value in end_to_end(request.pairs) if name != b"host")
    first = await receive()
    has_body = bool(first.get("body")) or first.get("more_body", False)
    target = Target(web_url + request.target, headers, None, web.open)
    started = False
    try:
        async with web.open(target, request.method, _body(first, receive) if has_body else None) as reply:
            started = True
            await send({"type": "http.response.start", "status": reply.status, "headers": end_to_end(reply.headers)})
            while chunk := await reply.read():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
    except (ClientError, TimeoutError, OSError) as error:
        if not started:
            message = f"The log server cannot be reached: {error or type(error).__name__}"
            # Portkey's SDK sends a 5xx again at once, unless this header says that a gateway has seen the call.
            seen = [(b"x-portkey-gateway-exception", b"true")]
            await answer(send, 502, failure(message, "bad_gateway"), headers=seen)


async def _body(message: Message, receive: Receive) -> AsyncIterator[bytes]:
    while True:
        if message["type"] == "http.disconnect":
            raise ClientError("the client left")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return
        message = await receive()

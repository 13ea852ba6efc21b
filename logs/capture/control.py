"""Calls of Portkey's control plane: handed to web, so that one base URL serves a whole SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import ClientError
from multidict import CIMultiDict

from logs.capture.headers import end_to_end
from logs.capture.replies import Caller, ClientLeft, Refused, answer, failure, refuse
from logs.capture.request import Request
from logs.capture.upload import Upload
from logs.capture.upstream import Client, Target


async def hand_over(web: Client, web_url: str, request: Request, caller: Caller, upload: Upload) -> None:
    """Let web answer. It knows the keys itself, so all headers go along; nothing is recorded."""
    headers = end_to_end(request.headers)
    headers.popall("host", None)
    target = Target(web_url + request.target, headers, None, web.open)
    started = False
    try:
        first = await upload.read()
        async with web.open(target, request.method, _body(first, upload) if first else None) as reply:
            started = True
            await caller.start(reply.status, end_to_end(reply.headers))
            while chunk := await reply.read():
                await caller.write(chunk)
            await caller.end()
    except (ClientError, TimeoutError, OSError, ClientLeft, Refused) as error:
        if started or caller.is_gone:
            caller.cut()
        elif upload.refusal:
            await refuse(caller, upload.refusal)
        else:
            message = f"The log server cannot be reached: {error or type(error).__name__}"
            # Portkey's SDK sends a 5xx again at once, unless this header says that a gateway has seen the call.
            seen = CIMultiDict({"x-portkey-gateway-exception": "true"})
            await answer(caller, 502, failure(message, "bad_gateway"), headers=seen)


async def _body(part: bytes, upload: Upload) -> AsyncIterator[bytes]:
    while part:
        yield part
        part = await upload.read()

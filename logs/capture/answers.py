"""What capture answers by itself, in the shape that the gateway and its SDKs know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from logs.capture.headers import Pairs

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Refused(Exception):
    """A call that goes nowhere; ``status`` and ``message`` are the answer, ``code`` a word for programs."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


def failure(message: str, code: str, kind: str | None = None) -> bytes:
    """The body of a refusal. The gateway's clients read ``message``, SDKs print ``error.message``."""
    error = {"message": message, "type": kind or code, "param": None, "code": code}
    return msgspec.json.encode({"status": "failure", "message": message, "error": error})


async def answer(
    send: Send, status: int, body: bytes, content_type: bytes = b"application/json", headers: Pairs | None = None
) -> None:
    """Send a whole answer."""
    own = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": own + (headers or [])})
    await send({"type": "http.response.body", "body": body})

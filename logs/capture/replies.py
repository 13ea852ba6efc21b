"""Whoever calls, and what capture answers by itself, in the shape that the gateway and its SDKs know."""

from __future__ import annotations

from typing import Protocol

import msgspec
from multidict import CIMultiDict

from logs.capture.headers import Headers
from portkey_logs.api.errors import error_body


class ClientLeft(Exception):
    """The client closed the connection before its request was complete."""


class Caller(Protocol):
    """The other end of one call. What is sent to one that is gone goes nowhere, and nothing is raised."""

    def recognise(self) -> None:
        """Note that it has a valid key: limits on unknown connections no longer concern it."""

    @property
    def is_gone(self) -> bool:
        """Whether its connection is closed."""

    async def read(self) -> bytes:
        """The next bytes of the request's body as soon as there are any; b"" at its end.

        Raises ClientLeft, and Refused (408) where they come too slowly.
        """

    async def start(self, status: int, headers: Headers) -> None:
        """Give status and headers, which go out with what is sent next: two sends cost twice as much as one."""

    def flush(self) -> None:
        """Send the headers now."""

    async def write(self, chunk: bytes) -> None:
        """Send a part of the body at once; waits while the client is slower than what it gets."""

    async def end(self, chunk: bytes = b"") -> None:
        """Send the last part of the body."""

    def cut(self) -> None:
        """Close the connection, so that an answer that has begun is seen to be incomplete."""


class Refused(Exception):
    """A call that goes nowhere; ``status`` and ``message`` are the answer, ``code`` a word for programs.

    ``retry_after``: in seconds, where the call may be repeated.
    """

    def __init__(self, status: int, message: str, code: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.retry_after = retry_after

    @property
    def headers(self) -> Headers:
        """What the answer has beside its type and length."""
        return CIMultiDict({"retry-after": str(self.retry_after)} if self.retry_after else {})


def failure(message: str, code: str, kind: str | None = None) -> bytes:
    """The body of a refusal. The gateway's clients read ``message``, SDKs print ``error.message``."""
    return msgspec.json.encode(error_body(message, code, kind=kind or ""))


async def answer(
    caller: Caller, status: int, body: bytes, content_type: str = "application/json", headers: Headers | None = None
) -> None:
    """Send a whole answer."""
    own: Headers = CIMultiDict({"content-type": content_type, "content-length": str(len(body))})
    own.extend(headers or ())
    await caller.start(status, own)
    await caller.end(body)


async def refuse(caller: Caller, refusal: Refused) -> None:
    """Answer with a refusal."""
    body = failure(refusal.message, refusal.code)
    await answer(caller, refusal.status, body, headers=refusal.headers)

"""Reading a request's body: so much of it, in such a time, within a sum of all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple

from portkey_logs.api.errors import INVALID
from portkey_logs.front import limits

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

RETRY_SECONDS = 2  # after a 503: what is held at a time changes within a second


class RequestRefused(Exception):
    """The request is not served. The text is for the caller, ``code`` for programs, ``retry_after`` in seconds."""

    def __init__(
        self, status: HTTPStatus, message: str, *, code: str = INVALID, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


class ClientGone(Exception):
    """The client left before its request was complete."""


class Allowance:
    """A number of bytes that bodies share."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, size: int) -> None:
        """Raises RequestRefused where there is not so much left."""
        if size > self._left:
            raise RequestRefused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too much is being received at the moment; try again shortly.",
                retry_after=RETRY_SECONDS,
            )
        self._left -= size

    def give_back(self, size: int) -> None:
        """End the use of what was taken."""
        self._left += size


class Admission(NamedTuple):
    """How large a body may be, and whose allowance it takes."""

    limit: int
    allowance: Allowance


class Body(BytesIO):
    """A request's body, as ``wsgi.input``. Close it to give its part of the allowance back."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self._allowance: Allowance | None = None

    async def fill(
        self,
        receive: Receive,
        admit: Callable[[int], Awaitable[Admission]],
        count: Callable[[int], None],
        declared: int,
    ) -> None:
        """Read all of the body. ``admit`` is asked for the declared size, and again where more comes than it admitted.

        ``count`` gets the size of each part. Raises RequestRefused with 408, 413 or 503, ClientGone, and what the two
        raise.
        """
        admission = await admit(declared)
        began = asyncio.get_running_loop().time()
        more = True
        try:
            async with asyncio.timeout(limits.BODY_SECONDS) as timer:
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    chunk, more = message.get("body", b""), message.get("more_body", False)
                    count(len(chunk))
                    if self.size + len(chunk) > admission.limit:
                        admission = await admit(self.size + len(chunk))
                    self._charge(admission.allowance, self.size + len(chunk))
                    self.write(chunk)
                    timer.reschedule(began + limits.BODY_SECONDS + self.size / limits.MIN_BYTES_A_SECOND)
        except TimeoutError:
            raise RequestRefused(HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly.") from None
        self.getvalue()  # cuts the buffer to size: reading all of it then copies nothing
        self.seek(0)

    def close(self) -> None:
        """Give the memory back."""
        if self._allowance:
            self._allowance.give_back(self.size)
            self._allowance = None
        super().close()

    def _charge(self, allowance: Allowance, size: int) -> None:
        if allowance is not self._allowance:
            allowance.take(self.size)
            if self._allowance:
                self._allowance.give_back(self.size)
            self._allowance = allowance
        allowance.take(size - self.size)
        self.size = size

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
    """A number of bytes that bodies share. Where it is used up, bodies that come slowly give way, the oldest first."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._bodies: dict[Body, None] = {}  # by age

    def take(self, body: Body, size: int) -> None:
        """Raises RequestRefused where there is not so much left."""
        while size > self._left and (slow := self._slowest_but(body)):
            slow.give_way()
        if size > self._left:
            raise RequestRefused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too much is being received at the moment; try again shortly.",
                retry_after=RETRY_SECONDS,
            )
        self._left -= size
        self._bodies.setdefault(body)

    def give_back(self, body: Body) -> None:
        """End the use of what a body took."""
        del self._bodies[body]
        self._left += body.size

    def _slowest_but(self, body: Body) -> Body | None:
        return next((each for each in self._bodies if each is not body and each.is_slow), None)


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
        self._began = 0.0
        self._timer: asyncio.Timeout | None = None  # while it comes

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
        self._began = asyncio.get_running_loop().time()
        more = True
        try:
            async with asyncio.timeout(limits.BODY_SECONDS) as self._timer:
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
                    self._timer.reschedule(self._began + limits.BODY_SECONDS + self.size / limits.MIN_BYTES_A_SECOND)
        except TimeoutError:
            raise RequestRefused(HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly.") from None
        finally:
            self._timer = None
        self.getvalue()  # cuts the buffer to size: reading all of it then copies nothing
        self.seek(0)

    @property
    def is_slow(self) -> bool:
        """Whether it still comes, and for longer than others are to wait for what it takes."""
        allowed = limits.GIVE_WAY_SECONDS + self.size / limits.GIVE_WAY_BYTES_A_SECOND
        return self._timer is not None and asyncio.get_running_loop().time() - self._began > allowed

    def give_way(self) -> None:
        """Give the memory back to others while it still comes: ``fill`` raises RequestRefused (408)."""
        self._release()
        if self._timer:
            self._timer.reschedule(asyncio.get_running_loop().time())

    def close(self) -> None:
        """Give the memory back."""
        self._release()
        super().close()

    def _release(self) -> None:
        if self._allowance:
            self._allowance.give_back(self)
            self._allowance = None

    def _charge(self, allowance: Allowance, size: int) -> None:
        if allowance is not self._allowance:
            allowance.take(self, self.size)
            self._release()
            self._allowance = allowance
        allowance.take(self, size - self.size)
        self.size = size

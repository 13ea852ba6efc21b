"""Where a call goes, and the connection to there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from aiohttp import ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from logs.capture.headers import Headers, readable

CONNECT_SECONDS = 10.0
# Below the 5 s after which Node closes an idle connection: a POST on one just closed could not be sent again.
KEEPALIVE_SECONDS = 4.0
HEADER_BYTES = 64 * 1024  # of one header; aiohttp's 8 KiB is less than what some providers send

Body = bytes | AsyncIterator[bytes] | None


class Answer(Protocol):
    """An upstream's answer whose headers have come."""

    status: int
    headers: Headers

    async def read(self) -> bytes:
        """The next octets as soon as there are any; b"" at the end. Raises aiohttp.ClientError when cut."""

    def at_hand(self) -> bytes:
        """The next octets as far as they have come."""

    def ended(self) -> bool:
        """Whether it is known that no more octets come."""


class Target(NamedTuple):
    """One call, ready to be sent. ``url`` is what is stored, ``provider`` what we know of who answers."""

    url: str
    headers: CIMultiDict[str]
    provider: str | None
    open: Opener
    timeout: float | None = None  # seconds that the caller gives it to begin its answer


class Opener(Protocol):
    """Sends a call and gives its answer; raises aiohttp.ClientError, TimeoutError or OSError."""

    def __call__(self, target: Target, method: str, body: Body) -> AbstractAsyncContextManager[Answer]: ...


class HttpAnswer:
    """The answer of a real upstream: its bytes as they are on the wire."""

    def __init__(self, response: object) -> None:
        self.status: int = response.status  # type: ignore[attr-defined]
        self.headers = readable(response.headers)  # type: ignore[attr-defined]
        self._content = response.content  # type: ignore[attr-defined]
        self.read = self._content.readany
        self.at_hand = self._content.read_nowait
        self.ended = self._content.at_eof


class Client:
    """A session that passes bytes through: no cookies, no decompression, no redirects, no headers of its own."""

    def __init__(self, read_timeout: float, resolver: AbstractResolver | None = None) -> None:
        self._session = ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS, resolver=resolver),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            timeout=ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=read_timeout),
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
        )

    def open(self, target: Target, method: str, body: Body) -> AbstractAsyncContextManager[Answer]:
        """Send a call; see ``Opener``."""
        return _Sent(self._session, target, method, body)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class _Sent:
    """A call while it is under way: every call passes here, so no generator stands around it."""

    def __init__(self, session: ClientSession, target: Target, method: str, body: Body) -> None:
        self._timeout = target.timeout
        self._request = session.request(
            method, URL(target.url, encoded=True), headers=target.headers, data=body, allow_redirects=False
        )
        self._response: ClientResponse

    async def __aenter__(self) -> Answer:
        if self._timeout is None:
            self._response = await self._request
        else:
            async with asyncio.timeout(self._timeout):
                self._response = await self._request
        return HttpAnswer(self._response)

    async def __aexit__(self, *error: object) -> None:
        self._response.release()
        await self._response.wait_for_close()

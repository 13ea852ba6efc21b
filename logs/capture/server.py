"""The HTTP server in front of capture: that of aiohttp, which also makes the calls upstream.

Each of its event loop's waits is its own: servers that do their network work in other threads have to take the
interpreter from the committing thread at each of them.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from logs.capture.answers import ClientLeft
from logs.capture.app import Capture
from logs.capture.headers import Headers, readable
from logs.capture.request import Request

# Of one header, and of all that comes before a body: a config travels in a header, with the prompts of its targets.
FIELD_BYTES = 400 * 1024
HEAD_BYTES = 1024 * 1024
HEADERS = 100  # what SDKs and the proxies before us send has some thirty
# For the next request of a connection, its head included. Longer than clients and proxies keep an idle one (60 s and
# less), for a POST on one that was just closed cannot be sent again.
IDLE_SECONDS = 75
BACKLOG = 4096  # connections that wait to be accepted
# Calls under way when it is told to stop. aiohttp waits for it twice, before and after it cuts uploads off.
STOP_SECONDS = 8


class Connection(web.RequestHandler):
    """One connection of a client."""

    __slots__ = ("_head_bytes",)

    def __init__(self, server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # its way to say that there is none
            auto_decompress=False,
            keepalive_timeout=IDLE_SECONDS,
            max_line_size=FIELD_BYTES,
            max_field_size=FIELD_BYTES,
            max_headers=HEADERS,
        )
        self._head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``. aiohttp limits the lines of a head, but not their sum."""
        super().data_received(data)
        if self._waiter is None or self._waiter.done():  # a request is being served
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES and self.transport:
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n")
            self.force_close()

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        """What is no HTTP is answered with 400 and fills nobody's log."""
        if not isinstance(kwargs.get("exc_info"), HttpProcessingError):
            super().log_exception(*args, **kwargs)


class Reply(web.StreamResponse):
    """An answer whose headers stay as they are (aiohttp would name a server and a type where there is none) and wait
    for what is sent next."""

    _send_headers_immediately = False

    async def _prepare_headers(self) -> None:
        missing = [name for name in ("server", "content-type") if name not in self.headers]
        await super()._prepare_headers()
        for name in missing:
            self.headers.popall(name, None)


class HttpCaller:
    """An ``answers.Caller`` at the other end of a connection."""

    __slots__ = ("_expects", "_request", "reply")

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._expects = request.headers.get("expect", "").lower() == "100-continue"
        self.reply: Reply | None = None

    @property
    def is_gone(self) -> bool:
        """See ``answers.Caller``."""
        transport = self._request.transport
        return transport is None or transport.is_closing()

    async def read(self) -> bytes:
        """See ``answers.Caller``."""
        try:
            if self._expects:
                self._expects = False
                await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return await self._request.content.readany()
        except (ConnectionError, web.RequestPayloadError) as error:
            self.cut()
            raise ClientLeft("the client left before its request was complete") from error

    async def start(self, status: int, headers: Headers) -> None:
        """See ``answers.Caller``."""
        self.reply = Reply(status=status, headers=headers)
        with suppress(ConnectionError):
            await self.reply.prepare(self._request)

    def flush(self) -> None:
        """See ``answers.Caller``."""
        with suppress(ConnectionError):
            self._request.writer.send_headers()

    async def write(self, chunk: bytes) -> None:
        """See ``answers.Caller``."""
        if self.reply and not self.is_gone:
            with suppress(ConnectionError):
                await self.reply.write(chunk)

    async def end(self, chunk: bytes = b"") -> None:
        """See ``answers.Caller``."""
        if self.reply and not self.is_gone:
            with suppress(ConnectionError):
                await self.reply.write_eof(chunk)

    def cut(self) -> None:
        """See ``answers.Caller``."""
        if self._request.transport:
            self._request.transport.close()


def server_of(capture: Capture) -> web.Server:
    """What capture's connections belong to."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        caller = HttpCaller(request)
        await capture.serve(Request(request.method, request.raw_path, readable(request.headers)), caller)
        return caller.reply or web.Response(status=400)  # nobody is there to get it

    return web.Server(handle)


async def serve(capture: Capture, host: str, port: int, *, share_port: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; calls that are under way then get ``STOP_SECONDS``. Raises OSError.

    With ``share_port`` other processes may listen on the same port.
    """

    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    server = server_of(capture)
    await capture.start()
    try:
        listener = await loop.create_server(
            lambda: Connection(server), host, port, backlog=BACKLOG, reuse_port=share_port or None
        )
        await told.wait()
        listener.close()
        server.pre_shutdown()
        await server.shutdown(STOP_SECONDS / 2)
    finally:
        await capture.stop()

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

from logs.capture.app import Capture
from logs.capture.headers import Headers, readable
from logs.capture.replies import ClientLeft, Refused, failure
from logs.capture.request import Request
from logs.capture.unknown import MAX_PLAIN_HEAD_BYTES, MAX_UNKNOWN_HEAD_BYTES, UnknownConnections

# Of one header, and of all that comes before a body: a config travels in a header, with the prompts of its targets.
FIELD_BYTES = 400 * 1024
HEAD_BYTES = 1024 * 1024
HEADERS = 100  # what SDKs and the proxies before us send has some thirty
# Of a connection without a valid key, its answers included: heads come in milliseconds, and a client that was refused
# does not call often.
UNKNOWN_SECONDS = 15.0
# For the rest of a body that was refused: else the answer is lost where the client still sends. It is thrown away.
LINGER_SECONDS = 2.0
# A body may be waited for so long, and for each MIN_BYTES_A_SECOND that have come another second. 20 s are two lost
# packets on a bad line; a slower line would take 5 s for the picture of a usual call.
BODY_SECONDS = 20.0
MIN_BYTES_A_SECOND = 32 * 1024
# For the next request of a connection, its head included. Longer than clients and proxies keep an idle one (60 s and
# less), for a POST on one that was just closed cannot be sent again.
IDLE_SECONDS = 75
BACKLOG = 4096  # connections that wait to be accepted
# Calls under way when it is told to stop. aiohttp waits for it twice, before and after it cuts uploads off.
STOP_SECONDS = 8


class Connection(web.RequestHandler):
    """One connection of a client."""

    __slots__ = ("_head_bytes", "_timer", "_unknown")

    def __init__(self, server: web.Server, unknown: UnknownConnections) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # its way to say that there is none
            auto_decompress=False,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=FIELD_BYTES,
            max_field_size=FIELD_BYTES,
            max_headers=HEADERS,
        )
        self._head_bytes = 0
        self._unknown: UnknownConnections | None = unknown  # until it is known
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        super().connection_made(transport)
        if self._unknown is not None:
            self._unknown.add(self, str((transport.get_extra_info("peername") or ("",))[0]))
            self._end_unknown_later()

    def connection_lost(self, exc: BaseException | None) -> None:
        """See ``asyncio.Protocol``."""
        self.recognise()
        super().connection_lost(exc)

    def recognise(self) -> None:
        """Note that the client has a valid key, or has left."""
        if self._unknown is not None:
            self._unknown.discard(self)
            self._unknown.head_bytes -= self._head_bytes
            self._unknown = None
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``. aiohttp limits the lines of a head, but not their sum."""
        super().data_received(data)
        if self._is_waiting:
            self._count_head(self._head_bytes + len(data))
        elif self._head_bytes:
            self._count_head(0)

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        """What is no HTTP is answered with 400 and fills nobody's log."""
        if not isinstance(kwargs.get("exc_info"), HttpProcessingError):
            super().log_exception(*args, **kwargs)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Log an error and answer it without aiohttp's words, which name versions and quote the request."""
        super().handle_error(request, status, exc, message)
        text = "Something went wrong." if status >= 500 else "This is not a valid HTTP request."
        reply = WholeReply(status=status, body=failure(text, "invalid_request"), content_type="application/json")
        reply.force_close()
        return reply

    @property
    def _is_waiting(self) -> bool:
        """Whether the head of a request is still to come, or to end."""
        return self._waiter is not None and not self._waiter.done()

    def _count_head(self, size: int) -> None:
        is_too_large = size > HEAD_BYTES
        if self._unknown is not None:
            self._unknown.head_bytes += size - self._head_bytes
            is_too_large |= size > MAX_PLAIN_HEAD_BYTES and self._unknown.head_bytes > MAX_UNKNOWN_HEAD_BYTES
        self._head_bytes = size
        if is_too_large and self.transport:
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n")
            self.force_close()

    def _end_unknown_later(self) -> None:
        self._timer = self._loop.call_later(UNKNOWN_SECONDS, self._end_unknown)

    def _end_unknown(self) -> None:
        if self._is_waiting:
            self.force_close()
        else:  # after the answer
            self._end_unknown_later()


class _AsItIs(web.StreamResponse):
    """An answer whose headers stay as they are: aiohttp would name itself, and a type where there is none."""

    async def _prepare_headers(self) -> None:
        missing = [name for name in ("server", "content-type") if name not in self.headers]
        await super()._prepare_headers()
        for name in missing:
            self.headers.popall(name, None)


class Reply(_AsItIs):
    """An answer whose headers wait for what is sent next."""

    _send_headers_immediately = False


class WholeReply(_AsItIs, web.Response):
    """An answer of the server itself."""


class HttpCaller:
    """An ``answers.Caller`` at the other end of a connection."""

    __slots__ = ("_expects", "_request", "_size", "_waited", "reply")

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._expects = request.headers.get("expect", "").lower() == "100-continue"
        self.reply: Reply | None = None
        self._size = 0  # of the body so far
        self._waited = 0.0  # for it, in seconds

    @property
    def is_gone(self) -> bool:
        """See ``answers.Caller``."""
        transport = self._request.transport
        return transport is None or transport.is_closing()

    def recognise(self) -> None:
        """See ``answers.Caller``."""
        if isinstance(self._request.protocol, Connection):
            self._request.protocol.recognise()

    async def read(self) -> bytes:
        """See ``answers.Caller``. Only the time counts in which we wait: a body may go on to somebody slow."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        left = BODY_SECONDS + self._size / MIN_BYTES_A_SECOND - self._waited
        try:
            if self._expects:
                self._expects = False
                await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            async with asyncio.timeout(left):
                part = await self._request.content.readany()
        except TimeoutError:
            raise Refused(408, "The body came too slowly.", "timeout") from None
        except (ConnectionError, web.RequestPayloadError) as error:
            self.cut()
            raise ClientLeft("the client left before its request was complete") from error
        self._waited += loop.time() - began
        self._size += len(part)
        return part

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
        return caller.reply or WholeReply(status=400)  # nobody is there to get it

    return web.Server(handle)


async def serve(capture: Capture, host: str, port: int, *, share_port: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; calls that are under way then get ``STOP_SECONDS``. Raises OSError.

    With ``share_port`` other processes may listen on the same port.
    """

    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    server, unknown = server_of(capture), UnknownConnections()
    await capture.start()
    try:
        listener = await loop.create_server(
            lambda: Connection(server, unknown), host, port, backlog=BACKLOG, reuse_port=share_port or None
        )
        await told.wait()
        listener.close()
        server.pre_shutdown()
        await server.shutdown(STOP_SECONDS / 2)
    finally:
        await capture.stop()

"""Capture without its server and without a database, driven in the test's own event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from logs.capture.app import Capture, Settings
from logs.capture.request import Request
from logs.record import LogRecord
from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.catalog.catalog_cache import Registry, Shelf
from portkey_logs.lib.shares import ShareLimits

KEY = "plk_stand"
EMPTY = Shelf()
GRANT = Grant(1, 7, "acme", "acme", ("logs.write",), metrics_only=False)
CHAT = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say hi"}]}'
JSON = ("content-type", "application/json")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run it in an event loop of its own, in a thread of its own: a browser test may have left one in this."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asyncio.wait_for(scenario, 20)).result()


class Keys:
    """A keyring that knows one key."""

    age = 0.0

    def __init__(self, grant: Grant) -> None:
        self.grant = grant

    def known(self, key: str) -> Grant | None:
        return self.grant if key == KEY else None

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Shelves(Registry):
    """A registry that holds what the test gives it."""

    age = 0.0  # type: ignore[assignment]

    def __init__(self, shelf: Shelf) -> None:
        self._value = {GRANT.workspace_id: shelf}

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Recorded:
    """A recorder that keeps records in a list."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []
        self.counts: Counter[str] = Counter()
        self.rows = self.bytes = 0
        self.limit = 1
        self.away = False
        self.refused = SimpleNamespace(size=0, lost=0)

    def append(self, record: LogRecord) -> bool:
        self.records.append(record)
        return True

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Client:
    """One call, and the caller at its other end."""

    def __init__(self, app: Capture, target: str, body: Any, headers: list[tuple[str, str]], method: str) -> None:
        self.parts = [part for part in (body if isinstance(body, list) else [body]) if part]
        self.request = Request(method, target, CIMultiDict(headers))
        self.status = 0
        self.headers: CIMultiDict[str] = CIMultiDict()
        self.chunks: list[bytes] = []
        self.ended = self.is_gone = False
        self.got_chunk = asyncio.Event()
        self.app = app
        self.records_at_end: int | None = None

    def recognise(self) -> None: ...

    async def read(self) -> bytes:
        return self.parts.pop(0) if self.parts else b""

    async def start(self, status: int, headers: CIMultiDict[str]) -> None:
        self.status, self.headers = status, headers

    def flush(self) -> None: ...

    async def write(self, chunk: bytes) -> None:
        self.records_at_end = len(self.app.recorder.records)  # type: ignore[attr-defined]
        if chunk and not self.is_gone:
            self.chunks.append(chunk)
            self.got_chunk.set()

    async def end(self, chunk: bytes = b"") -> None:
        await self.write(chunk)
        self.ended = True

    def cut(self) -> None:
        self.is_gone = True

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    async def run(self) -> Client:
        await self.app.serve(self.request, self)
        return self


class Stand:
    """Capture in front of an upstream."""

    def __init__(self, app: Capture, upstream: str) -> None:
        self.app = app
        self.upstream = upstream

    @property
    def records(self) -> list[LogRecord]:
        return self.app.recorder.records  # type: ignore[attr-defined, no-any-return]

    def client(
        self,
        path: str = "/v1/chat/completions",
        body: Any = CHAT,
        *,
        method: str = "POST",
        key: str = KEY,
        **headers: str,
    ) -> Client:
        pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if key:
            pairs.append(("x-portkey-api-key", key))
        json = [] if "content_type" in headers else [JSON]
        return Client(self.app, path, body, [*json, *pairs], method)

    async def call(self, *args: Any, **kwargs: Any) -> Client:
        return await self.client(*args, **kwargs).run()


@asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[str]:
    """The handler behind every path of a server of its own; gives its address."""
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=False, auto_decompress=False, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = site._server.sockets[0].getsockname()[:2]  # type: ignore[union-attr]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def stand(
    handler: Handler, grant: Grant = GRANT, *, gateway: bool = True, shelf: Shelf = EMPTY, **settings: Any
) -> AsyncIterator[Stand]:
    """Capture in front of ``handler``, which is its gateway, or a provider to be named where there is no gateway."""
    async with serve(handler) as upstream:
        values: dict[str, Any] = {
            "gateway_url": upstream if gateway else None,
            "web_url": upstream,
            "public_url": "http://logs.example",
            "read_seconds": 5,
            "trusted_hosts": frozenset(),
            "share_limits": ShareLimits(1_000, 120_000, 6_000_000_000),
        }
        app = Capture(Settings(**values | settings), Keys(grant), Shelves(shelf), Recorded())  # type: ignore[arg-type]
        await app.start()
        try:
            yield Stand(app, upstream)
        finally:
            await app.stop()

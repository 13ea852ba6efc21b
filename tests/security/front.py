"""A caller of the front of web in this process: it counts what is read of its body."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from portkey_logs.front.app import Front

CHUNK = 64 * 1024


class Call:
    """One request. The body comes in chunks for as long as it is read, or until ``size`` bytes."""

    def __init__(self, method: str, path: str, size: int, *, declared: bool = True, **headers: str) -> None:
        given = {"host": "localhost"} | {name.replace("_", "-"): value for name, value in headers.items()}
        given |= {"content-length": str(size)} if declared else {"transfer-encoding": "chunked"}
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "raw_path": path.encode(),
            "query_string": b"",
            "http_version": "1.1",
            "scheme": "http",
            "client": ("203.0.113.9", 4711),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
        self.bytes_read = 0
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self._chunks = self._pieces(size)

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size > 0:
            yield b"a" * min(CHUNK, size)
            size -= CHUNK

    async def receive(self) -> dict[str, Any]:
        """See the ASGI specification."""
        chunk = next(self._chunks, None)
        if chunk is None:
            await asyncio.sleep(3600)  # it stays until it is answered
        assert chunk is not None
        self.bytes_read += len(chunk)
        more = self.bytes_read < int(dict(self.scope["headers"]).get(b"content-length", b"999999999999"))
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def send(self, message: dict[str, Any]) -> None:
        """See the ASGI specification."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")

    async def made(self, front: Front) -> Call:
        """Make the call to its end."""
        await front(self.scope, self.receive, self.send)
        return self

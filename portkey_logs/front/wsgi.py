"""Running a WSGI application on a thread, for a request that an ASGI server has received."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

from portkey_logs.front import limits
from portkey_logs.front.bodies import Body, ClientGone, Message, Send

type Environ = dict[str, Any]
type Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

FILE_BLOCK_BYTES = 256 * 1024  # each block is a step from thread to loop


def environ_of(scope: Message) -> Environ:
    """Return the WSGI environ (PEP 3333) of an ASGI scope, without ``wsgi.input``.

    Headers with an underscore are left out: as variables they could not be told from those with a dash, which
    proxies set or remove.
    """
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": lambda file, _: FileWrapper(file, FILE_BLOCK_BYTES),
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:
            continue
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
        separator = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    return environ


def give_body(environ: Environ, body: Body) -> None:
    """Give the environ a complete body, of a known length however it was sent."""
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(body.size)
    environ["wsgi.input"] = body


class Answer:
    """The answer of an application, made on a thread and sent by the loop."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._more_headers = headers
        self._loop = asyncio.get_running_loop()
        self._start: Message = {}
        self._gone = threading.Event()

    def client_left(self) -> None:
        """Make ``run`` end before the next piece of the answer."""
        self._gone.set()

    def run(self, application: Application, environ: Environ) -> list[Message]:
        """Run the application; return what is left to send. Pieces of an answer without end are sent from here."""
        pieces = application(environ, self._start_response)
        try:
            if self._length <= limits.MAX_BUFFERED_ANSWER_BYTES:
                return [self._start, {"type": "http.response.body", "body": b"".join(pieces)}]
            self._wait_for(self._start)
            for piece in pieces:
                if piece:
                    self._wait_for({"type": "http.response.body", "body": piece, "more_body": True})
            return [{"type": "http.response.body", "body": b""}]
        except (ClientGone, TimeoutError):
            return []
        finally:
            if close := getattr(pieces, "close", None):
                close()

    @property
    def _length(self) -> float:
        length = dict(self._start["headers"]).get(b"content-length")
        return float(length) if length else float("inf")

    def _start_response(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._start = {
            "type": "http.response.start",
            "status": int(status[:3]),
            "headers": encoded + self._more_headers,
        }

    def _wait_for(self, message: Message) -> None:
        if self._gone.is_set():
            raise ClientGone
        asyncio.run_coroutine_threadsafe(self._send_message(message), self._loop).result()

    async def _send_message(self, message: Message) -> None:
        async with asyncio.timeout(limits.SEND_SECONDS):
            await self._send(message)

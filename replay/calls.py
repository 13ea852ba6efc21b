"""Calls to capture, from threads that want to look up now and then while an answer is on its way.

One event loop in a thread of its own holds all connections of the process; the answer's pieces come through a queue.
A call that is closed is cut at once, however silent its provider is.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import queue
import threading
from collections.abc import Iterator
from functools import cache
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import ClientError
from django.conf import settings
from multidict import CIMultiDict

from logs.capture.headers import fields
from logs.capture.upstream import Client, Target

logger = logging.getLogger(__name__)

MAX_BYTES = 32 * 1024 * 1024  # of an answer; embeddings of a large batch have some ten
SILENCE_SECONDS = 1.0  # how long a closed tab may go unnoticed


class Head(msgspec.Struct, frozen=True):
    """Status and headers (names in lower case)."""

    status: int
    headers: dict[str, str]


class Broken(Exception):
    """The answer ends here, for the reason given."""


class Call:
    """One call under way; ``with`` it, so that it ends when nobody looks any more."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self._pieces: queue.SimpleQueue[Head | bytes | Broken | None] = queue.SimpleQueue()
        loop, client = _line()
        target = Target(settings.CAPTURE_URL + path, CIMultiDict(headers), None, client.open)
        self._going = asyncio.run_coroutine_threadsafe(self._go(target, body), loop)

    async def _go(self, target: Target, body: bytes) -> None:
        size = 0
        try:
            async with target.open(target, "POST", body) as answer:
                self._pieces.put(Head(answer.status, fields(answer.headers)))
                while chunk := await answer.read():
                    size += len(chunk)
                    if size > MAX_BYTES:
                        raise Broken(f"The answer is larger than {MAX_BYTES // 1024 // 1024} MB.")
                    self._pieces.put(chunk)
            self._pieces.put(None)
        except Broken as error:
            self._pieces.put(error)
        except (ClientError, OSError, TimeoutError) as error:
            self._pieces.put(Broken(f"The connection broke: {error or type(error).__name__}"))
        except Exception as error:  # whoever waits has to be told, whatever it was: headers that nobody can send
            logger.exception("A run could not be carried out")
            self._pieces.put(Broken(f"The request could not be sent: {type(error).__name__}"))

    def pieces(self) -> Iterator[Head | bytes | None]:
        """The head, then the octets as they come; None each second in which nothing came. Raises Broken."""
        while True:
            try:
                piece = self._pieces.get(timeout=SILENCE_SECONDS)
            except queue.Empty:
                yield None
                continue
            if piece is None:
                return
            if isinstance(piece, Broken):
                raise piece
            yield piece

    def close(self) -> None:
        """Cut it, from any thread; whoever waits for pieces is told."""
        self._going.cancel()
        self._pieces.put(Broken("The run was stopped."))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@cache
def _line() -> tuple[asyncio.AbstractEventLoop, Client]:
    """The loop and its session, made by the first call of the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="replay-calls", daemon=True).start()
    client = asyncio.run_coroutine_threadsafe(_client(), loop).result()
    atexit.register(lambda: asyncio.run_coroutine_threadsafe(client.close(), loop).result(1))
    return loop, client


async def _client() -> Client:
    return Client(settings.UPSTREAM_SECONDS)

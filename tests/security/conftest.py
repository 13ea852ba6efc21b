"""What several security tests use."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from portkey_logs.front.app import Front
from portkey_logs.front.threads import ThreadPool
from tests.security.front import Call


@pytest.fixture
def front(db: None, inline_writer: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Call], Call]]:
    """Serve a call as the web process does, but that all threads are this one, which sees what the test has stored."""
    jobs: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()

    async def run[Result](self: ThreadPool, function: Callable[[], Result]) -> Result:
        done: Future[Result] = Future()
        jobs.put((function, done))
        return await asyncio.wrap_future(done)

    monkeypatch.setattr(ThreadPool, "run", run)

    async def make(call: Call) -> None:
        try:
            await call.made(Front(get_wsgi_application()))
        finally:
            jobs.put(None)

    def serve(call: Call) -> Call:
        loop = threading.Thread(target=asyncio.run, args=(make(call),))
        loop.start()
        while job := jobs.get():
            function, done = job
            try:
                done.set_result(function())
            except BaseException as error:
                done.set_exception(error)
        loop.join()
        return call

    for signal in (request_started, request_finished):  # as Django's own test client does
        signal.disconnect(close_old_connections)
    yield serve
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)

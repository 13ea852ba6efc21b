"""Bounded pools of threads."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from queue import Empty, SimpleQueue

from django.db import connections

from portkey_logs.front.bodies import RETRY_SECONDS, RequestRefused
from portkey_logs.front.limits import IDLE_SECONDS

type Job = Callable[[], None]


class PoolFullError(RequestRefused):
    """All threads work, and as many jobs wait as may."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.SERVICE_UNAVAILABLE, "The site is busy; try again shortly.", retry_after=RETRY_SECONDS
        )


class ThreadPool:
    """Up to ``threads`` daemon threads, and up to ``waiting`` jobs in a queue before them.

    The thread that was busy last works next, so that those which are not needed end, and their database connections
    with them: an Executor keeps all that it ever needed.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self.name = name
        self._max_threads = threads
        self._max_waiting = waiting
        self._threads = 0
        self._jobs: deque[Job] = deque()
        self._idle: list[SimpleQueue[Job]] = []
        self._lock = threading.Lock()

    async def run[Result](self, function: Callable[[], Result]) -> Result:
        """Return what the function returns, on one of the threads. Raises PoolFullError, and what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()

        def settle(result: Result | None, error: BaseException | None) -> None:
            if done.cancelled():
                return
            if error is None:
                done.set_result(result)  # type: ignore[arg-type]  # None is what it returned
            else:
                done.set_exception(error)

        def job() -> None:
            try:
                result = function()
            except BaseException as error:
                loop.call_soon_threadsafe(settle, None, error)
            else:
                loop.call_soon_threadsafe(settle, result, None)

        self._submit(job)
        return await done

    def _submit(self, job: Job) -> None:
        with self._lock:
            if self._idle:
                self._idle.pop().put(job)
            elif self._threads < self._max_threads:
                self._threads += 1
                threading.Thread(target=self._work, args=(job,), name=self.name, daemon=True).start()
            elif len(self._jobs) < self._max_waiting:
                self._jobs.append(job)
            else:
                raise PoolFullError

    def _work(self, first: Job) -> None:
        job: Job | None = first
        inbox: SimpleQueue[Job] = SimpleQueue()
        while job is not None:
            job()
            job = self._next(inbox)
        connections.close_all()

    def _next(self, inbox: SimpleQueue[Job]) -> Job | None:
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
            self._idle.append(inbox)
        try:
            return inbox.get(timeout=IDLE_SECONDS)
        except Empty:
            with self._lock:
                if inbox in self._idle:
                    self._idle.remove(inbox)
                    self._threads -= 1
                    return None
            return inbox.get()  # it came in the last moment

"""What happens where many ask at once, each with a database connection of its own: for tests with real transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection


def at_once[T](times: int, call: Callable[[int], T]) -> list[T | Exception]:
    """The answers to so many calls, each given its number, that begin together; or what they raised."""
    begin = Barrier(times)

    def one(number: int) -> T | Exception:
        try:
            connection.ensure_connection()
            begin.wait(30)
            return call(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))


def run_in_thread[T](scenario: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in an event loop of a thread of its own: a browser test may have left one in this."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, scenario).result()

"""What happens where many ask at once, each with a database connection of its own: for tests with real transactions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

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

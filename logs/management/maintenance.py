"""What keeps the tables in shape: partitions, retention, rollups, the index of words. One process at a time does it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.db.utils import Error as DatabaseError

from logs import extensions
from logs.storage import partitions, rollups
from logs.storage.search import index
from portkey_logs.accounts import audit, sessions
from portkey_logs.lib import uuid7

logger = logging.getLogger(__name__)

ROUND_SECONDS = 5.0  # how far the rollups' unfolded rows may pile up
INDEX_SECONDS = 10.0  # of a round: where many logs wait to be indexed, two thirds of the worker's time
LOCK_POLL_SECONDS = 2.0  # how soon a second worker takes over
BACKOFF_SECONDS = (1.0, 30.0)  # first and longest wait for a database that is away
_LOCK = 0x706C6F67_02

Wait = Callable[[float], None]  # sleeps for so many seconds; may raise to end the loop
Tell = Callable[[str], None]


def run_once(now: datetime | None = None) -> bool:
    """One round: partitions ahead, expired ones dropped, rollups folded, words indexed, old audit events
    deleted, and what other apps add.

    Whether there is more to do at once. What fails in one duty does not hold up the others. Raises Django's database
    errors where the database is away.
    """
    now = now or datetime.now(UTC)
    now_ms = uuid7.ms_of(now)
    _try(lambda: partitions.ahead(connection, now_ms))
    _try(lambda: partitions.drop_expired(connection, now_ms))
    _try(lambda: rollups.fold(connection, now))
    _try(lambda: index.work(connection, INDEX_SECONDS))
    duties = [lambda: audit.purge(now), sessions.purge, *(extension.maintain for extension in extensions.registered())]
    busy = [_try(duty) for duty in duties]
    return any(busy)


def _try[T](duty: Callable[[], T]) -> T | None:
    try:
        return duty()
    except (OperationalError, InterfaceError, ProgrammingError):  # away, or not migrated yet
        raise
    except Exception:
        logger.exception("Something could not be maintained; the rest goes on")
        return None


def run_forever(wait: Wait = time.sleep, tell: Tell = print) -> None:
    """Rounds until ``wait`` raises. Says one line when the database goes away and one when it is back."""
    backoff, longest = BACKOFF_SECONDS
    pause, away = backoff, False
    while True:
        try:
            with turn(wait):
                while True:
                    busy = run_once()
                    if away:
                        tell("The database is back.")
                    pause, away = backoff, False
                    wait(0 if busy else ROUND_SECONDS)
        except DatabaseError as error:
            if not away:
                tell(f"The database is away, maintenance waits: {_first_line(error)}")
            away = True
            connection.close()
            wait(pause)
            pause = min(2 * pause, longest)


@contextmanager
def turn(wait: Wait = time.sleep) -> Iterator[None]:
    """Hold the lock that only one worker has, waiting for it quietly. It goes with the connection."""
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            if cursor.fetchone()[0]:
                break
            wait(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        # Where the connection is gone the lock is too; an error here would hide the reason for leaving.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

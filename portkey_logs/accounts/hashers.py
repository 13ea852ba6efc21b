"""Argon2 within a bounded amount of memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher

MAX_HASHES = 2  # at a time in a process: 38 MiB, and as many cores as a small machine has
MAX_WAITING = 8  # each holds a thread that pages could use
WAIT_SECONDS = 5.0  # a hash takes some 50 ms


class PasswordsBusyError(Exception):
    """More passwords are being checked than the process has room for."""


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane, the first choice of OWASP's Password Storage Cheat Sheet.

    Hashes of other parameters are checked with theirs, and replaced at the next sign-in.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """See Django. Raises PasswordsBusyError."""
        with _turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """See Django. Raises PasswordsBusyError."""
        with _turn():
            return super().verify(password, encoded)


_present = threading.Semaphore(MAX_HASHES + MAX_WAITING)
_hashing = threading.Semaphore(MAX_HASHES)


@contextmanager
def _turn() -> Iterator[None]:
    if not _present.acquire(blocking=False):
        raise PasswordsBusyError
    try:
        if not _hashing.acquire(timeout=WAIT_SECONDS):
            raise PasswordsBusyError
        try:
            yield
        finally:
            _hashing.release()
    finally:
        _present.release()

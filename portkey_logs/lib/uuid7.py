"""UUIDv7 (RFC 9562): key, order, cursor and partition key of every log in one.

The upper 48 bits are the event's time in milliseconds since 1970 (UTC), so
comparing ids compares times. Made in Python because PostgreSQL has no
``uuidv7()`` before version 18.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from datetime import datetime
from uuid import UUID

MAX_MS = (1 << 48) - 1
_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_TAIL_MASK = (1 << 74) - 1  # what version and variant leave: 12 bits before the variant, 62 behind it
# The step between two ids of one millisecond: large enough that a neighbour cannot be guessed,
# small enough that a process cannot use up the 74 bits.
_STEP_BITS = 40

_lock = threading.Lock()
_last_ms = -1
_last_tail = 0


def uuid7(ms: int | None = None) -> UUID:
    """A new id for the event time ``ms`` (UTC milliseconds; now, when not given).

    Ids made one after the other in a process for the same millisecond increase,
    so the rows of one batch keep their order. Raises ValueError when ``ms`` does
    not fit into 48 bits.
    """
    global _last_ms, _last_tail
    if ms is None:
        ms = time.time_ns() // 1_000_000
    _check(ms)
    with _lock:
        # The top bit of a first tail stays clear: room for steps.
        tail = _last_tail + 1 + secrets.randbits(_STEP_BITS) if ms == _last_ms else secrets.randbits(73)
        _last_ms, _last_tail = ms, tail & _TAIL_MASK
        return _build(ms, _last_tail)


def deterministic_uuid7(ms: int, workspace_id: int, trace_id: str, span_id: str) -> UUID:
    """The id of a span whose sender gave its time: the same input gives the same id.

    Re-sending a batch then meets its own rows instead of adding new ones. Raises
    ValueError when ``ms`` does not fit into 48 bits.
    """
    _check(ms)
    digest = hashlib.sha256(str(workspace_id).encode())
    for part in (trace_id, span_id):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8))  # the lengths keep ("ab", "c") and ("a", "bc") apart
        digest.update(encoded)
    tail = int.from_bytes(digest.digest()) & _TAIL_MASK
    return _build(ms, tail)


def time_ms(id: UUID) -> int:
    """The event time that ``id`` carries, in UTC milliseconds."""
    return id.int >> 80


def floor(ms: int) -> UUID:
    """The lowest id of the millisecond ``ms``: ``id >= floor(a) and id < floor(b)`` is [a, b)."""
    _check(ms)
    return _build(ms, 0)


def ms_of(moment: datetime) -> int:
    """A moment as milliseconds since 1970 (UTC), as ids carry it."""
    return int(moment.timestamp() * 1000)


def _build(ms: int, tail: int) -> UUID:
    high, low = tail >> 62, tail & ((1 << 62) - 1)
    return UUID(int=(ms << 80) | _VERSION | (high << 64) | _VARIANT | low)


def _check(ms: int) -> None:
    if not 0 <= ms <= MAX_MS:
        raise ValueError(f"{ms} is not a time in milliseconds that fits into 48 bits")

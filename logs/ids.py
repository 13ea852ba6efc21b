"""UUIDv7 ids."""

import os
import time
from uuid import UUID


def uuid7(ms: int | None = None) -> UUID:
    ms = time.time_ns() // 1_000_000 if ms is None else ms
    rand = int.from_bytes(os.urandom(10))
    return UUID(int=(ms << 80) | (7 << 76) | ((rand >> 68) << 64) | (2 << 62) | (rand & ((1 << 62) - 1)))


def time_ms(id: UUID) -> int:
    return id.int >> 80


def floor(ms: int) -> UUID:
    return UUID(int=(ms << 80) | (7 << 76) | (2 << 62))

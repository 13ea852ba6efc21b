"""What is kept of bodies for the record while they pass through."""

from __future__ import annotations

# One body: as much as POST /v1/logs takes. All calls together: what a crowd of them may hold at a time.
BODY_BYTES = 64 * 1024 * 1024
TOTAL_BYTES = 256 * 1024 * 1024


class Room:
    """The memory that the bodies of all calls share, in bytes."""

    def __init__(self, total: int = TOTAL_BYTES, per_body: int = BODY_BYTES) -> None:
        self.per_body = per_body
        self.left = total


class Kept:
    """One body: its true size, and its octets unless they became too many."""

    __slots__ = ("_held", "_parts", "_room", "size")

    def __init__(self, room: Room) -> None:
        self.size = 0
        self._room = room
        self._parts: list[bytes] | None = []
        self._held = 0

    def add(self, chunk: bytes) -> None:
        """Note a chunk that passes. Beyond the limit nothing is kept, since a part of a body cannot be read."""
        self.size += len(chunk)
        if self._parts is None:
            return
        if self.size > self._room.per_body or len(chunk) > self._room.left:
            self.release()
            self._parts = None
            return
        self._room.left -= len(chunk)
        self._held += len(chunk)
        self._parts.append(chunk)

    @property
    def whole(self) -> bool:
        """Whether all of it was kept."""
        return self._parts is not None

    def octets(self) -> bytes | None:
        """The body; None where there was none, or more than is kept."""
        return b"".join(self._parts) if self._parts else None

    def release(self) -> None:
        """Give the memory back."""
        self._room.left += self._held
        self._held = 0
        if self._parts is not None:
            self._parts = []

"""What is kept of bodies for the record while they pass through, and undoing their Content-Encoding."""

from __future__ import annotations

import zlib

import zstandard

# One body: as much as POST /v1/logs takes. All calls together: what a crowd of them may hold at a time.
BODY_BYTES = 64 * 1024 * 1024
TOTAL_BYTES = 256 * 1024 * 1024
PIECE_BYTES = 16 * 1024  # of a compressed body, looked at together
ZSTD_WINDOW_BYTES = 8 * 1024 * 1024  # RFC 9659: what a zstd stream over HTTP may ask its reader to remember


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


def decoded(body: bytes, coding: str, limit: int = BODY_BYTES) -> bytes:
    """A body without its Content-Encoding; as it is where that is unknown, damaged, or unpacks beyond ``limit``.

    A stream that was cut gives what came.
    """
    for name in reversed([name.strip().lower() for name in coding.split(",") if name.strip()]):
        try:
            if name in ("gzip", "x-gzip"):
                unpacked = _inflate(body, 16 + zlib.MAX_WBITS, limit)
            elif name == "deflate":
                unpacked = _deflate(body, limit)
            elif name == "zstd":
                reader = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES).stream_reader(
                    body, read_across_frames=True
                )
                unpacked = reader.read(limit + 1)
            elif name == "identity":
                continue
            else:
                return body
        except (zlib.error, zstandard.ZstdError):
            return body
        if len(unpacked) > limit:
            return body
        body = unpacked
    return body


def _deflate(body: bytes, limit: int) -> bytes:
    """The zlib format (RFC 9110, 8.4.1.2), yet some senders leave its wrapper off."""
    try:
        return _inflate(body, zlib.MAX_WBITS, limit)
    except zlib.error:
        return _inflate(body, -zlib.MAX_WBITS, limit)


def _inflate(body: bytes, wbits: int, limit: int) -> bytes:
    """All members of a gzip file (RFC 1952, 2.2), or one zlib stream; at most ``limit`` + 1 bytes.

    In pieces: what a member leaves over is copied, and there may be a member every 20 bytes.
    """
    unpacked = bytearray()
    stream = zlib.decompressobj(wbits)
    for start in range(0, len(body), PIECE_BYTES):
        piece = body[start : start + PIECE_BYTES]
        while piece and len(unpacked) <= limit:
            if stream.eof:
                stream = zlib.decompressobj(wbits)
            unpacked += stream.decompress(piece, limit + 1 - len(unpacked))
            if stream.eof and wbits <= zlib.MAX_WBITS:
                return bytes(unpacked)
            piece = stream.unused_data if stream.eof else b""
        if len(unpacked) > limit:
            break
    return bytes(unpacked)

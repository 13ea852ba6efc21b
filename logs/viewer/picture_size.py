"""The size of a picture in pixels, read from its header. Bounded: a damaged header gives no size, never a loop."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple


class Size(NamedTuple):
    width: int | None
    height: int | None


UNKNOWN = Size(None, None)
_MAX_SEGMENTS = 200  # markers before a JPEG's frame header; real files have some twenty


def dimensions(head: bytes, extension: str) -> Size:
    """Width and height in pixels, from the first bytes of a picture of that kind; unknown where they do not say."""
    try:
        return _READERS[extension](head)
    except (KeyError, struct.error, IndexError):
        return UNKNOWN


def _png(head: bytes) -> Size:
    return Size(*struct.unpack_from(">II", head, 16)) if head[12:16] == b"IHDR" else UNKNOWN


def _gif(head: bytes) -> Size:
    return Size(*struct.unpack_from("<HH", head, 6))


def _jpeg(head: bytes) -> Size:
    """Segments follow each other up to the frame header (SOF0 to SOF15, of which C4, C8 and CC are others)."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        while head[at] == 0xFF and head[at + 1] == 0xFF:  # fill bytes
            at += 1
        if head[at] != 0xFF:
            return UNKNOWN
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, at + 5)
            return Size(width, height)
        at += 2 + struct.unpack_from(">H", head, at + 2)[0]
    return UNKNOWN


def _webp(head: bytes) -> Size:
    kind = head[12:16]
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", head, 26)
        return Size(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L" and head[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", head, 21)
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X" and len(head) >= 30:
        return Size(int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1)
    return UNKNOWN


def _avif(head: bytes) -> Size:
    at = head.find(b"ispe", 0, 4096)
    return Size(*struct.unpack_from(">II", head, at + 8)) if at > 0 else UNKNOWN


_READERS: dict[str, Callable[[bytes], Size]] = {"png": _png, "jpg": _jpeg, "gif": _gif, "webp": _webp, "avif": _avif}

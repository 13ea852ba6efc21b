"""Pictures and sounds inside bodies: recognised by their first bytes, measured by their headers, decoded on demand.

Only raster pictures and sound are recognised. SVG, PDF, HTML and whatever else a browser might run is not: the name
and type that a body states are never believed.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Literal

from logs.viewer.picture_size import Size, dimensions

Kind = Literal["image", "audio"]

# A JPEG states its size behind its metadata; 256 KB of that is more than cameras write.
HEADER_BYTES = 256 * 1024

_DATA_URI = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/_=\s-]")


@dataclass(frozen=True)
class Media:
    """What is known of a picture or a sound without decoding all of it. ``size`` is in bytes."""

    kind: Kind
    type: str  # the only Content-Type it may be served with
    format: str
    extension: str
    size: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None

    @property
    def in_words(self) -> str:
        """``PNG · 640 × 480 pixels · 12,345 bytes``; from 1 MB on in MB (powers of 1000)."""
        pixels = f"{self.width:,} × {self.height:,} pixels" if self.width and self.height else ""
        length = f"{self.seconds:,} s" if self.seconds else ""
        size = f"{self.size:,} bytes" if self.size < 1_000_000 else f"{self.size / 1e6:,.1f} MB"
        return " · ".join(filter(None, [self.format, pixels, length, size]))


@dataclass(frozen=True)
class _Format:
    kind: Kind
    type: str
    format: str
    extension: str


PNG = _Format("image", "image/png", "PNG", "png")
JPEG = _Format("image", "image/jpeg", "JPEG", "jpg")
GIF = _Format("image", "image/gif", "GIF", "gif")
WEBP = _Format("image", "image/webp", "WebP", "webp")
AVIF = _Format("image", "image/avif", "AVIF", "avif")
WAV = _Format("audio", "audio/wav", "WAV", "wav")
MP3 = _Format("audio", "audio/mpeg", "MP3", "mp3")
AAC = _Format("audio", "audio/aac", "AAC", "aac")
OGG = _Format("audio", "audio/ogg", "Ogg", "ogg")
FLAC = _Format("audio", "audio/flac", "FLAC", "flac")
M4A = _Format("audio", "audio/mp4", "M4A", "m4a")
WEBM = _Format("audio", "audio/webm", "WebM", "webm")


def sniff(octets: bytes, *, size: int | None = None) -> Media | None:
    """What ``octets`` are, by their first bytes; None for anything but raster pictures and sound. ``size`` (bytes)
    is that of the whole where ``octets`` are only its beginning."""
    return _describe(octets[:HEADER_BYTES], len(octets) if size is None else size)


def describe(text: str) -> Media | None:
    """What a data: URI or bare base64 text holds; only its beginning is decoded."""
    start = _payload_start(text)
    if start is None:
        return None
    head = _decode(text[start : start + HEADER_BYTES * 4 // 3 + 4], partial=True)
    return _describe(head, _decoded_size(text, start)) if head else None


def decode(text: str) -> bytes | None:
    """The octets of a data: URI or of bare base64 text; None where it is neither."""
    start = _payload_start(text)
    return None if start is None else _decode(text[start:])


def data_uri_type(text: str) -> str:
    """The media type that a data: URI states; "" where the text is none."""
    match = _DATA_URI.match(text[:300])
    return (match[1].strip().lower() or "text/plain") if match else ""


def _payload_start(text: str) -> int | None:
    match = _DATA_URI.match(text[:300])
    if match:
        return match.end() if "base64" in match[2].lower() else None
    return None if text[:5].lower() == "data:" else 0


def _decode(text: str, *, partial: bool = False) -> bytes | None:
    """Base64, also of the URL alphabet, with line breaks or without padding. ``partial``: a beginning, cut anywhere."""
    if not text.isascii() or _NOT_BASE64.search(text):
        return None
    digits = "".join(text.split()).rstrip("=").translate({45: "+", 95: "/"})
    digits = digits[: len(digits) // 4 * 4] if partial else digits + "=" * (-len(digits) % 4)
    try:
        return base64.b64decode(digits)
    except (binascii.Error, ValueError):
        return None


def _decoded_size(text: str, start: int) -> int:
    digits = len(text) - start - sum(text.count(blank, start) for blank in "\r\n\t =")
    return digits * 3 // 4


def _describe(head: bytes, size: int) -> Media | None:
    found = _format(head)
    if found is None:
        return None
    width, height = dimensions(head, found.extension) if found.kind == "image" else Size(None, None)
    seconds = _wav_seconds(head, size) if found is WAV else None
    return Media(found.kind, found.type, found.format, found.extension, size, width, height, seconds)


def _format(head: bytes) -> _Format | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head[:4] == b"RIFF":
        return {b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    if head[4:8] == b"ftyp":
        if head[8:12] in (b"avif", b"avis"):
            return AVIF
        return M4A if head[8:12] in (b"M4A ", b"M4B ", b"isom", b"iso2", b"mp41", b"mp42", b"dash") else None
    for start, found in ((b"ID3", MP3), (b"OggS", OGG), (b"fLaC", FLAC), (b"\x1a\x45\xdf\xa3", WEBM)):
        if head.startswith(start):
            return found
    return _mpeg(head)


def _mpeg(head: bytes) -> _Format | None:
    """A frame of MP3 or AAC begins with eleven set bits; the fields behind them tell which, and refuse chance."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return AAC if (head[2] >> 2) & 0xF < 13 else None
    is_layer_3 = head[1] >> 1 & 3 == 1 and head[1] >> 3 & 3 != 1
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    return MP3 if is_layer_3 and bit_rate not in (0, 15) and sample_rate != 3 else None


def _wav_seconds(head: bytes, size: int) -> float | None:
    at = head.find(b"fmt ", 12, 4096)
    rate = int.from_bytes(head[at + 16 : at + 20], "little") if at > 0 else 0
    return round((size - 44) / rate, 1) if rate and size > 44 else None

"""Small pictures and sounds, made here: their sizes are known."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib


def png(width: int, height: int) -> bytes:
    """A red rectangle."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xdc\x28\x28" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def wav(seconds: float = 1.0) -> bytes:
    """Silence: 8,000 samples a second, 16 bits, mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(int(16000 * seconds)))
    return file.getvalue()


def base64_of(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def data_uri(octets: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64_of(octets)}"

"""Undoing the Content-Encoding (RFC 9110, 8.4) of a body from outside, in linear time and bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import zstandard

MAX_ENCODINGS = 3  # senders and proxies apply one each; more is a try to multiply the work
# Gzip members or zstd frames of one body. Each costs a microsecond even if it is empty: this many are 0.1 s, and one
# for every 700 bytes of the largest body.
MAX_MEMBERS = 100_000
ZSTD_WINDOW_BYTES = 8 * 1024 * 1024  # RFC 9659: what a zstd stream over HTTP may ask its reader to remember


class DecompressionError(ValueError):
    """The body is not valid in its Content-Encoding. The text is for its sender."""


class UnsupportedEncodingError(DecompressionError):
    """The Content-Encoding is not one of those that can be undone here."""


class DecompressedSizeError(DecompressionError):
    """The body is larger than the limit without its Content-Encoding."""


class _Member(Protocol):
    """A gzip member, zlib stream or zstd frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Format(NamedTuple):
    """``prepare`` returns, for one body, a function from the first bytes of a member to its decompressor.

    ``step_bytes`` are decompressed together: so few that even a bomb makes some 8 MB of them at most, and that what a
    member leaves over, which is copied, is little.
    """

    prepare: Callable[[], Callable[[bytes], _Member]]
    step_bytes: int
    has_members: bool = True


def _prepare_gzip() -> Callable[[bytes], _Member]:
    return lambda start: zlib.decompressobj(16 + zlib.MAX_WBITS)


def _prepare_deflate() -> Callable[[bytes], _Member]:
    """``deflate`` is the zlib format (RFC 9110, 8.4.1.2), yet some senders leave its wrapper off."""

    def begin(start: bytes) -> _Member:
        is_wrapped = start[0] & 0x0F == 8 and int.from_bytes(start) % 31 == 0  # RFC 1950, 2.2
        return zlib.decompressobj(zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS)

    return begin


def _prepare_zstd() -> Callable[[bytes], _Member]:
    """One context for all frames of a body: to make one takes longer than an empty frame."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
    return lambda start: decompressor.decompressobj()


# Deflate grows by 1,032 at most; a block of zstd has four bytes or more, and makes 128 KiB or less.
_GZIP = _Format(_prepare_gzip, 4096)
_FORMATS = {
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": _Format(_prepare_deflate, 4096, has_members=False),
    "zstd": _Format(_prepare_zstd, 256),
}
_START_BYTES = 2  # tell whether deflate has its wrapper


class Decompressor:
    """Undoes the encodings of one body as its parts come. No encoding at all passes everything on.

    Raises UnsupportedEncodingError. ``limit`` is in bytes, for the result of each encoding.
    """

    def __init__(self, encodings: str, limit: int) -> None:
        names = [name for name in map(str.strip, encodings.lower().split(",")) if name not in ("", "identity")]
        if len(names) > MAX_ENCODINGS:
            raise UnsupportedEncodingError(f"More than {MAX_ENCODINGS} Content-Encodings are not supported.")
        for name in names:
            if name not in _FORMATS:
                raise UnsupportedEncodingError(
                    f"Content-Encoding {name[:40]!r} is not supported; use gzip, zstd or deflate."
                )
        self._layers = [_Layer(name, limit) for name in reversed(names)]

    @property
    def is_complete(self) -> bool:
        """Whether the body may end here."""
        return all(layer.is_complete for layer in self._layers)

    def feed(self, part: bytes) -> Iterator[bytes]:
        """Yield the content of the next part of the body.

        Raises DecompressionError, or DecompressedSizeError where it becomes larger than the limit.
        """
        pieces: Iterator[bytes] = iter((part,))
        for layer in self._layers:
            pieces = layer.decompress(pieces)
        return pieces


class _Layer:
    """One encoding of a body."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._format = _FORMATS[name]
        self._prepared = self._format.prepare()
        self._left = limit
        self._member: _Member | None = None
        self._members = 0
        self._start = b""

    @property
    def is_complete(self) -> bool:
        return self._member is not None and self._member.eof and not self._start

    def decompress(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            for at in range(0, len(piece), self._format.step_bytes):
                try:
                    yield from self._step(piece[at : at + self._format.step_bytes])
                except (zlib.error, zstandard.ZstdError):
                    raise self._invalid() from None

    def _step(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member is None or self._member.eof:
                data = self._start + data
                if len(data) < _START_BYTES:
                    self._start = data
                    return
                self._start = b""
                self._member = self._begin(data)
            if content := self._member.decompress(data):
                self._left -= len(content)
                if self._left < 0:
                    raise DecompressedSizeError("The body is too large without its Content-Encoding.")
                yield content
            data = self._member.unused_data if self._member.eof else b""

    def _begin(self, data: bytes) -> _Member:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise DecompressionError(f"The body has more than {MAX_MEMBERS:,} {self._name} members.")
        if self._members > 1 and not self._format.has_members:
            raise self._invalid()
        return self._prepared(data[:_START_BYTES])

    def _invalid(self) -> DecompressionError:
        return DecompressionError(f"The body is not valid {self._name}.")


def decompress(body: bytes, encodings: str, limit: int, *, allow_truncated: bool = False) -> bytes:
    """Return a body without its Content-Encoding, which names one or more encodings.

    Raises UnsupportedEncodingError, DecompressedSizeError above ``limit`` bytes, and DecompressionError where it is
    not valid, or ends early without ``allow_truncated``.
    """
    decompressor = Decompressor(encodings, limit)
    content = b"".join(decompressor.feed(body))
    if not allow_truncated and not decompressor.is_complete:
        raise DecompressionError("The compressed body ends early.")
    return content

"""Pictures and sounds are recognised by their bytes, whatever the body says of them."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.viewer import media
from tests.logs.viewer.pictures import base64_of, data_uri, png, wav

JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc4\x00\x04\x00\x00\xff\xff\xc2\x00\x11\x08" + struct.pack(">HH", 480, 640) + b"\x03" + bytes(9)
)
WEBP_LOSSY = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 640, 480)
WEBP_LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 639 | 479 << 14)
WEBP_EXTENDED = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")
AVIF = b"\0\0\0\x1cftypavif\0\0\0\0" + b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", 640, 480)


@pytest.mark.parametrize(
    ("octets", "kind", "size"),
    [
        (png(640, 480), "image/png", (640, 480)),
        (JPEG, "image/jpeg", (640, 480)),
        (b"GIF89a" + struct.pack("<HH", 640, 480), "image/gif", (640, 480)),
        (WEBP_LOSSY, "image/webp", (640, 480)),
        (WEBP_LOSSLESS, "image/webp", (640, 480)),
        (WEBP_EXTENDED, "image/webp", (640, 480)),
        (AVIF, "image/avif", (640, 480)),
        (b"\x89PNG\r\n\x1a\n", "image/png", (None, None)),
        (b"\xff\xd8\xff", "image/jpeg", (None, None)),
        (wav(), "audio/wav", (None, None)),
        (b"ID3\x04rest", "audio/mpeg", (None, None)),
        (b"\xff\xfb\x90\x00rest", "audio/mpeg", (None, None)),
        (b"\xff\xf1\x50\x80rest", "audio/aac", (None, None)),
        (b"OggS\0", "audio/ogg", (None, None)),
        (b"fLaC\0", "audio/flac", (None, None)),
        (b"\0\0\0\x20ftypM4A \0", "audio/mp4", (None, None)),
    ],
)
def test_what_is_recognised(octets: bytes, kind: str, size: tuple[int | None, int | None]) -> None:
    found = media.sniff(octets)
    assert found is not None
    assert (found.type, (found.width, found.height), found.size) == (kind, size, len(octets))


@pytest.mark.parametrize(
    "octets",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html><script>", b"%PDF-1.7", b"MZ\x90\0",
     b"RIFF\0\0\0\0AVI ", b"\0\0\0\x20ftypqt  ", b"\xff\xff\xff\xff", b"\xfe\xff<\0s\0v\0g\0", b"BM\0\0"],
)  # fmt: skip
def test_nothing_else_is(octets: bytes) -> None:
    assert media.sniff(octets) is None
    assert media.describe(data_uri(octets)) is None


def test_a_sound_says_how_long_it_is() -> None:
    found = media.sniff(wav(2.5))
    assert found is not None
    assert found.in_words == "WAV · 2.5 s · 40,044 bytes"


@pytest.mark.parametrize("url_safe", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("wrap", [0, 76])
def test_base64_in_its_spellings(url_safe: bool, padded: bool, wrap: int) -> None:
    octets = png(31, 7)
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(octets).decode()
    text = text if padded else text.rstrip("=")
    if wrap:
        text = "\r\n".join(text[at : at + wrap] for at in range(0, len(text), wrap))
    found = media.describe(text)
    assert found is not None
    assert (found.width, found.height, found.size) == (31, 7, len(octets))
    assert media.decode(text) == octets


def test_a_large_picture_is_measured_by_its_beginning() -> None:
    octets = png(4, 3) + bytes(3_000_000)
    found = media.describe(data_uri(octets, "text/html"))
    assert found is not None
    assert (found.type, found.width, found.size) == ("image/png", 4, len(octets))


@given(
    st.sampled_from([png(2, 2), JPEG, WEBP_LOSSY, WEBP_EXTENDED, AVIF, wav(0.001)]),
    st.integers(0, 60),
    st.binary(max_size=60),
)
def test_damaged_headers_never_break_it(start: bytes, cut: int, noise: bytes) -> None:
    media.sniff(start[:cut] + noise)
    media.describe(base64_of(start[:cut] + noise))


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    for each in (text, "data:" + text, "data:image/png;base64," + text, "data:;," + text):
        media.describe(each)
        media.decode(each)
        media.data_uri_type(each)

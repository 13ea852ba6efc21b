"""M4: a compressed body takes a time that grows with its size alone, and bounded memory, wherever it is sent."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import pytest
import zstandard
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from logs.capture.bodies import Kept, Room
from logs.capture.draft import Draft
from portkey_logs.lib import compression
from portkey_logs.lib.compression import (
    DecompressedSizeError,
    DecompressionError,
    Decompressor,
    UnsupportedEncodingError,
    decompress,
)

LIMIT = 1 << 20
MAX_MS_PER_KB = 1.0  # of CPU; a tenth of it is usual. Quadratic code takes 5 ms per KB at 2 MB, and more beyond


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


ENCODERS: dict[str, list[Callable[[bytes], bytes]]] = {
    "gzip": [gzip.compress],
    "x-gzip": [gzip.compress],
    "deflate": [zlib.compress, raw_deflate],
    "zstd": [zstd],
}
ANY_ENCODER = [(name, encode) for name, encoders in ENCODERS.items() for encode in encoders]
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00data"


@given(data=st.data(), parts=st.lists(st.binary(max_size=300), max_size=5), times=st.integers(1, 400))
def test_any_chunking_decodes_equal(data: st.DataObject, parts: list[bytes], times: int) -> None:
    content = b"".join(part * times for part in parts)
    name, encode = data.draw(st.sampled_from(ANY_ENCODER))
    members = [content] if name == "deflate" or not parts else [part * times for part in parts]
    encoded = b"".join(map(encode, members))
    encodings = [name]
    for name, encode in data.draw(st.lists(st.sampled_from(ANY_ENCODER), max_size=2)):
        encoded = encode(encoded)
        encodings.append(name)
    decompressor = Decompressor(", ".join(encodings), LIMIT)
    decoded, at = b"", 0
    sizes = data.draw(st.lists(st.integers(0, 700), min_size=1))
    while at < len(encoded):
        for size in [*sizes, 1]:
            decoded += b"".join(decompressor.feed(encoded[at : at + size]))
            at += size
    assert decoded == content
    assert decompressor.is_complete
    assert decompress(encoded, ", ".join(encodings), LIMIT) == content


@pytest.mark.parametrize(
    ("encoding", "member"),
    [
        ("gzip", gzip.compress(b"")),
        ("gzip", gzip.compress(b"a")),
        ("zstd", zstd(b"")),
        ("zstd", SKIPPABLE),
        ("gzip", gzip.compress(b"x" * 3000)),
        ("zstd", zstd(b"x" * 3000)),
    ],
    ids=["empty gzip", "small gzip", "empty zstd", "skippable zstd", "gzip", "zstd"],
)
@pytest.mark.parametrize("size", [200_000, 2_000_000, 8_000_000])
def test_many_members_take_a_linear_time(encoding: str, member: bytes, size: int) -> None:
    body = member * (size // len(member))
    began = time.process_time()
    few = size // len(member) <= compression.MAX_MEMBERS
    with nullcontext() if few else pytest.raises(DecompressionError):
        decompress(body, encoding, 4096 * LIMIT)
    assert (time.process_time() - began) * 1000 < MAX_MS_PER_KB * size / 1000


@pytest.mark.parametrize(("name", "encode"), ANY_ENCODER)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_bomb_ends_at_the_limit(name: str, encode: Callable[[bytes], bytes], layers: int) -> None:
    bomb = bytes(40 * LIMIT)
    for _ in range(layers):
        bomb = encode(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(DecompressedSizeError):
            decompress(bomb, ",".join([name] * layers), LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 24 * LIMIT
    finally:
        tracemalloc.stop()


def test_every_layer_has_the_limit() -> None:
    """Else what becomes small again could be of any size in between."""
    between = gzip.compress(b"") * 90_000
    with pytest.raises(DecompressedSizeError):
        decompress(gzip.compress(between), "gzip, gzip", LIMIT)


@pytest.mark.parametrize(("name", "encode"), ANY_ENCODER)
def test_what_is_not_whole_or_has_something_after_it_is_invalid(name: str, encode: Callable[[bytes], bytes]) -> None:
    content = bytes(range(256)) * 400
    encoded = encode(content)
    for cut in (1, 5, len(encoded) // 2, len(encoded) - 1):
        with pytest.raises(DecompressionError):
            decompress(encoded[:-cut], name, LIMIT)
    assert content.startswith(decompress(encoded[: len(encoded) // 2], name, LIMIT, allow_truncated=True))
    for garbage in (b"\0", b"garbage", b"\0" * 600):
        with pytest.raises(DecompressionError):
            decompress(encoded + garbage, name, LIMIT)
    with pytest.raises(DecompressionError):
        decompress(b"", name, LIMIT)


@pytest.mark.parametrize("encodings", ["br", "gzip, br", "br, gzip", "compress", "gzip;q=1", "gzip," * 9, "x" * 5000])
def test_other_encodings_are_named(encodings: str) -> None:
    with pytest.raises(UnsupportedEncodingError) as caught:
        decompress(b"body", encodings, LIMIT)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("encodings", ["", "identity", " Identity , ,"])
def test_no_encoding_changes_nothing(encodings: str) -> None:
    assert decompress(b"body", encodings, LIMIT) == b"body"


@pytest.mark.parametrize("size", [1_000_000, 4_000_000])
def test_logs_are_not_held_up_by_empty_members(client: Client, api_key: str, inline_writer: None, size: int) -> None:
    body = gzip.compress(b"") * (size // 20)

    def post(**headers: str) -> Any:
        sent = {"x-portkey-api-key": api_key} | headers
        return client.post("/v1/logs", body, content_type="application/json", headers=sent)

    began = time.process_time()
    assert post(**{"Content-Encoding": "gzip"}).status_code == 400
    assert (time.process_time() - began) * 1000 < MAX_MS_PER_KB * size / 1000


def test_logs_in_many_layers_and_members(client: Client, api_key: str, inline_writer: None) -> None:
    log = json.dumps({"request": {"url": "https://api.openai.com/v1/x", "method": "POST", "body": {}}}).encode()
    body = zstd(b"".join(map(gzip.compress, (b"[", log, b",", b"", log, b"]"))))
    sent = {"x-portkey-api-key": api_key, "Content-Encoding": "gzip, zstd"}
    answer = client.post("/v1/logs", body, content_type="application/json", headers=sent)
    assert (answer.status_code, len(answer.json()["log_ids"])) == (200, 2)


def recorded_request(body: bytes, encoding: str) -> bytes | None:
    """What capture records of a request body."""
    draft = Draft(UUID(int=0), 0, Kept(Room()), Kept(Room()))
    draft.url, draft.status = "https://api.openai.com/v1/chat/completions", 200
    draft.request_headers = {"content-encoding": encoding, "content-type": "application/json"}
    draft.request.add(body)
    return draft.to_record(workspace_id=1, api_key_id=1).request_body


def test_capture_records_what_it_can_read() -> None:
    content = json.dumps({"model": "gpt-4o-mini", "input": "x" * 50_000}).encode()
    body = gzip.compress(content[:30_000]) + gzip.compress(b"") + gzip.compress(content[30_000:])
    assert recorded_request(body, "gzip") == content
    assert recorded_request(body + b"garbage", "gzip") == body + b"garbage"
    assert recorded_request(body, "br") == body
    cut = recorded_request(body[:-20], "gzip")
    assert cut is not None
    assert content.startswith(cut)
    assert len(cut) > 30_000
    began = time.process_time()
    recorded_request(gzip.compress(b"") * 200_000, "gzip")
    assert (time.process_time() - began) * 1000 < MAX_MS_PER_KB * 4000

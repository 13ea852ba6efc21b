"""The text of bodies: what JSON means, streams put together, everything else as it is, and never an exception."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.storage.search.texts import MAX_TEXT, texts

IMAGE = "QUJD" * 200
STREAM = b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"lo"}}]}\n\ndata: [DONE]\n\n'
FORM = b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na red fox\r\n--b\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\n\r\n\x89PNG\x00\x01\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (None, []),
        (b"", []),
        (b'{"q":"caf\\u00e9 \\"x\\"\\n","n":{"deep":["a",{"b":"c"}]}}', ["q", 'café "x"\n', "n", "deep", "a", "b", "c"]),
        (b'{"order":12345,"on":true,"none":null,"t":0.5}', ["order", "12345", "on", "none", "t", "0.5"]),
        (b'{"embedding":[0.1,0.2],"input":[[1,2]]}', ["embedding", "input"]),
        (f'{{"url":"data:image/png;base64,{IMAGE}","t":"see {IMAGE} it"}}'.encode(), ["url", " ", "t", "see   it"]),
        (b'"just text"', ["just text"]),
        (b"Bad gateway", ["Bad gateway"]),
        (b'{"cut":"off', ['{"cut":"off']),
        (b'\xef\xbb\xbf{"a":"b"}', ["a", "b"]),
        ('{"a":"天气"}'.encode(), ["a", "天气"]),
        (b"caf\xe9 " * 10, ["caf\ufffd " * 10]),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\2\3", []),
        (FORM, ["prompt", "a red fox"]),
        (b"[1,2,3]", []),
        (b"17", ["17"]),
    ],
)  # fmt: skip
def test_texts(body: bytes | None, wanted: list[str]) -> None:
    assert texts(body) == (wanted, True)


def test_a_stream_is_put_together() -> None:
    found, is_whole = texts(STREAM, request_type="chat_completion", is_stream=True)
    assert "Hello" in found
    assert is_whole


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" + b"{}," * 3_000_000 + b"{}]",
        b'{"image":"' + b"QUJD" * 5_000_000 + b'"}',
        b'"\\ud800 and \\u0000"',
        os.urandom(100_000),
        b"data: \n\n" * 1000,
        b"--\r\n" * 1000,
    ],
    ids=["open", "deep", "tiny values", "20 MB", "surrogates", "random", "empty events", "no form"],
)
@pytest.mark.parametrize("is_stream", [True, False])
def test_hostile_bodies(body: bytes, is_stream: bool) -> None:
    texts(body, request_type="chat_completion", is_stream=is_stream)


def test_of_a_text_too_long_the_beginning_is_kept() -> None:
    found, is_whole = texts(json.dumps({"a": "first " + "x " * MAX_TEXT, "b": "last"}).encode())
    assert not is_whole
    assert "first" in found[1]
    assert "last" not in found
    assert sum(map(len, found)) <= MAX_TEXT


@given(st.binary() | st.text().map(str.encode), st.booleans())
def test_nothing_raises(body: bytes, is_stream: bool) -> None:
    texts(body, request_type="message", is_stream=is_stream)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=50), lambda held: st.lists(held) | st.dictionaries(st.text(max_size=9), held)
)  # fmt: skip


@given(JSON)
def test_every_string_is_there(value: object) -> None:
    def strings(value: object) -> list[str]:
        if isinstance(value, dict):
            return [each for name, held in value.items() for each in (name, *strings(held))]
        if isinstance(value, list):
            return [] if value and isinstance(value[0], int) else [each for held in value for each in strings(held)]
        return [value] if isinstance(value, str) else []

    found, _ = texts(json.dumps(value).encode())
    assert {each for each in strings(value) if each} <= set(found)

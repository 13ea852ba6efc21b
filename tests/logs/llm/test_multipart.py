from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.llm import multipart
from tests.logs.llm.provider_bodies import PICTURE, SOUND, form

TYPE = "multipart/form-data; boundary=frontier"


def test_fields_and_files():
    raw = form(SOUND, ("model", "whisper-1"), ("timestamp_granularities[]", "word"), ("prompt", "é\r\nx"), PICTURE)
    assert multipart.fields(raw, TYPE) == {"model": "whisper-1", "timestamp_granularities": "word", "prompt": "é\r\nx"}
    files = [part for part in multipart.parts(raw, TYPE) if part.filename is not None]
    assert [(part.name, part.filename, part.content_type) for part in files] == [
        ("file", "speech.mp3", "audio/mpeg"),
        ("image[]", "lamp.png", "image/png"),
    ]
    assert [raw[part.start : part.end] for part in files] == [SOUND[3], PICTURE[3]]


@pytest.mark.parametrize("content_type", [None, "", "multipart/form-data", 'multipart/form-data; boundary="frontier"'])
def test_the_boundary_may_be_quoted_or_lost(content_type):
    assert multipart.fields(form(("model", "m")), content_type) == {"model": "m"}


@pytest.mark.parametrize("raw", [b"", b"--", b"--\r\n", b"{}", b"--frontier--\r\n", b"--frontier\r\n\r\nx"])
def test_what_is_no_form_has_no_fields(raw):
    assert multipart.fields(raw, TYPE) == {}


def test_a_cut_form_gives_what_came():
    raw = form(("model", "whisper-1"), SOUND)
    for length in range(len(raw)):
        assert multipart.fields(raw[:length], TYPE) in ({}, {"model": "whisper-1"})
    assert multipart.fields(raw[:200], TYPE) == {"model": "whisper-1"}


def test_a_text_does_not_open_a_part():
    raw = form(("prompt", 'name="model"\r\n\r\nfalse\r\n--frontie'), ("model", "true"))
    assert multipart.fields(raw, TYPE)["model"] == "true"


def test_a_big_file_is_passed_over():
    raw = form(("file", "big.mp3", "audio/mpeg", b"\r\n--front" * 2_000_000), ("model", "m"))
    assert multipart.fields(raw, TYPE) == {"model": "m"}


@given(st.binary(), st.none() | st.text(), st.booleans())
def test_any_bytes(raw, content_type, is_framed):
    if is_framed:
        raw = b"--frontier\r\n" + raw + b"\r\n--frontier"
        content_type = TYPE
    for part in multipart.parts(raw, content_type):
        assert 0 <= part.start <= part.end <= len(raw)
    multipart.fields(raw, content_type)


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n'), min_size=1).filter(
            lambda name: not name.endswith("[]")
        ),
        st.text(st.characters(codec="utf-8")),
        max_size=5,
    )
)
def test_what_is_written_is_read(values):
    raw = form(*values.items())
    if not any("\n--frontier" in f"\n{value}" for value in values.values()):
        assert multipart.fields(raw, TYPE) == values

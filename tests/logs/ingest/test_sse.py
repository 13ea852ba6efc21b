from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.ingest.normalise import assemble_stream, to_record
from logs.ingest.sse import Event, looks_like_sse, parse
from tests.logs.ingest.gateway_fixtures import FIXTURES, STREAMS, exchange_of, response_bytes


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (b"data: a\n\ndata: b\n\n", [("", "a"), ("", "b")]),
        (b"data: a\r\n\r\ndata:b\r\n\r\n", [("", "a"), ("", "b")]),
        (b"data: a\r\rdata: b\r\r", [("", "a"), ("", "b")]),
        (b"event: x\ndata: 1\ndata: 2\n\n", [("x", "1\n2")]),
        (b": ping\n\n: ping\ndata: a\nid: 5\nretry: 10\n\n", [("", "a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", "a")]),
        (b"data:  two\n\n", [("", " two")]),
        (b"data\n\n", [("", "")]),
        (b"event: x\n\ndata: a\n\n", [("", "a")]),
        (b"data: [DONE]", [("", "[DONE]")]),
        ("data: a\u2028b\n\n".encode(), [("", "a\u2028b")]),
        (b"data: \xff\n\n", [("", "\ufffd")]),
        (b"", []),
        (b"\n\n\n", []),
        (b"garbage\n\n{", []),
    ],
)
def test_events(raw, events):
    assert list(parse(raw)) == [Event(*event) for event in events]


@given(st.binary())
def test_any_bytes(raw):
    list(parse(raw))
    for kind in ("chat_completion", "completion", "message", "response", "other"):
        assemble_stream(kind, raw)


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "ping", "x"]), st.text(st.characters(codec="utf-8", exclude_characters="\r\n")))
    )
)
def test_what_is_written_is_read(events):
    raw = "".join(f"event: {kind}\ndata: {data}\n\n" for kind, data in events).encode()
    assert list(parse(raw)) == [Event(*event) for event in events]


@pytest.mark.parametrize(
    ("raw", "is_sse"),
    [(b"data: x", True), (b"event: x", True), (b": hi", True), (b"\n\ndata:x", True), (b"{}", False), (b"", False)],
)
def test_looks_like_sse(raw, is_sse):
    assert looks_like_sse(raw) == is_sse


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_cut_anywhere_is_incomplete(name):
    raw = response_bytes(FIXTURES[name])
    exchange = exchange_of(name)
    end = raw.find(b"[DONE]")
    whole = len(raw) if end < 0 else end + len(b"[DONE]")
    for length in range(whole):
        cut = assemble_stream("chat_completion", raw[:length])
        assert cut.complete is False
        if length % 97 == 0:
            exchange.response_body = raw[:length]
            record = to_record(exchange, workspace_id=1, api_key_id=None, now_ms=0)
            assert (record.completeness, record.is_success, record.error_type) == ("cut", False, "stream_cut")
    assert assemble_stream("chat_completion", raw).complete is (end >= 0)

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs.ingest.normalise import to_record
from logs.llm import content_flags, providers
from logs.llm.providers import assemble
from logs.llm.sse import Event, looks_like_sse, parse
from logs.llm.vocabulary import RequestType
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
    for kind in RequestType:
        assemble(kind, raw)


KINDS = [
    "message_start", "message_delta", "content_block_start", "content_block_delta", "response.created",
    "response.output_item.added", "response.output_item.done", "response.output_text.delta", "response.failed",
    "response.reasoning_summary_text.done", "response.content_part.done", "response.output_text.annotation.added",
    "response.image_generation_call.partial_image", "response.function_call_arguments.delta", "response.completed",
    "image_generation.partial_image", "image_edit.completed", "speech.audio.delta", "speech.audio.done",
    "transcript.text.delta", "transcript.text.segment", "transcript.text.done", "error",
]  # fmt: skip
FIELDS = [
    "delta", "index", "message", "content_block", "usage", "response", "item", "part", "output_index", "choices",
    "content_index", "summary_index", "annotation", "b64_json", "audio", "text", "logprobs", "citation", "content",
    "citations", "annotations", "output", "id", "error", "type", "partial_json", "input", "tool_calls", "function",
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["", "x", "AA==", "citations_delta"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5)), max_size=6
    ),
    st.sampled_from(list(RequestType)),
)
def test_any_events(events, kind):
    raw = "".join(f"data: {json.dumps({**data, 'type': name})}\n\n" for name, data in events).encode()
    stream = assemble(kind, raw)
    providers.read(kind, stream.answer or {})
    content_flags.of_answer(kind, stream.answer or {})


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
    [
        (b"data: x", True),
        (b"event: x", True),
        (b": hi", True),
        (b"\n\ndata:x", True),
        (b"{}", False),
        (b"", False),
        (b"dat", True),
        (b"event", True),
        (b"e", True),
        (b"date", False),
        (b'"d', False),
    ],
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
        cut = assemble("chat_completion", raw[:length])
        assert cut.complete is False
        if length % 97 == 0:
            exchange.response_body = raw[:length]
            record = to_record(exchange, workspace_id=1, api_key_id=None, now_ms=0)
            assert (record.completeness, record.is_success, record.error_type) == ("cut", False, "stream_cut")
    assert assemble("chat_completion", raw).complete is (end >= 0)

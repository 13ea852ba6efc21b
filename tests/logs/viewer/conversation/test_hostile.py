"""No shape of a body breaks the drawing of it, and none is drawn as what it is not."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st

from logs.llm.vocabulary import RequestType
from logs.viewer import conversation

KEYS = [
    "messages",
    "content",
    "role",
    "tools",
    "function",
    "tool_calls",
    "arguments",
    "type",
    "text",
    "image_url",
    "url",
    "choices",
    "message",
    "data",
    "embedding",
    "prompt",
    "input",
    "refusal",
    "name",
    "index",
    "reasoning",
    "source",
    "input_audio",
    "file",
    "file_data",
    "document",
    "citations",
    "annotations",
    "thinking",
    "tool_use_id",
    "system",
    "output",
    "summary",
    "result",
    "results",
    "categories",
    "category_scores",
    "flagged",
    "documents",
    "relevance_score",
    "segments",
    "b64_json",
    "audio",
    "transcript",
    "call_id",
    "action",
    "outputs",
    "logs",
    "instructions",
    "logprobs",
    "content_blocks",
    "images",
    "prediction",
    "title",
    "filename",
]
TYPES = [
    "text",
    "input_text",
    "output_text",
    "image_url",
    "input_image",
    "image",
    "input_audio",
    "file",
    "input_file",
    "document",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "tool_result",
    "web_search_tool_result",
    "web_search_result",
    "refusal",
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
    "computer_call_output",
    "search_result",
    "base64",
    "url",
    "chat.completion",
]
TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        "data:image/png;base64,iVBORw0KGgo=",
        "data:,x",
        "https://[",
        "http://a@b/",
        "AAAA",
        "{",
        "[[",
        "\u202e",
        "user",
        "tool",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(KEYS) | TEXTS, inner, max_size=5)
    | st.builds(lambda kind, rest: rest | {"type": kind}, st.sampled_from(TYPES), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=25,
)  # fmt: skip
TOP = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6) | VALUES


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(list(RequestType)), TOP)
def test_no_shape_breaks_it(family: str, body: Any) -> None:
    for talk in (
        conversation.of_request(family, body),
        conversation.of_response(family, body, asked=lambda: body),
    ):
        if talk is not None:
            render_to_string("logs/conversation.html", {"talk": talk, "side": {"id": "request", "media_url": "/m/"}})


@given(
    st.sampled_from(list(RequestType)),
    st.binary(max_size=200) | st.binary(max_size=80).map(lambda tail: b"--x\r\n" + tail),
)
def test_no_bytes_break_it(family: str, octets: bytes) -> None:
    conversation.of_request(family, None, octets=octets)
    conversation.of_response(family, None, octets=octets)


def test_results_inside_results_end_somewhere() -> None:
    block: Any = {"type": "text", "text": "deep"}
    for _ in range(300):
        block = {"type": "tool_result", "tool_use_id": "x", "content": [block]}
    talk = conversation.of_request("message", {"messages": [{"role": "user", "content": [block]}]})
    assert talk is not None
    assert sum(1 for _ in talk.all_parts()) < 10


def test_markup_in_every_place_stays_text() -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    body = {
        evil: evil,
        "tools": [{"function": {"name": evil, "description": evil}}],
        "messages": [
            {"role": evil, "name": evil, "content": [
                {"type": "text", "text": evil, "annotations": [{"title": evil, "url": "javascript:alert(1)//" + evil}]},
                {"type": "image_url", "image_url": {"url": evil, "detail": evil}},
                {"type": "image_url", "image_url": {"url": "https://evil.example/" + evil}},
                {"type": "file", "file": {"filename": evil, "file_url": "javascript:alert(1)"}},
            ], "tool_calls": [{"id": evil, "function": {"name": evil, "arguments": evil}}]},
            {"role": "tool", "tool_call_id": evil, "content": evil},
        ],
    }  # fmt: skip
    talk = conversation.of_request("chat_completion", body)
    html = render_to_string("logs/conversation.html", {"talk": talk, "side": {"id": "request", "media_url": "/m/"}})
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html

"""A request and its answer as a transcript, whatever shape they have."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs import conversation
from logs.conversation import Conversation

PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def chat(*messages: Any, **rest: Any) -> Conversation:
    talk = conversation.of_request("chat_completion", {"model": "m", "messages": list(messages), **rest})
    assert talk is not None
    return talk


def test_roles_parts_and_parameters() -> None:
    talk = chat(
        {"role": "system", "content": "Be **terse**."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}],
        },
        temperature=0.2,
        stop=["a", "b"],
    )
    assert [message.role for message in talk.messages] == ["system", "user"]
    assert talk.messages[0].parts[0].html == "<p>Be <strong>terse</strong>.</p>\n"
    assert [part.kind for part in talk.messages[1].parts] == ["text", "image"]
    assert talk.messages[1].parts[1].src == PIXEL
    assert talk.params == [("model", "m"), ("temperature", "0.2"), ("stop", '["a", "b"]')]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/pixel.png",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:text/html;base64,PGI+",
        "javascript:alert(1)",
        "data:image/png;base64;x,AAAA",
    ],
)
def test_only_raster_pictures_inside_the_request_are_drawn(url: str) -> None:
    part = chat({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}).messages[0].parts[0]
    assert part.src == ""
    assert url in part.text


def test_tools_their_calls_and_results() -> None:
    talk = chat(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": '{"c": 21}'},
        tools=[
            {
                "type": "function",
                "function": {"name": "weather", "description": "Tells it", "parameters": {"type": "object"}},
            }
        ],
    )
    call, result = talk.messages[0].parts[0], talk.messages[1].parts[0]
    assert (call.kind, call.name, call.id, call.arguments) == (
        "tool_call",
        "weather",
        "call_1",
        '{\n  "city": "Paris"\n}',
    )
    assert (result.kind, result.id, result.text) == ("tool_result", "call_1", '{\n  "c": 21\n}')
    assert (talk.tools[0].name, talk.tools[0].description) == ("weather", "Tells it")


def test_answers_with_several_choices_say_which() -> None:
    talk = conversation.of_response(
        "chat_completion",
        {
            "choices": [
                {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"},
                {"index": 1, "message": {"refusal": "No."}},
            ]
        },
    )
    assert talk is not None
    assert [(m.name, m.finish_reason) for m in talk.messages] == [("choice 0", "stop"), ("choice 1", "")]
    assert talk.messages[1].parts[0].kind == "refusal"


def test_completions_and_embeddings() -> None:
    prompt = conversation.of_request("completion", {"prompt": ["a", "b"]})
    assert prompt is not None
    assert [part.text for message in prompt.messages for part in message.parts] == ["a", "b"]
    tokens = conversation.of_request("embedding", {"input": [1, 2, 3]})
    assert tokens is not None
    assert len(tokens.messages) == 1
    vectors = conversation.of_response("embedding", {"data": [{"index": 0, "embedding": [0.1] * 1536}]})
    assert vectors is not None
    assert vectors.messages[0].parts[0].text.startswith("1,536 dimensions: [0.1, ")


def test_a_very_long_conversation_is_shown_from_its_ends() -> None:
    talk = chat(*({"role": "user", "content": str(n)} for n in range(1_000)))
    shown = [part.text for message in talk.messages for part in message.parts]
    assert shown[0] == "0"
    assert shown[-1] == "999"
    assert "800 messages are not drawn here" in shown[conversation.HEAD_MESSAGES]


def test_errors_and_other_endpoints_are_not_conversations() -> None:
    assert conversation.of_response("chat_completion", {"error": {"message": "no"}}) is None
    assert conversation.of_request("moderation", {"input": "x"}) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda x: st.lists(x, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["messages", "content", "role", "tools", "function", "tool_calls", "arguments", "type", "text", "image_url", "url",
             "choices", "message", "data", "embedding", "prompt", "input", "refusal", "name", "index", "reasoning"]
        ) | st.text(max_size=5),
        x, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(st.sampled_from(conversation.FAMILIES), json_values)
def test_no_shape_breaks_it(family: str, body: Any) -> None:
    conversation.of_request(family, body)
    conversation.of_response(family, body)

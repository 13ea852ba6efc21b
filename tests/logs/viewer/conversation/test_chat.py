"""Chat completions, completions and embeddings, with bodies of OpenAI's API reference."""

from __future__ import annotations

from typing import Any

import pytest

from logs.viewer import conversation, markdown
from logs.viewer.conversation.parts import HEAD_MESSAGES
from logs.viewer.drawing import DrawingBudget
from tests.logs.viewer.conversation.drawing import answer, lines, request
from tests.logs.viewer.pictures import base64_of, data_uri, png, wav

PIXEL = data_uri(png(3, 2))


def chat(*messages: Any, **rest: Any) -> conversation.Conversation:
    return request("chat_completion", {"model": "m", "messages": list(messages), **rest})


def test_roles_parts_and_parameters() -> None:
    talk = chat(
        {"role": "system", "content": "Be **terse**."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": PIXEL}}],
        },
        temperature=0.2,
        stop=["a", "b"],
    )
    assert lines(talk) == [
        "system text Be **terse**.", "user text What?", "user image image/png at /messages/1/content/1/image_url/url",
    ]  # fmt: skip
    assert markdown.to_html(talk.messages[0].parts[0].text, DrawingBudget()) == "<p>Be <strong>terse</strong>.</p>\n"
    media = talk.messages[1].parts[1].media
    assert media is not None
    assert (media.width, media.height, media.format, media.size) == (3, 2, "PNG", len(png(3, 2)))
    assert talk.params == [("model", "m"), ("temperature", "0.2"), ("stop", '["a", "b"]')]


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/pixel.png", "data:image/svg+xml;base64,PHN2Zz4=", "data:text/html;base64,PGI+",
     "data:image/png;base64,PHN2Zz4=", "data:image/svg+xml,<svg/>", "javascript:alert(1)", "file:///etc/passwd"],
)  # fmt: skip
def test_only_raster_pictures_inside_the_request_are_drawn(url: str) -> None:
    part = chat({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}).messages[0].parts[0]
    assert part.media is None
    assert url in (part.text, part.address)
    assert part.host == ("evil.example" if url.startswith("https") else "")


def test_calls_lead_to_their_results_and_back() -> None:
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris","t":1.0}'}},
        {"id": "call_2", "type": "custom", "custom": {"name": "code", "input": "print(1)"}},
    ]
    talk = chat(
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_2", "content": "1"},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"c": 21.0}'},
        tools=[{"type": "function", "function": {"name": "weather", "description": "Tells it", "parameters": {}}}],
    )
    assert lines(talk) == [
        'assistant tool_call weather({"city":"Paris","t":1.0})', "assistant tool_call code(print(1))",
        "tool tool_result code", "  json 1", "tool tool_result weather", '  json {"c":21.0}',
    ]  # fmt: skip
    call, result = talk.messages[0].parts[0], talk.messages[2].parts[0]
    assert (call.answered_by, result.answers) == (result.anchor, call.anchor)
    assert call.anchor
    assert (talk.tools[0].name, talk.tools[0].description) == ("weather", "Tells it")


def test_an_answer_with_everything() -> None:
    talk = answer(
        "chat_completion",
        {
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "reasoning_content": "Hm.",
                        "content": "See [1].",
                        "annotations": [
                            {"type": "url_citation", "url_citation": {"url": "https://a.example/x", "title": "A"}}
                        ],
                        "audio": {"id": "audio_1", "data": base64_of(wav()), "transcript": "Spoken."},
                    },
                    "logprobs": {"content": [{"token": "a"}, {"token": "b"}]},
                    "finish_reason": "stop",
                },
                {
                    "index": 1,
                    "message": {"role": "assistant", "content": None, "refusal": "No."},
                    "finish_reason": "stop",
                },
            ]
        },
    )
    assert lines(talk) == [
        "assistant reasoning Hm.", "assistant text See [1].", "assistant citations A <https://a.example/x>",
        "assistant audio audio/wav at /choices/0/message/audio/data Spoken.",
        "assistant note With the log probabilities of 2 tokens; see JSON.", "assistant refusal No.",
    ]  # fmt: skip
    assert [(message.name, message.finish_reason) for message in talk.messages] == [
        ("choice 0", "stop"),
        ("choice 1", "stop"),
    ]


def test_a_structured_output_keeps_the_spelling_of_its_numbers() -> None:
    said = {"choices": [{"message": {"content": '{"a":1.0,"a":1e400,"b":[]}'}}]}
    part = answer("chat_completion", said).messages[0].parts[0]
    assert (part.kind, part.text, part.caption) == (
        "json", '{\n  "a": 1.0,\n  "a": 1e400,\n  "b": []\n}', "Structured output",
    )  # fmt: skip


def test_recordings_files_and_predictions_in_a_request() -> None:
    content = [
        {"type": "input_audio", "input_audio": {"data": base64_of(wav()), "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQ="}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "something_new", "x": 1},
    ]
    talk = chat({"role": "user", "content": content}, prediction={"type": "content", "content": "def f():"})
    assert lines(talk) == [
        "user audio audio/wav at /messages/0/content/0/input_audio/data", "user file a.pdf application/pdf · 9 bytes",
        "user file file-1 by its id", 'user json {"type":"something_new","x":1}', "prediction text def f():",
    ]  # fmt: skip


def test_thinking_that_the_gateway_passes_on_beside_the_content() -> None:
    blocks = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi"}]
    talk = answer("chat_completion", {"choices": [{"message": {"content": "Hi", "content_blocks": blocks}}]})
    assert lines(talk) == ["assistant reasoning Hm.", "assistant text Hi"]


def test_a_very_long_conversation_is_shown_from_its_ends() -> None:
    talk = chat(*({"role": "user", "content": str(n)} for n in range(100_000)))
    shown = [part.text for message in talk.messages for part in message.parts]
    assert (shown[0], shown[-1], len(shown)) == ("0", "99999", 201)
    assert "99,800 messages are not drawn here" in shown[HEAD_MESSAGES]


def test_long_texts_give_way_and_short_ones_stay() -> None:
    talk = chat({"role": "user", "content": "x" * 2_000_000}, {"role": "user", "content": "short **one**"})
    long, short = talk.messages[0].parts[0], talk.messages[1].parts[0]
    assert 300_000 < len(long.text) < 400_000
    assert long.cut == 2_000_000 - len(long.text)
    assert (long.is_rich, short.is_rich) == (False, True)


def test_completions_and_embeddings() -> None:
    assert lines(request("completion", {"prompt": ["a", "b"]})) == ["prompt text a", "prompt text b"]
    assert len(request("embedding", {"input": [1, 2, 3]}).messages) == 1
    assert lines(answer("completion", {"choices": [{"text": "b", "finish_reason": "stop"}]})) == ["assistant text b"]


def test_embeddings_as_counts_and_norms() -> None:
    talk = answer("embedding", {"data": [{"index": 0, "embedding": [0.6, 0.8] + [0.0] * 1534}]})
    assert lines(talk) == ["embedding 0 note 1,536 dimensions, norm 1: [0.6, 0.8, 0, 0, 0, 0, …]"]
    encoded = answer(
        "embedding", {"data": [{"index": 0, "embedding": "AACAPwAAAEA="}, {"index": 1, "embedding": [3, 4]}]}
    )
    assert encoded.note == "2 embeddings of 2 dimensions, norms 2.23607 to 5"
    assert lines(encoded)[0] == "embedding 0 note 2 dimensions, norm 2.23607: [1, 2], sent as base64"

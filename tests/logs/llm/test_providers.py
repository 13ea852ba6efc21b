from __future__ import annotations

import json

import pytest

from logs.llm import providers
from logs.llm.providers.base import read_usage
from tests.logs.ingest.gateway_fixtures import FIXTURES, response_bytes


def sse(*events, done=True) -> bytes:
    lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return (lines + ("data: [DONE]\n\n" if done else "")).encode()


def chunk(delta=None, finish_reason=None, **fields):
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **fields}


def test_a_captured_stream_reads_like_its_unstreamed_twin():
    stream = providers.assemble("chat_completion", response_bytes(FIXTURES["chat_stream_usage"]))
    plain = FIXTURES["chat_plain"]["response"]["body"]
    assert stream.answer["object"] == plain["object"]
    assert stream.answer["usage"] == plain["usage"]
    message = stream.answer["choices"][0]["message"]
    assert message["content"].strip() == plain["choices"][0]["message"]["content"]
    assert (message["role"], message["refusal"]) == ("assistant", None)
    assert stream.answer["choices"][0]["finish_reason"] == "stop"


def test_tool_calls_are_merged_by_index():
    stream = providers.assemble(
        "chat_completion",
        sse(
            chunk({"role": "assistant", "content": None}),
            chunk(
                {
                    "tool_calls": [
                        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
                    ]
                }
            ),
            chunk({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"x":'}}]}),
            chunk(
                {
                    "tool_calls": [
                        {"index": 1, "function": {"arguments": "}"}},
                        {"index": 0, "function": {"arguments": "1}"}},
                    ]
                }
            ),
            chunk({}, "tool_calls"),
        ),
    )
    message = stream.answer["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"] == [
        {"type": "function", "id": "a", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"type": "function", "id": "b", "function": {"name": "g", "arguments": "{}"}},
    ]
    assert stream.answer["choices"][0]["finish_reason"] == "tool_calls"


def test_usage_is_the_last_one_and_never_a_sum():
    events = [chunk({"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": n}) for n in (1, 2, 3)]
    stream = providers.assemble("chat_completion", sse(*events, chunk(usage=None)))
    assert providers.read("chat_completion", stream.answer).usage.output == 3


def test_several_choices_refusals_and_reasoning():
    events = [
        {"choices": [{"index": 1, "delta": {"refusal": "no"}}, {"index": 0, "delta": {"reasoning_content": "h"}}]},
        {"choices": [{"index": 1, "delta": {"refusal": "!"}}, {"index": 0, "delta": {"reasoning_content": "m"}}]},
    ]
    choices = providers.assemble("chat_completion", sse(*events)).answer["choices"]
    assert choices[0]["message"] == {"role": "assistant", "content": None, "reasoning_content": "hm"}
    assert choices[1]["message"]["refusal"] == "no!"


def test_an_error_in_the_middle_of_a_stream():
    stream = providers.assemble("chat_completion", sse(chunk({"content": "a"}), {"error": {"message": "boom"}}))
    assert stream.error == {"error": {"message": "boom"}}
    assert stream.answer["choices"][0]["message"]["content"] == "a"


def test_a_completion_stream():
    events = [
        {"id": "c", "object": "text_completion", "model": "m", "choices": [{"index": 0, "text": t}]} for t in "ab"
    ]
    stream = providers.assemble("completion", sse(*events))
    assert stream.answer["choices"][0]["text"] == "ab"
    assert stream.complete is True
    assert providers.assemble("other", sse(*events, done=False)).complete is False


def test_a_message_stream():
    events = [
        {
            "type": "message_start",
            "message": {
                "id": "m",
                "model": "claude",
                "role": "assistant",
                "content": [],
                "usage": {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 1},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "he"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "llo"}},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
        },
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"a":'}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "1}"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ]
    stream = providers.assemble("message", sse(*events, done=False))
    answer = providers.read("message", stream.answer)
    assert stream.complete is True
    assert stream.answer["content"] == [
        {"type": "text", "text": "hello"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
    ]
    assert (answer.model, answer.finish_reason) == ("claude", "tool_use")
    assert (answer.usage.input, answer.usage.output, answer.usage.cached) == (14, 7, 4)
    assert providers.assemble("message", sse(*events[:-1], done=False)).complete is False
    assert providers.assemble("other", sse(*events, done=False)).complete is True


def test_a_response_stream():
    whole = {"id": "r", "model": "gpt", "status": "completed", "usage": {"input_tokens": 3, "output_tokens": 2}}
    events = [
        {"type": "response.created", "response": {"id": "r", "model": "gpt", "status": "in_progress"}},
        {"type": "response.output_item.done", "item": {"type": "message"}},
        {"type": "response.completed", "response": whole},
    ]
    stream = providers.assemble("response", sse(*events, done=False))
    assert (stream.answer, stream.complete, stream.error) == (whole, True, None)
    cut = providers.assemble("response", sse(*events[:2], done=False))
    assert (cut.complete, cut.answer["output"]) == (False, [{"type": "message"}])
    failed = {"type": "response.failed", "response": {"error": {"message": "x"}, "status": "failed"}}
    assert providers.assemble("response", sse(failed, done=False)).error == {"error": {"message": "x"}}


def test_a_stream_of_nobody_known_has_no_end_mark():
    stream = providers.assemble(
        "other", sse({"candidates": []}, {"candidates": [], "usage": {"prompt_tokens": 1}}, done=False)
    )
    assert stream.complete is None
    assert stream.answer["usage"] == {"prompt_tokens": 1}


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "total_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 1},
            },
            (5, 2, 7, 4, 1),
        ),
        ({"input_tokens": 5, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 3}}, (5, 2, 7, 3, None)),
        (
            {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 20},
            (35, 2, 37, 10, None),
        ),
        # Anthropic behind the gateway's chat endpoint: the total tells that the prompt leaves the cache out
        (
            {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 17, "cache_read_input_tokens": 10},
            (15, 2, 17, 10, None),
        ),
        (
            {"prompt_tokens": 15, "completion_tokens": 2, "total_tokens": 17, "cache_read_input_tokens": 10},
            (15, 2, 17, 10, None),
        ),
        ({"prompt_tokens": 5}, (5, None, None, None, None)),
        ({"prompt_tokens": -1, "completion_tokens": True, "total_tokens": 1e30}, (None, None, None, None, None)),
        ({"prompt_tokens": 5.0, "completion_tokens": 2.5, "total_tokens": "7"}, (5, None, None, None, None)),
        ("many", (None, None, None, None, None)),
    ],
)
def test_usage(usage, counts):
    read = read_usage(usage)
    assert (read.input, read.output, read.total, read.cached, read.reasoning) == counts

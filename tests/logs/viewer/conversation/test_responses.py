"""The Responses API, with bodies of OpenAI's API reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.logs.viewer.conversation.drawing import answer, lines, request
from tests.logs.viewer.pictures import base64_of, data_uri, png


def test_a_request_with_items_of_every_kind() -> None:
    talk = request(
        "response",
        {
            "model": "gpt-5",
            "instructions": "Be brief.",
            "tools": [{"type": "function", "name": "lookup", "parameters": {}}, {"type": "mcp", "server_label": "dice"}],
            "input": [
                {"role": "user", "content": [
                    {"type": "input_text", "text": "See"},
                    {"type": "input_image", "image_url": data_uri(png(3, 2)), "detail": "low"},
                    {"type": "input_image", "image_url": "https://a.example/cat.png"},
                    {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQ="},
                ]},
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
                {"type": "function_call", "call_id": "call_1", "name": "lookup", "arguments": '{"q":1.0}'},
                {"type": "function_call_output", "call_id": "call_1", "output": "found"},
                {"type": "computer_call_output", "call_id": "call_2", "output": {
                    "type": "computer_screenshot", "image_url": data_uri(png(3, 2))}},
                {"type": "item_reference", "id": "msg_9"},
            ],
        },
    )  # fmt: skip
    assert lines(talk) == [
        "instructions text Be brief.",
        "user text See",
        "user image image/png at /input/0/content/1/image_url",
        "user image https://a.example/cat.png",
        "user file a.pdf application/pdf · 9 bytes",
        "assistant note The model reasoned; the provider encrypted how.",
        'assistant tool_call lookup({"q":1.0})',
        "tool tool_result lookup",
        "  json found",
        "tool tool_result computer",
        "  image image/png at /input/4/output/image_url",
        "item note An earlier item, by its id: msg_9",
    ]
    assert [tool.name for tool in talk.tools] == ["lookup", "dice"]


ITEMS: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi.", "annotations": [
            {"type": "url_citation", "url": "https://a.example/", "title": "A", "start_index": 0, "end_index": 2},
            {"type": "file_citation", "file_id": "file-1", "filename": "b.md", "index": 1}]}]},
        ["assistant text Hi.", "assistant citations A <https://a.example/>, b.md <>"],
    ),
    ({"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, ["assistant refusal No."]),
    ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}, ["assistant reasoning Hm."]),
    (
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
        ['assistant tool_call web_search({"type":"search","query":"q"})'],
    ),
    (
        {"type": "file_search_call", "queries": ["q"], "results": [{"filename": "a.md", "score": 0.92, "text": "x"}]},
        ['assistant tool_call file_search(["q"])', "  scores a.md 0.9200"],
    ),
    (
        {"type": "code_interpreter_call", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"},
         {"type": "image", "url": "https://a.example/plot.png"}]},
        ["assistant tool_call code_interpreter(1+1)", "  json 2", "  image https://a.example/plot.png"],
    ),
    (
        {"type": "image_generation_call", "status": "completed", "result": base64_of(png(3, 2)), "revised_prompt": "A cat"},
        ["assistant reasoning A cat", "assistant image image/png at /output/0/result"],
    ),
    ({"type": "image_generation_call", "status": "failed", "result": None}, ["assistant note Image generation: failed"]),
    (
        {"type": "computer_call", "call_id": "c", "action": {"type": "click", "x": 1}},
        ['assistant tool_call computer({"type":"click","x":1})'],
    ),
    (
        {"type": "mcp_call", "server_label": "dice", "name": "roll", "arguments": '{"d":6}', "output": "4", "error": None},
        ['assistant tool_call roll({"d":6})', "  json 4"],
    ),
    ({"type": "mcp_list_tools", "server_label": "dice", "tools": [{"name": "roll"}]},
     ["assistant note The MCP server dice offers 1 tool: roll"]),
    ({"type": "something_new", "x": 1}, ['something_new json {"type":"something_new","x":1}']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("item", "expected"), ITEMS, ids=lambda value: value.get("type") if isinstance(value, dict) else ""
)
def test_each_kind_of_output(item: dict[str, Any], expected: list[str]) -> None:
    talk = answer("response", {"object": "response", "status": "completed", "output": [item]})
    assert lines(talk) == expected
    assert talk.messages[-1].finish_reason == "completed"


def test_what_belongs_together_is_one_message_and_says_why_it_ended() -> None:
    output = [
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    talk = answer(
        "response", {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": output}
    )
    assert len(talk.messages) == 1
    assert talk.messages[0].finish_reason == "incomplete · max_output_tokens"


def test_a_plain_input() -> None:
    assert lines(request("response", {"input": "hello"})) == ["user text hello"]

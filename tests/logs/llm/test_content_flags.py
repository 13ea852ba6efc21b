from __future__ import annotations

import pytest

from logs.ingest.normalise import to_record
from logs.llm import content_flags
from tests.logs.ingest.gateway_fixtures import FIXTURES, exchange_of
from tests.logs.ingest.test_normalise import NOW_MS, record

PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def letters(found: content_flags.Marks) -> str:
    return "".join(letter for letter, has in zip("iat", (found.images, found.audio, found.tools), strict=True) if has)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"messages": [{"role": "user", "content": [PART]}]}, "i"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA=="}}]}]}, "a"),
        ({"messages": [{"role": "assistant", "content": None, "audio": {"id": "audio_1"}}]}, "a"),
        ({"messages": [], "tools": [{"type": "function"}]}, "t"),
        ({"messages": [], "functions": [{"name": "f"}]}, "t"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}]}]}, "t"),
        ({"messages": [{"role": "tool", "content": "4"}]}, "t"),
        # a tool's result that holds a picture (Anthropic, Responses)
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "image"}]}]}]},
            "i",
        ),
        (
            {"input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "x"}}]},
            "i",
        ),
        ({"input": [{"type": "function_call", "name": "f"}]}, "t"),
        ({"messages": [{"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": "AA"}}}]}]}, "i"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "audio/wav", "data": "AA"}}]}]}, "a"),
        ({"contents": [{"parts": [{"functionCall": {"name": "f"}}]}]}, "t"),
        # words that claim nothing
        ({"messages": [{"role": "user", "content": 'Use "image_url" and "tool_calls", {"type": "input_audio"}'}]}, ""),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": '"image_url"'}]}]}, ""),
        ({"messages": [], "tools": [], "tool_choice": "none"}, ""),
        ({"messages": [], "response_format": {"json_schema": {"properties": {"image_url": {"type": "image"}}}}}, ""),
        ({"messages": [], "modalities": ["text", "audio"]}, ""),
        ({"messages": "image", "input": {"type": "image"}, "contents": [[PART]]}, ""),
        ({"messages": [None, 1, {"content": {"type": 5}, "role": [], "tool_calls": "x", "image": 3}]}, ""),
    ],
)
def test_requests(asked, found):
    assert letters(content_flags.of_request("chat_completion", asked)) == found


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"choices": [{"message": {"content": "x", "tool_calls": [{"id": "1"}]}}]}, "t"),
        ({"choices": [{"message": {"content": "", "images": [PART]}}]}, "i"),
        ({"choices": [{"message": {"content": None, "audio": {"id": "a", "data": "AA=="}}}]}, "a"),
        ({"choices": [{"message": {"function_call": {"name": "f", "arguments": "{}"}}}]}, "t"),
        ({"content": [{"type": "server_tool_use", "name": "web_search"}]}, "t"),
        ({"output": [{"type": "image_generation_call", "result": "AA=="}]}, "it"),
        ({"output": [{"type": "mcp_call"}]}, "t"),
        ({"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png"}}]}}]}, "i"),
        ({"choices": [{"message": {"content": "x", "tool_calls": [], "audio": None, "function_call": None}}]}, ""),
        ({"output": "text", "content": "text", "choices": "text"}, ""),
    ],
)
def test_answers(answer, found):
    assert letters(content_flags.of_answer("other", answer)) == found


@pytest.mark.parametrize("name", FIXTURES)
def test_captured_exchanges(name):
    read = to_record(exchange_of(name), workspace_id=1, api_key_id=None, now_ms=NOW_MS)
    body = FIXTURES[name]["request"]["body"]
    text = str(body)
    assert read.has_images is ("'image_url'" in text or name == "images_url")
    assert read.has_tools is (isinstance(body, dict) and bool(body.get("tools"))), name
    assert not read.has_audio


def test_files_themselves():
    kind = {"content-type": "image/jpeg"}
    jpeg = record(response_body=b"\xff\xd8", response_headers=kind, url="https://h/v1/x")
    assert (jpeg.has_images, jpeg.has_audio, jpeg.completeness) == (True, False, "complete")
    raw = record(request_body=b"RIFF", request_headers={"content-type": "audio/wav"}, url="https://h/v1/x")
    assert raw.has_audio


def test_a_deep_body_is_no_trouble():
    part: dict = {"type": "tool_result", "content": []}
    for _ in range(300):
        part = {"type": "tool_result", "content": [part]}
    assert letters(content_flags.of_request("message", {"messages": [{"content": [part]}]})) == ""

"""Anthropic messages, with bodies of its API reference."""

from __future__ import annotations

from tests.logs.viewer.conversation.drawing import answer, lines, request
from tests.logs.viewer.pictures import base64_of, png

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": base64_of(png(3, 2))}}


def test_a_request_with_system_pictures_documents_and_tools() -> None:
    talk = request(
        "message",
        {
            "model": "claude-sonnet-4-5",
            "max_tokens": 1024,
            "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
            "tools": [{"name": "get_stock_price", "description": "A price", "input_schema": {"type": "object"}},
                      {"type": "web_search_20250305", "name": "web_search"}],
            "messages": [
                {"role": "user", "content": [
                    PICTURE,
                    {"type": "image", "source": {"type": "url", "url": "https://upload.example/ant.jpg"}},
                    {"type": "document", "title": "Terms", "source": {"type": "text", "media_type": "text/plain", "data": "The grass."}},
                    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="}},
                    {"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}},
                    {"type": "text", "text": "What is the price?"},
                ]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "Look it up.", "signature": "EqQB"},
                    {"type": "redacted_thinking", "data": "EmwKAhgB"},
                    {"type": "tool_use", "id": "toolu_01", "name": "get_stock_price", "input": {"ticker": "^GSPC"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_01", "content": [{"type": "text", "text": '{"p": 1.0}'}, PICTURE]},
                    {"type": "tool_result", "tool_use_id": "toolu_02", "is_error": True, "content": "gone"},
                ]},
            ],
        },
    )  # fmt: skip
    assert lines(talk) == [
        "system text Be kind.",
        "user image image/png at /messages/0/content/0/source/data",
        "user image https://upload.example/ant.jpg",
        "user file Terms text/plain The grass.",
        "user file document application/pdf · 9 bytes",
        "user file document elsewhere https://a.example/b.pdf",
        "user text What is the price?",
        "assistant reasoning Look it up.",
        "assistant note Thinking that the provider encrypted: 8 characters.",
        'assistant tool_call get_stock_price({"ticker":"^GSPC"})',
        "user tool_result get_stock_price",
        '  json {"p":1.0}',
        "  image image/png at /messages/2/content/0/content/1/source/data",
        "user tool_result failed",
        "  json gone",
    ]
    assert [tool.name for tool in talk.tools] == ["get_stock_price", "web_search"]
    assert talk.params == [("model", "claude-sonnet-4-5"), ("max_tokens", "1024")]


def test_an_answer_with_citations_and_the_providers_own_tools() -> None:
    talk = answer(
        "message",
        {
            "type": "message",
            "role": "assistant",
            "stop_reason": "stop_sequence",
            "stop_sequence": "END",
            "content": [
                {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "claude"}},
                {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [
                    {"type": "web_search_result", "url": "https://w.example/", "title": "W", "encrypted_content": "x"}]},
                {"type": "bash_code_execution_tool_result", "tool_use_id": "srv_2", "content": {
                    "type": "bash_code_execution_result", "stdout": "ok", "stderr": "", "return_code": 0}},
                {"type": "web_fetch_tool_result", "tool_use_id": "srv_3", "content": {
                    "type": "web_fetch_result", "url": "https://w.example/", "content": {
                        "type": "document", "title": "Page", "source": {"type": "text", "media_type": "text/plain", "data": "Text"}}}},
                {"type": "web_search_tool_result", "tool_use_id": "srv_4", "content": {
                    "type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}},
                {"type": "text", "text": "The grass is green.", "citations": [
                    {"type": "char_location", "cited_text": "The grass", "document_title": "Terms", "start_char_index": 0, "end_char_index": 9},
                    {"type": "web_search_result_location", "url": "https://w.example/", "title": "W", "cited_text": "grass"}]},
            ],
        },
    )  # fmt: skip
    assert lines(talk) == [
        'assistant tool_call web_search({"query":"claude"})',
        "assistant tool_result web_search",
        "  citations W <https://w.example/>",
        "assistant tool_result bash_code_execution",
        "  json ok",
        "  note Exit code 0",
        "assistant tool_result web_fetch",
        "  file Page text/plain Text",
        "assistant tool_result web_search failed",
        '  json {"type":"web_search_tool_result_error","error_code":"max_uses_exceeded"}',
        "assistant text The grass is green.",
        "assistant citations Terms, characters 0 to 9 <>, W <https://w.example/>",
    ]
    assert talk.messages[0].finish_reason == "stop_sequence at 'END'"


def test_system_and_content_as_plain_texts() -> None:
    body = {"system": "Be kind.", "messages": [{"role": "user", "content": "hi"}]}
    assert lines(request("message", body)) == ["system text Be kind.", "user text hi"]

"""A transcript as short text, to compare with what is expected."""

from __future__ import annotations

from typing import Any

from logs.viewer import conversation
from logs.viewer.conversation import Conversation, Part


def request(request_type: str, body: Any, octets: bytes | None = None) -> Conversation:
    talk = conversation.of_request(request_type, body, octets=octets)
    assert talk is not None
    return talk


def answer(request_type: str, body: Any, octets: bytes | None = None, asked: Any = None) -> Conversation:
    talk = conversation.of_response(request_type, body, octets=octets, asked=lambda: asked)
    assert talk is not None
    return talk


def lines(talk: Conversation) -> list[str]:
    """One line a part: ``role kind what``, parts inside others indented."""
    return [
        line for message in talk.messages for part in message.parts for line in _part(part, f"{message.role} ".lstrip())
    ]


def _part(part: Part, prefix: str) -> list[str]:
    found = [f"{prefix}{part.kind} {_what(part)}".rstrip()]
    for inner in part.parts:
        found += _part(inner, "  ")
    return found


def _what(part: Part) -> str:
    if part.kind == "tool_call":
        return f"{part.name}({''.join(part.arguments.split())})"
    if part.kind == "tool_result":
        return f"{part.name} failed".strip() if part.is_failed else part.name
    if part.kind in ("image", "audio"):
        return (f"{part.media.type} at {part.at}" if part.media else part.address or part.text) + (
            f" {part.text}" if part.media and part.text else ""
        )
    if part.kind == "file":
        return " ".join(filter(None, [part.name, part.caption, part.address, part.text]))
    if part.kind == "scores":
        return ", ".join(f"{'!' if score.is_flagged else ''}{score.label} {score.shown}" for score in part.scores)
    if part.kind == "citations":
        return ", ".join(f"{citation.title} <{citation.address}>" for citation in part.citations)
    if part.kind == "table":
        return " / ".join("|".join(row) for row in part.rows)
    if part.kind == "json":
        return "".join(part.text.split())
    return part.text

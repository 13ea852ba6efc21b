"""Anthropic messages."""

from __future__ import annotations

from typing import Any

from logs.viewer.conversation import parts
from logs.viewer.conversation.content import blocks
from logs.viewer.conversation.parts import Conversation, Message

Json = dict[str, Any]


def request(body: Json) -> Conversation:
    messages = parts.sequence(body.get("messages"))
    shown, hidden = parts.shortened(len(messages))
    talk = Conversation(
        params=parts.params(body, "messages", "system", "tools", "mcp_servers"),
        messages=[_message(messages[index], f"/messages/{index}") for index in shown],
    )
    talk.offer([each for name in ("tools", "mcp_servers") for each in parts.sequence(body.get(name))])
    if hidden:
        talk.messages.insert(parts.HEAD_MESSAGES, parts.hidden_note(hidden))
        talk.note = f"{len(messages):,} messages"
    if system := body.get("system"):
        talk.messages.insert(0, Message("system", parts=blocks(system, "/system")))
    return talk


def answer(body: Json) -> Conversation | None:
    """The one message of an answer; None where it has no content."""
    if not isinstance(body.get("content"), list | str):
        return None
    said = Message(
        parts.string(body.get("role")) or "assistant", parts=blocks(body["content"], "/content", is_answer=True)
    )
    said.finish_reason = parts.string(body.get("stop_reason"))
    if sequence := parts.string(body.get("stop_sequence")):
        said.finish_reason += f" at {sequence!r}"
    return Conversation(messages=[said])


def _message(value: Any, at: str) -> Message:
    if not isinstance(value, dict):
        return Message("message", parts=[parts.json_part(value)])
    role = parts.string(value.get("role")) or "message"
    return Message(role, parts=blocks(value.get("content"), f"{at}/content", is_answer=role == "assistant"))

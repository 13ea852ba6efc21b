"""A request and its answer as people read them: who said what, with which tools and settings.

Understands chat completions, completions and embeddings; anything else is shown as JSON. Every value comes
from outside and may have any shape: a part that is not what it should be becomes a ``json`` part.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.safestring import SafeString

from logs import markdown

PartKind = Literal["text", "json", "image", "tool_call", "tool_result", "refusal", "reasoning", "note"]

# A conversation is read from its ends; 100,000 messages would be 50 MB of HTML.
HEAD_MESSAGES, TAIL_MESSAGES = 20, 180
VECTOR_NUMBERS = 6
FAMILIES = ("chat_completion", "completion", "embedding")


@dataclass
class Part:
    kind: PartKind
    text: str = ""
    html: SafeString | None = None
    name: str = ""
    id: str = ""
    arguments: str = ""
    src: str = ""
    caption: str = ""


@dataclass
class Message:
    role: str
    name: str = ""
    finish_reason: str = ""
    parts: list[Part] = field(default_factory=list)


@dataclass
class Tool:
    name: str
    description: str
    schema_json: str


@dataclass
class Conversation:
    params: list[tuple[str, str]] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    note: str = ""


def of_request(request_type: str, body: Any) -> Conversation | None:
    """The request's side; None where the type or the shape is not understood."""
    if request_type not in FAMILIES or not isinstance(body, dict):
        return None
    talk = Conversation(tools=[_tool(tool) for tool in _list(body.get("tools"))])
    if request_type == "chat_completion":
        talk.messages, talk.note = _shortened(_list(body.get("messages")))
        spoken = {"messages", "tools"}
    elif request_type == "completion":
        prompts = body.get("prompt")
        talk.messages = [Message("prompt", parts=[_text_or_json(p)]) for p in _each(prompts)]
        spoken = {"prompt"}
    else:
        talk.messages = [Message("input", parts=[_text_or_json(item)]) for item in _each(body.get("input"))]
        spoken = {"input"}
    talk.params = [(name, _inline(value)) for name, value in body.items() if name not in spoken]
    return talk


def of_response(request_type: str, body: Any) -> Conversation | None:
    """The answer's side, streams assembled already; None where it is an error or not understood."""
    if request_type not in FAMILIES or not isinstance(body, dict) or "error" in body:
        return None
    if request_type == "embedding":
        return _vectors(body)
    choices = [choice for choice in _list(body.get("choices")) if isinstance(choice, dict)]
    if not choices:
        return None
    talk = Conversation()
    for choice in choices:
        said = choice.get("message") if isinstance(choice.get("message"), dict) else {"content": choice.get("text")}
        message = _message({"role": "assistant", **said})
        message.finish_reason = str(choice.get("finish_reason") or "")
        message.name = f"choice {choice.get('index')}" if len(choices) > 1 else ""
        talk.messages.append(message)
    return talk


def _shortened(messages: list[Any]) -> tuple[list[Message], str]:
    hidden = len(messages) - HEAD_MESSAGES - TAIL_MESSAGES
    if hidden <= 0:
        return [_message(message) for message in messages], ""
    shown = [_message(message) for message in messages[:HEAD_MESSAGES]]
    shown.append(Message("", parts=[Part("note", text=f"{hidden:,} messages are not drawn here; see JSON.")]))
    shown += [_message(message) for message in messages[-TAIL_MESSAGES:]]
    return shown, f"{len(messages):,} messages"


def _message(message: Any) -> Message:
    if not isinstance(message, dict):
        return Message("message", parts=[_json_part(message)])
    parts: list[Part] = []
    if reasoning := message.get("reasoning_content") or message.get("reasoning"):
        parts.append(Part("reasoning", text=reasoning) if isinstance(reasoning, str) else _json_part(reasoning))
    role = str(message.get("role", "message"))
    if role == "tool" or role == "function":
        parts.append(_tool_result(message))
    else:
        parts += [_content_part(item) for item in _each(message.get("content"))]
    if refusal := message.get("refusal"):
        parts.append(Part("refusal", text=_inline(refusal)))
    parts += [_tool_call(call) for call in _list(message.get("tool_calls"))]
    if isinstance(message.get("function_call"), dict):
        parts.append(_tool_call({"function": message["function_call"]}))
    return Message(role, name=str(message.get("name") or ""), parts=parts)


def _content_part(item: Any) -> Part:
    if isinstance(item, str):
        return _text(item)
    if isinstance(item, dict):
        if isinstance(item.get("text"), str):
            return _text(item["text"])
        if isinstance(item.get("refusal"), str):
            return Part("refusal", text=item["refusal"])
        if isinstance(item.get("image_url"), dict | str):
            return _image(item["image_url"])
    return _json_part(item)


def _image(image: Any) -> Part:
    """A picture that travelled inside the request is drawn; a remote one is only named."""
    address = image.get("url", "") if isinstance(image, dict) else image
    if not isinstance(address, str):
        return _json_part(image)
    kind, comma, data = address.partition(",")
    drawable = kind in {f"data:image/{name};base64" for name in ("png", "jpeg", "jpg", "gif", "webp", "avif")}
    if comma and drawable:
        caption = f"{kind[len('data:') : -len(';base64')]}, {len(data) * 3 // 4:,} bytes"
        return Part("image", src=address, caption=caption)
    return Part("image", text=address[:2000], caption="Not loaded: the picture is elsewhere")


def _tool(tool: Any) -> Tool:
    function = tool.get("function", tool) if isinstance(tool, dict) else {}
    if not isinstance(function, dict):
        function = {}
    name = function.get("name") or (tool.get("type") if isinstance(tool, dict) else "")
    return Tool(str(name or "tool"), str(function.get("description") or ""), _pretty(tool))


def _tool_call(call: Any) -> Part:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return _json_part(call)
    arguments = function.get("arguments", "")
    if isinstance(arguments, str):
        with contextlib.suppress(ValueError, RecursionError):
            arguments = _pretty(json.loads(arguments))
    else:
        arguments = _pretty(arguments)
    return Part("tool_call", name=str(function.get("name") or ""), id=str(call.get("id") or ""), arguments=arguments)


def _tool_result(message: dict[str, Any]) -> Part:
    content = message.get("content")
    text = content if isinstance(content, str) else _pretty(content)
    with contextlib.suppress(ValueError, RecursionError):
        text = _pretty(json.loads(text))
    return Part(
        "tool_result",
        id=str(message.get("tool_call_id") or ""),
        name=str(message.get("name") or ""),
        text=text,
    )


def _vectors(body: dict[str, Any]) -> Conversation | None:
    """Embeddings in words: how many, how long, and how they begin."""
    data = [item for item in _list(body.get("data")) if isinstance(item, dict)]
    if not data:
        return None
    talk = Conversation(note=f"{len(data):,} embedding{'s' if len(data) != 1 else ''}")
    for item in data[:HEAD_MESSAGES]:
        vector = item.get("embedding")
        if isinstance(vector, list):
            start = ", ".join(_inline(number) for number in vector[:VECTOR_NUMBERS])
            text = f"{len(vector):,} dimensions: [{start}{', …' if len(vector) > VECTOR_NUMBERS else ''}]"
        else:
            encoded = vector if isinstance(vector, str) else ""
            text = f"{len(encoded) * 3 // 4 // 4:,} dimensions, as base64 of 32-bit floats"
        talk.messages.append(Message(f"embedding {item.get('index', '')}", parts=[Part("note", text=text)]))
    if len(data) > HEAD_MESSAGES:
        more = f"{len(data) - HEAD_MESSAGES:,} more are not drawn here; see JSON."
        talk.messages.append(Message("", parts=[Part("note", text=more)]))
    return talk


def _text(text: str) -> Part:
    return Part("text", text=text, html=markdown.to_html(text))


def _text_or_json(value: Any) -> Part:
    return _text(value) if isinstance(value, str) else _json_part(value)


def _json_part(value: Any) -> Part:
    return Part("json", text=_pretty(value))


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _inline(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _each(value: Any) -> list[Any]:
    """The items of a list (token ids count as one item); a single value as one; nothing as none."""
    if isinstance(value, list) and value and not all(isinstance(item, int) for item in value):
        return value
    return [] if value is None or value == [] else [value]

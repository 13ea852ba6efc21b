"""Whether an exchange has images, audio or tools: what the row shows.

Found in the parts of the parsed bodies: it takes as long as there are parts, however long their texts, and a
prompt or a schema that merely names such things claims nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from logs.llm.providers.base import Json, items

_IMAGES = frozenset({"image", "image_url", "input_image", "computer_screenshot", "image_generation_call"})
_AUDIO = frozenset({"audio", "audio_url", "input_audio"})
_TOOLS = frozenset({"tool_use", "server_tool_use"})
# Where a message, an output item or a part keeps its parts; results of tools nest once more.
_LISTS = frozenset({"content", "parts", "output", "images"})
_CALLS = frozenset({"function_call", "functionCall", "toolUse"})
_NAMED = _CALLS | {"role", "tool_calls", "audio", "image", "inline_data", "inlineData"}
_DEPTH = 3
_IMAGE_TYPES = frozenset({"image_generation", "image_edit"})
_AUDIO_INPUT = frozenset({"audio_transcription", "audio_translation"})


class Marks(msgspec.Struct):
    """What one side of an exchange has; ``tools`` were offered or called."""

    images: bool = False
    audio: bool = False
    tools: bool = False

    def merge(self, other: Marks) -> Marks:
        """What either of the two has."""
        return Marks(self.images or other.images, self.audio or other.audio, self.tools or other.tools)


def of_request(request_type: str, asked: Json) -> Marks:
    """The marks of a request's JSON body."""
    marks = Marks(tools=bool(items(asked.get("tools")) or items(asked.get("functions"))))
    if request_type == "image_edit":
        marks.images = bool(asked.get("image") or asked.get("images"))
    for name in ("messages", "input", "contents"):
        _look(marks, asked.get(name), _DEPTH)
    return marks


def of_answer(request_type: str, answer: Json) -> Marks:
    """The marks of an answer's JSON object."""
    marks = Marks()
    if request_type in _IMAGE_TYPES:
        marks.images = bool(items(answer.get("data")))
    elif request_type == "audio_speech":
        marks.audio = bool(answer.get("audio"))
    else:
        _look(marks, [choice.get("message") for choice in items(answer.get("choices"))], _DEPTH)
        _look(marks, [candidate.get("content") for candidate in items(answer.get("candidates"))], _DEPTH)
        _look(marks, answer.get("content"), _DEPTH)
        output = answer.get("output")  # a list in Responses, {"message": {…}} in Bedrock's Converse
        _look(marks, [output.get("message")] if isinstance(output, dict) else output, _DEPTH)
    return marks


def of_file(content_type: str | None) -> Marks:
    """The marks of a body, or a part of a form, that is a file."""
    kind = (content_type or "").lower()
    return Marks(images=kind.startswith("image/"), audio=kind.startswith("audio/"))


def of_form(request_type: str, files: Iterable[str]) -> Marks:
    """The marks of a form, from the content types of its files: the endpoint tells what they are when these do not."""
    marks = Marks()
    for content_type in files:
        marks = marks.merge(of_file(content_type))
        marks.images = marks.images or request_type == "image_edit"
        marks.audio = marks.audio or request_type in _AUDIO_INPUT
    return marks


def _look(marks: Marks, parts: object, depth: int) -> None:
    """Mark what ``parts`` (messages, output items, parts of their contents) are and hold."""
    if not isinstance(parts, list):
        return
    for part in parts:
        if not isinstance(part, dict):
            continue
        kind = part.get("type")
        if kind == "text":  # by far the most
            continue
        if isinstance(kind, str):
            marks.images = marks.images or kind in _IMAGES
            marks.audio = marks.audio or kind in _AUDIO
            # function_call, web_search_call, mcp_call, … of Responses
            marks.tools = marks.tools or kind in _TOOLS or kind.endswith("_call")
        for name, held in part.items():
            if name in _LISTS:
                if depth and isinstance(held, (list, dict)):
                    _look(marks, [held] if isinstance(held, dict) else held, depth - 1)
            elif name in _NAMED:
                _look_at(marks, name, held)


def _look_at(marks: Marks, name: str, held: object) -> None:
    """A field of a message that tells, or of the parts of Google and Bedrock, which name their kind by a key."""
    if name == "role":
        marks.tools = marks.tools or held == "tool"
    elif name == "tool_calls":
        marks.tools = marks.tools or bool(items(held))
    elif not isinstance(held, dict):
        return
    elif name == "audio":  # what an assistant said, or the id of what it said before
        marks.audio = marks.audio or "data" in held or "id" in held
    elif name == "image":
        marks.images = marks.images or "source" in held
    elif name in ("inline_data", "inlineData"):
        mime = str(held.get("mime_type") or held.get("mimeType") or "")
        marks.images = marks.images or mime.startswith("image/")
        marks.audio = marks.audio or mime.startswith("audio/")
    else:
        marks.tools = True

"""What a transcript is made of, and how the simplest parts of it are made.

``at`` is everywhere the JSON Pointer (RFC 6901) of a value in its body: the media view finds pictures by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from logs.viewer import media
from logs.viewer.conversation.pretty import is_json
from logs.viewer.drawing import DrawingBudget
from logs.viewer.media import Media

PartKind = Literal[
    "text", "json", "image", "audio", "file", "tool_call", "tool_result", "refusal", "reasoning", "scores", "table",
    "citations", "note",
]  # fmt: skip

# A transcript is read from its ends; 100,000 messages would be 50 MB of HTML.
HEAD_MESSAGES, TAIL_MESSAGES = 20, 180
MAX_ITEMS = 200  # parts of one message, rows of one table
MAX_PARAMS = 100  # settings of a request: the largest API has some forty
MAX_TOOLS = 100  # that are drawn: providers take 128 at most
MAX_DEPTH = 4  # results inside results
ADDRESS_CHARACTERS = 2000
INLINE_CHARACTERS = 400
DOCUMENT_CHARACTERS = 20_000


@dataclass
class Score:
    """One line of a scored list; ``value`` from 0 to 1 is drawn as a bar."""

    label: str
    value: float | None = None
    text: str = ""
    is_flagged: bool = False

    @property
    def shown(self) -> str:
        return "" if self.value is None else f"{self.value:.4f}"

    @property
    def bar(self) -> str:
        return f"{min(max(self.value or 0.0, 0.0), 1.0):.4f}"


@dataclass
class Citation:
    title: str
    address: str = ""
    quote: str = ""

    @property
    def host(self) -> str:
        return host_of(self.address)


@dataclass
class Part:
    kind: PartKind
    text: str = ""
    name: str = ""
    id: str = ""
    caption: str = ""
    arguments: str = ""
    at: str = ""
    media: Media | None = None
    address: str = ""  # a remote address: shown, never loaded by itself
    parts: list[Part] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    is_failed: bool = False
    anchor: str = ""  # the name of this part on the page, where another one leads to it
    answered_by: str = ""  # the anchor of a call's result
    answers: str = ""  # the anchor of a result's call
    cut: int = 0  # characters that are left out
    is_rich: bool = True  # whether Markdown and colours are worth their time
    is_json: bool = False  # the text, or of a call its arguments: to be set out over lines

    @property
    def host(self) -> str:
        return host_of(self.address)


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
    cut: int = 0  # characters that are left out
    is_rich: bool = True  # as of a part


@dataclass
class Conversation:
    params: list[tuple[str, str]] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    tool_count: int = 0  # that were offered, also those that are not drawn
    note: str = ""
    budget: DrawingBudget = field(default_factory=DrawingBudget)  # of the card that it is drawn in

    def offer(self, definitions: list[Any]) -> None:
        """Add the tools that the model was offered."""
        self.tools = [tool(each) for each in definitions[:MAX_TOOLS]]
        self.tool_count = len(definitions)

    def all_parts(self) -> Iterator[Part]:
        pending = [part for message in reversed(self.messages) for part in reversed(message.parts)]
        while pending:
            part = pending.pop()
            yield part
            pending.extend(reversed(part.parts))


# --- making parts --------------------------------------------------------------------------------------------


def text_part(text: str) -> Part:
    return Part("text", text=text)


def note(text: str) -> Part:
    return Part("note", text=text)


def logprobs_note(count: int) -> Part:
    return note(f"With the log probabilities of {count:,} token{'s' if count != 1 else ''}; see JSON.")


def json_part(value: Any, caption: str = "") -> Part:
    return Part("json", text=compact(value), caption=caption, is_json=True)


def text_or_json(value: Any) -> Part:
    return text_part(value) if isinstance(value, str) else json_part(value)


def answer_part(text: str) -> Part:
    """What a model wrote: a structured output, which is JSON as a whole, is set as JSON."""
    if text[:1] in ("{", "[") and is_json(text):
        return Part("json", text=text, caption="Structured output", is_json=True)
    return text_part(text)


def picture(source: Any, at: str, caption: str = "") -> Part:
    """A picture that travelled inside the body is drawn, by the media view; a remote one is only named."""
    if not isinstance(source, str):
        return json_part(source)
    if source[:5].lower() == "data:" or not is_address(source):
        found = media.describe(source)
        if found is not None and found.kind == "image":
            return Part("image", media=found, at=at, caption=caption)
        kind = media.data_uri_type(source) or "unknown content"
        return Part("image", text=source[:INLINE_CHARACTERS], caption=f"Not drawn: {kind} is no raster picture")
    return Part("image", address=source[:ADDRESS_CHARACTERS], caption=caption)


def sound(source: Any, at: str, *, transcript: Any = None, caption: str = "") -> Part:
    """A recording inside the body, to be played, with what is said in it."""
    if not isinstance(source, str):
        source = ""
    found = media.describe(source) if source else None
    if found is not None and found.kind != "audio":
        found = None
    if source and found is None:
        size = len(source) * 3 // 4
        caption = " · ".join(filter(None, [caption, f"{size:,} bytes without a header that tells their format"]))
    return Part("audio", media=found, at=at, text=transcript if isinstance(transcript, str) else "", caption=caption)


def file_part(name: Any, caption: str = "", *, text: str = "", address: str = "") -> Part:
    return Part(
        "file",
        name=string(name) or "file",
        caption=caption,
        text=text[:DOCUMENT_CHARACTERS],
        cut=max(len(text) - DOCUMENT_CHARACTERS, 0),
        address=address[:ADDRESS_CHARACTERS],
    )


def tool_call(name: Any, id: Any, arguments: Any, *, caption: str = "", parts: list[Part] | None = None) -> Part:
    """A call; arguments that are JSON in a string are set as JSON, spelled as they were sent."""
    text = arguments if isinstance(arguments, str) else "" if arguments is None else compact(arguments)
    return Part(
        "tool_call",
        name=string(name),
        id=string(id),
        arguments=text,
        is_json=is_json(text),
        caption=caption,
        parts=parts or [],
    )


def tool_result(id: Any, parts: list[Part], *, name: Any = "", is_failed: bool = False) -> Part:
    return Part("tool_result", id=string(id), name=string(name), parts=parts, is_failed=is_failed)


def result_text(text: str) -> Part:
    """What a tool gave back: JSON where it is, else plain text."""
    return Part("json", text=text, is_json=text.lstrip()[:1] in ("{", "[") and is_json(text))


def tool(definition: Any) -> Tool:
    """A tool that the model was offered, in any of the providers' shapes."""
    outer = mapping(definition)
    inner = mapping(outer.get("function")) or mapping(outer.get("custom")) or outer
    name = inner.get("name") or outer.get("server_label") or outer.get("type")
    description = inner.get("description") or outer.get("server_url") or ""
    return Tool(string(name) or "tool", string(description), compact(definition))


def params(body: dict[str, Any], *spoken: str) -> list[tuple[str, str]]:
    """The settings of a request: every member that is not drawn in another way, at most MAX_PARAMS of them."""
    names = [name for name in body if name not in spoken]
    found = [(name[:INLINE_CHARACTERS], inline(body[name])) for name in names[:MAX_PARAMS]]
    return [*found, ("", f"{len(names) - MAX_PARAMS:,} more; see JSON")] if len(names) > MAX_PARAMS else found


def shortened(count: int) -> tuple[list[int], int]:
    """Which of so many messages are drawn, and how many between them are not."""
    hidden = count - HEAD_MESSAGES - TAIL_MESSAGES
    if hidden <= 0:
        return list(range(count)), 0
    return [*range(HEAD_MESSAGES), *range(count - TAIL_MESSAGES, count)], hidden


def hidden_note(hidden: int, what: str = "messages") -> Message:
    return Message("", parts=[note(f"{hidden:,} {what} are not drawn here; see JSON.")])


# --- reading values ------------------------------------------------------------------------------------------


def compact(value: Any) -> str:
    """The value as JSON in one line, as `over_lines` takes it."""
    return json.dumps(value, ensure_ascii=False)


def inline(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= INLINE_CHARACTERS else text[:INLINE_CHARACTERS] + "…"


def string(value: Any) -> str:
    """A text or a number as text, of a length fit for a line; anything else as nothing."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)[:INLINE_CHARACTERS]
    return ""


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """A finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if abs(found) < float("inf") else None


def each(value: Any) -> list[Any]:
    """The items of a list (token ids count as one item); a single value as one; nothing as none."""
    if isinstance(value, list) and value and not all(isinstance(item, int) for item in value):
        return value
    return [] if value is None or value == [] else [value]


def placed(value: Any, at: str) -> list[tuple[Any, str]]:
    """The items of a list with their pointers, at most ``MAX_ITEMS``; a single value as one; nothing as none."""
    if isinstance(value, list):
        return [(item, f"{at}/{index}") for index, item in enumerate(value[:MAX_ITEMS])]
    return [] if value is None else [(value, at)]


def step(at: str, name: str) -> str:
    """The pointer of a member."""
    return f"{at}/{name.replace('~', '~0').replace('/', '~1')}"


def is_address(text: str) -> bool:
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}:", text) is not None


def host_of(address: str) -> str:
    """The host of a web address, "" for any other text: only such an address is offered as a link."""
    try:
        parts = urlsplit(address)
        return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""

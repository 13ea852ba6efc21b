"""Speech, transcription and translation."""

from __future__ import annotations

from typing import Any

from logs.viewer import media
from logs.viewer.conversation import parts
from logs.viewer.conversation.parts import Conversation, Message, Part, mapping, sequence, string
from logs.viewer.conversation.uploads import Field, upload_parts

Json = dict[str, Any]

_SEGMENTS = (("start", "From, s"), ("end", "To, s"), ("speaker", "Speaker"), ("text", "Text"))


def speech_request(body: Json) -> Conversation:
    said = [Message("input", parts=[parts.text_or_json(body["input"])])] if "input" in body else []
    if isinstance(style := body.get("instructions"), str):
        said.append(Message("instructions", parts=[parts.text_part(style)]))
    return Conversation(params=parts.params(body, "input", "instructions"), messages=said)


def speech_answer(octets: bytes) -> Conversation | None:
    """The sound itself; None where the bytes are none that can be played."""
    found = media.sniff(octets)
    if found is None or found.kind != "audio":
        return None
    return Conversation(messages=[Message("speech", parts=[Part("audio", media=found)])])


def speech_text(body: Json) -> Conversation | None:
    """Speech as base64 in JSON, as streams and some providers give it."""
    for name in ("audio", "data", "audioContent"):
        if isinstance(source := body.get(name), str):
            return Conversation(messages=[Message("speech", parts=[parts.sound(source, f"/{name}")])])
    return None


def upload(fields: list[Field], body: bytes) -> Conversation:
    return upload_parts(fields, body, text_name="prompt", role="recording")


def transcript_request(body: Json) -> Conversation:
    """A request logged as JSON: its settings, and the recording where it is inside."""
    said = [parts.text_part(body["prompt"])] if isinstance(body.get("prompt"), str) else []
    if isinstance(source := body.get("file"), str) and media.describe(source):
        said.append(parts.sound(source, "/file"))
        body = {name: value for name, value in body.items() if name != "file"}
    return Conversation(params=parts.params(body, "prompt"), messages=[Message("recording", parts=said)])


def transcript_answer(body: Json) -> Conversation | None:
    """The text, and its segments as a table where the answer has times; None where there is no text."""
    if not isinstance(body.get("text"), str):
        return None
    talk = Conversation(messages=[Message("transcript", parts=[Part("text", text=body["text"], is_rich=False)])])
    talk.params = [(name, parts.inline(body[name])) for name in ("language", "duration", "task") if body.get(name)]
    for name, what in (("segments", "segments"), ("words", "words")):
        items = [item for item in sequence(body.get(name)) if isinstance(item, dict)]
        if items and (table := _table(items, what)):
            talk.messages[0].parts.append(table)
    if count := len(sequence(body.get("logprobs"))):
        talk.messages[0].parts.append(parts.logprobs_note(count))
    return talk


def transcript_text(octets: bytes) -> Conversation | None:
    """Plain text, SRT or VTT; None where the bytes are no text."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return None
    if not text.strip() or "\x00" in text:
        return None
    return Conversation(messages=[Message("transcript", parts=[Part("text", text=text, is_rich=False)])])


def _table(items: list[Json], what: str) -> Part:
    columns = [(name, label) for name, label in _SEGMENTS if any(name in item for item in items)]
    if what == "words":
        columns = [("start", "From, s"), ("end", "To, s"), ("word", "Word")]
    rows = [[_cell(mapping(item).get(name)) for name, _ in columns] for item in items[: parts.MAX_ITEMS]]
    caption = f"{len(items):,} {what}" + (f", the first {parts.MAX_ITEMS}" if len(items) > parts.MAX_ITEMS else "")
    return Part("table", caption=caption, columns=[label for _, label in columns], rows=rows)


def _cell(value: Any) -> str:
    seconds = parts.number(value)
    return f"{seconds:.2f}" if seconds is not None else string(value)

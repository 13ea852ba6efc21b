"""Requests that carry files as multipart/form-data: image edits, transcriptions, translations, file uploads."""

from __future__ import annotations

from logs.llm import multipart
from logs.viewer import media
from logs.viewer.conversation import parts
from logs.viewer.conversation.parts import Conversation, Message, Part

Field = multipart.Part


def fields(octets: bytes) -> list[Field]:
    """The parts of a form, empty where the body is none. Its first line is the boundary: the header may be missing."""
    return list(multipart.parts(octets, None))


def upload_parts(found: list[Field], body: bytes, *, text_name: str, role: str) -> Conversation:
    """Files as pictures, sounds or names, the field ``text_name`` as text, the others as settings."""
    message = Message(role)
    talk = Conversation(messages=[message])
    for index, field in enumerate(found[: parts.MAX_ITEMS]):
        if field.filename is not None:
            message.parts.append(_file(field, body, f"/{index}"))
            continue
        text = body[field.start : field.end].decode("utf-8", "replace")
        if field.name == text_name:
            message.parts.insert(0, parts.text_part(text))
        else:
            talk.params.append((field.name, parts.inline(text)))
    return talk


def _file(field: Field, body: bytes, at: str) -> Part:
    size = field.end - field.start
    head = body[field.start : min(field.end, field.start + media.HEADER_BYTES)]
    found = media.sniff(head, size=size)
    if found is not None:
        caption = " · ".join(filter(None, [parts.string(field.name), parts.string(field.filename)]))
        return Part(found.kind, media=found, at=at, caption=caption)
    return parts.file_part(field.filename, " · ".join(filter(None, [field.content_type, f"{size:,} bytes"])))

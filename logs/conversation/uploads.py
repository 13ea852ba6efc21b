"""Requests that carry files as multipart/form-data: image edits, transcriptions, translations, file uploads."""

from __future__ import annotations

from logs import media
from logs.conversation import parts
from logs.conversation.parts import Conversation, Message, Part
from logs.multipart import Field


def upload_parts(fields: list[Field], body: bytes, *, text_name: str, role: str) -> Conversation:
    """Files as pictures, sounds or names, the field ``text_name`` as text, the others as settings."""
    message = Message(role)
    talk = Conversation(messages=[message])
    for index, field in enumerate(fields):
        if field.file_name is not None:
            message.parts.append(_file(field, body, f"/{index}"))
            continue
        text = body[field.start : field.end].decode("utf-8", "replace")
        if field.name == text_name:
            message.parts.insert(0, parts.text_part(text))
        else:
            talk.params.append((field.name, parts.inline(text)))
    return talk


def _file(field: Field, body: bytes, at: str) -> Part:
    head = body[field.start : min(field.end, field.start + media.HEADER_BYTES)]
    found = media.sniff(head, size=field.size)
    if found is not None:
        caption = " · ".join(filter(None, [parts.string(field.name), parts.string(field.file_name)]))
        return Part(found.kind, media=found, at=at, caption=caption)
    return parts.file_part(field.file_name, " · ".join(filter(None, [field.type, f"{field.size:,} bytes"])))

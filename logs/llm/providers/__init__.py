"""What the bodies of each endpoint family say, read without trusting them.

``read(answer)`` takes the JSON object of an answer; ``assemble(raw)`` builds that
object from the event stream of a streamed one.
"""

from __future__ import annotations

from typing import Any

from logs.llm.providers import anthropic, media, openai, others, responses
from logs.llm.providers.base import Answer, AssembledStream

__all__ = ["Answer", "AssembledStream", "assemble", "read"]

_READERS = {
    "chat_completion": openai.read_choices,
    "completion": openai.read_choices,
    "embedding": openai.read_embedding,
    "image_generation": media.read,
    "image_edit": media.read,
    "audio_speech": media.read,
    "audio_transcription": media.read,
    "audio_translation": media.read,
    "message": anthropic.read,
    "response": responses.read,
    "moderation": others.read_rerank,
    "rerank": others.read_rerank,
}
_ASSEMBLERS = {
    "chat_completion": openai.assemble_chat,
    "completion": openai.assemble_completion,
    "image_generation": media.assemble_image,
    "image_edit": media.assemble_image,
    "audio_speech": media.assemble_speech,
    "audio_transcription": media.assemble_transcript,
    "audio_translation": media.assemble_transcript,
    "message": anthropic.assemble,
    "response": responses.assemble,
}


def read(request_type: str, answer: dict[str, Any]) -> Answer:
    """Model, usage and finish reason of one answer (of an error there is little to read)."""
    return _READERS.get(request_type, others.read_any)(answer)


def assemble(request_type: str, raw: bytes) -> AssembledStream:
    """The answer a stream adds up to. Endpoints not known to stream are read by what their events look like."""
    return _ASSEMBLERS.get(request_type, others.assemble_any)(raw)

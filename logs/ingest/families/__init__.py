"""What the bodies of each endpoint family say, read without trusting them.

``read(answer)`` takes the JSON object of an answer; ``assemble(raw)`` builds that
object from the event stream of a streamed one.
"""

from __future__ import annotations

from typing import Any

from logs.ingest.families import anthropic, openai, responses
from logs.ingest.families.base import Answer, AssembledStream

__all__ = ["Answer", "AssembledStream", "assemble", "read"]

_READERS = {
    "chat_completion": openai.read_choices,
    "completion": openai.read_choices,
    "embedding": openai.read_embedding,
    "message": anthropic.read,
    "response": responses.read,
}
_ASSEMBLERS = {
    "chat_completion": openai.assemble_chat,
    "completion": openai.assemble_completion,
    "message": anthropic.assemble,
    "response": responses.assemble,
}


def read(request_type: str, answer: dict[str, Any]) -> Answer:
    """Model, usage and finish reason of one answer (of an error there is little to read)."""
    return _READERS.get(request_type, openai.read_any)(answer)


def assemble(request_type: str, raw: bytes) -> AssembledStream:
    """The answer a stream adds up to. Endpoints not known to stream are read by what their events look like."""
    return _ASSEMBLERS.get(request_type, openai.assemble_any)(raw)

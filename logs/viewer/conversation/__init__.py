"""A request and its answer as people read them: who said what, with which tools, pictures and settings.

Every value comes from outside and may have any shape: a part that is not what it should be becomes JSON, and a body
that is no call of a model is left to the JSON view. Nothing in here raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from logs.viewer.conversation import audio, chat, embeddings, images, messages, responses, scored, uploads
from logs.viewer.conversation.finish import finished
from logs.viewer.conversation.parts import Conversation, Message, Part, Tool

__all__ = ["Conversation", "Message", "Part", "Tool", "of_request", "of_response"]

Json = dict[str, Any]

_REQUESTS: dict[str, Callable[[Json], Conversation]] = {
    "chat_completion": chat.chat_request,
    "completion": chat.completion_request,
    "message": messages.request,
    "response": responses.request,
    "embedding": embeddings.request,
    "image_generation": images.request,
    "image_edit": images.request,
    "audio_speech": audio.speech_request,
    "audio_transcription": audio.transcript_request,
    "audio_translation": audio.transcript_request,
    "moderation": scored.moderation_request,
    "rerank": scored.rerank_request,
}
_ANSWERS: dict[str, Callable[[Json], Conversation | None]] = {
    "chat_completion": chat.answer,
    "completion": chat.answer,
    "message": messages.answer,
    "response": responses.answer,
    "embedding": embeddings.answer,
    "image_generation": images.answer,
    "image_edit": images.answer,
    "audio_speech": audio.speech_text,
    "audio_transcription": audio.transcript_answer,
    "audio_translation": audio.transcript_answer,
    "moderation": scored.moderation_answer,
}
_UPLOADS = {
    "image_edit": images.upload,
    "audio_transcription": audio.upload,
    "audio_translation": audio.upload,
    "other": audio.upload,
}
_BINARY = {
    "audio_speech": audio.speech_answer,
    "audio_transcription": audio.transcript_text,
    "audio_translation": audio.transcript_text,
}


def of_request(request_type: str, body: Any, *, octets: bytes | None = None) -> Conversation | None:
    """The request's side; None where the type or the shape is not understood. ``octets`` are the body as received,
    for requests that are not JSON."""
    talk: Conversation | None = None
    if isinstance(body, dict):
        if request_type in _REQUESTS:
            talk = _REQUESTS[request_type](body)
    elif body is None and octets and request_type in _UPLOADS and (fields := uploads.fields(octets)):
        talk = _UPLOADS[request_type](fields, octets)
    return finished(talk)


def of_response(
    request_type: str, body: Any, *, octets: bytes | None = None, asked: Callable[[], Any] = lambda: None
) -> Conversation | None:
    """The answer's side, streams assembled already; None where it is an error or not understood. ``octets`` as
    above; ``asked`` gives the request's JSON, for answers that only make sense beside it."""
    talk: Conversation | None = None
    if isinstance(body, dict):
        if body.get("error"):
            return None
        kind = _kind_of(body) if request_type == "other" else request_type
        if kind == "rerank":
            talk = scored.rerank_answer(body, asked())
        elif kind in _ANSWERS:
            talk = _ANSWERS[kind](body)
    elif body is None and octets and request_type in _BINARY:
        talk = _BINARY[request_type](octets)
    return finished(talk)


def _kind_of(answer: Json) -> str:
    """What an answer of an unknown endpoint (a stored prompt's, a proxy's) is by its own words."""
    kind = answer.get("object")
    known = {"chat.completion": "chat_completion", "text_completion": "completion", "response": "response"}
    if isinstance(kind, str) and kind in known:
        return known[kind]
    return "message" if answer.get("type") == "message" else "other"

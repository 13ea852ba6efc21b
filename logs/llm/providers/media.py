"""Images (generations, edits) and audio (speech, transcriptions, translations).

https://platform.openai.com/docs/api-reference/images-streaming and …/audio
"""

from __future__ import annotations

import msgspec

from logs.llm.providers.base import (
    Answer,
    AssembledStream,
    Json,
    error_of,
    is_standard,
    join_base64,
    mapping,
    objects,
    read_usage,
    text,
)

_OF_ONE_IMAGE = ("b64_json", "partial_image_index", "revised_prompt", "url")


def read(answer: Json) -> Answer:
    """Model and usage: few of these answers name their model."""
    return Answer(
        model=text(answer.get("model")), usage=read_usage(answer.get("usage")), at_list_price=is_standard(answer)
    )


def assemble_image(raw: bytes) -> AssembledStream:
    """The list of images that the events of a generation or an edit add up to.

    ``….completed`` ends it. Of a cut stream the last partial image is given, which its
    ``partial_image_index`` marks as such.
    """
    done: list[Json] = []
    partial: Json | None = None
    last: Json = {}
    failure: Json | None = None
    for event, data in objects(raw):
        if data is None:
            continue
        failure = failure or error_of(event, data)
        kind = text(data.get("type")) or event.type
        if kind.endswith(".completed"):
            done.append(_image(data))
            last = data
        elif kind.endswith(".partial_image"):
            partial = _image(data)
            last = last if done else data
    if not last:
        return AssembledStream(complete=False, error=failure)
    facts = {name: value for name, value in last.items() if name not in (*_OF_ONE_IMAGE, "type", "created_at")}
    images = done or ([partial] if partial else [])
    answer = {"created": last.get("created_at"), "data": images, **facts}
    return AssembledStream(answer=answer, complete=bool(done), error=failure)


def _image(data: Json) -> Json:
    return {name: data[name] for name in _OF_ONE_IMAGE if name in data}


def assemble_speech(raw: bytes) -> AssembledStream:
    """The audio (base64) that the events of a speech add up to; ``speech.audio.done`` ends it.

    Unstreamed the answer would be the octets themselves, without a usage.
    """
    pieces: list[str] = []
    answer: Json = {}
    failure: Json | None = None
    done = False
    for event, data in objects(raw):
        if data is None:
            continue
        failure = failure or error_of(event, data)
        kind = text(data.get("type")) or event.type
        if kind == "speech.audio.delta" and (piece := text(data.get("audio"))):
            pieces.append(piece)
        elif kind == "speech.audio.done":
            done = True
            answer = {name: value for name, value in data.items() if name != "type"}
    if not pieces and not done:
        return AssembledStream(complete=False, error=failure)
    return AssembledStream(answer={"audio": join_base64(pieces), **answer}, complete=done, error=failure)


class _Transcript(msgspec.Struct):
    pieces: list[str] = []
    logprobs: list[object] = []
    segments: list[Json] = []


def assemble_transcript(raw: bytes) -> AssembledStream:
    """The transcript that its events add up to; ``transcript.text.done`` holds it whole and ends it."""
    found = _Transcript()
    answer: Json | None = None
    failure: Json | None = None
    for event, data in objects(raw):
        if data is None:
            continue
        failure = failure or error_of(event, data)
        kind = text(data.get("type")) or event.type
        facts = {name: value for name, value in data.items() if name != "type"}
        if kind == "transcript.text.delta":
            found.pieces.append(text(data.get("delta")) or "")
            found.logprobs += data["logprobs"] if isinstance(data.get("logprobs"), list) else []
        elif kind == "transcript.text.segment":
            found.segments.append(facts)
        elif kind == "transcript.text.done":
            answer = facts
    if answer is None and not found.pieces and not found.segments:
        return AssembledStream(complete=False, error=failure)
    built: Json = {"text": "".join(found.pieces)}
    if found.segments:
        built["segments"] = found.segments
        built["text"] = built["text"] or " ".join(str(mapping(part).get("text", "")).strip() for part in found.segments)
    if found.logprobs:
        built["logprobs"] = found.logprobs
    return AssembledStream(answer={**built, **(answer or {})}, complete=answer is not None, error=failure)

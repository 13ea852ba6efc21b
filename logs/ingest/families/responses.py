"""OpenAI's Responses API."""

from __future__ import annotations

from logs.ingest.families.base import (
    Answer,
    AssembledStream,
    Json,
    error_of,
    mapping,
    objects,
    read_usage,
    text,
)

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


def read(answer: Json) -> Answer:
    """Model, status (its finish reason: completed, incomplete, failed, …) and usage of a response."""
    return Answer(
        model=text(answer.get("model")),
        finish_reason=text(answer.get("status")),
        usage=read_usage(answer.get("usage")),
    )


def assemble(raw: bytes) -> AssembledStream:
    """The response object: its last event holds it whole.

    A cut stream has the object as it began plus the output items that were done.
    """
    answer: Json | None = None
    failure: Json | None = None
    output: list[Json] = []
    done = False
    for event, data in objects(raw):
        if data is None:
            continue
        kind = text(data.get("type")) or event.type
        if isinstance(data.get("response"), dict):
            answer = data["response"]
        if kind == "response.output_item.done" and isinstance(data.get("item"), dict):
            output.append(data["item"])
        if kind in _LAST:
            done = True
        failure = failure or error_of(event, data)
    if answer is not None and not done and output:
        answer = {**answer, "output": output}
    if answer is not None and mapping(answer.get("error")):
        failure = failure or {"error": answer["error"]}
    return AssembledStream(answer=answer, complete=done, error=failure)

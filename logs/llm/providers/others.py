"""Rerank, moderation, and whatever else passes a gateway: read by the names it uses."""

from __future__ import annotations

from logs.llm.providers import anthropic, media, openai, responses
from logs.llm.providers.base import (
    Answer,
    AssembledStream,
    Json,
    Usage,
    error_of,
    input_only,
    is_standard,
    items,
    mapping,
    objects,
    read_usage,
    text,
)
from portkey_logs.lib.text import count

# How the first event that tells says whose stream it is: by its kind, or what stands before the first dot.
_BY_KIND = {
    "chat.completion.chunk": openai.assemble_chat,
    "text_completion": openai.assemble_completion,
    "message_start": anthropic.assemble,
    "response": responses.assemble,  # of whatever event: a stream may be taken up again in its middle
    "image_generation": media.assemble_image,
    "image_edit": media.assemble_image,
    "speech": media.assemble_speech,
    "transcript": media.assemble_transcript,
}


def read_rerank(answer: Json) -> Answer:
    """Rerank and moderation: no text is made.

    Jina and Voyage give ``usage.total_tokens``, Cohere ``meta.tokens``; its billed search units are no tokens.
    """
    usage = read_usage(answer.get("usage") or mapping(answer.get("meta")).get("tokens"))
    return Answer(model=text(answer.get("model")), usage=input_only(usage))


def read_any(answer: Json) -> Answer:
    """Stored prompts, native APIs of other providers, …: whatever carries names that are known."""
    if items(answer.get("choices")):
        return openai.read_choices(answer)
    if answer.get("object") == "response":
        return responses.read(answer)
    if answer.get("type") == "message" and "content" in answer:
        return anthropic.read(answer)
    if candidates := items(answer.get("candidates")):
        return Answer(
            model=text(answer.get("modelVersion")),
            finish_reason=text(candidates[0].get("finishReason")),
            usage=_google_usage(mapping(answer.get("usageMetadata"))),
        )
    usage = mapping(answer.get("usage"))
    if "inputTokens" in usage:
        return Answer(finish_reason=text(answer.get("stopReason")), usage=_bedrock_usage(usage))
    if isinstance(usage.get("tokens"), dict):  # Cohere's chat
        return Answer(finish_reason=text(answer.get("finish_reason")), usage=read_usage(usage["tokens"]))
    return Answer(model=text(answer.get("model")), usage=read_usage(usage), at_list_price=is_standard(answer))


def assemble_any(raw: bytes) -> AssembledStream:
    """A stream of an endpoint not known to stream: its first events tell whose it is.

    A vocabulary nobody knows has no known end mark: ``complete`` is then None, and
    ``answer`` is the last object with a usage or, failing that, the last object.
    """
    last: Json | None = None
    done = False
    for event, data in objects(raw):
        if data is None:
            done = done or event.data.strip() == openai.END_MARK
            continue
        kind = text(data.get("object")) or text(data.get("type")) or event.type
        if assembler := _BY_KIND.get(kind) or _BY_KIND.get(kind.partition(".")[0]):
            return assembler(raw)
        if failure := error_of(event, data):
            return AssembledStream(answer=last, complete=done, error=failure)
        done = done or kind.endswith((".completed", ".done"))
        if last is None or data.get("usage") or not last.get("usage"):
            last = data
    return AssembledStream(answer=last, complete=done or None)


def _google_usage(usage: Json) -> Usage:
    """Gemini's ``usageMetadata``: thoughts are counted apart from the answer, tool results from the prompt."""

    def sum_of(*names: str) -> int | None:
        known = [number for name in names if (number := count(usage.get(name))) is not None]
        return count(sum(known)) if known else None

    audio = [d for d in items(usage.get("promptTokensDetails")) if d.get("modality") == "AUDIO"]
    return Usage(
        input=sum_of("promptTokenCount", "toolUsePromptTokenCount"),
        output=sum_of("candidatesTokenCount", "thoughtsTokenCount"),
        total=count(usage.get("totalTokenCount")),
        cached=count(usage.get("cachedContentTokenCount")),
        reasoning=count(usage.get("thoughtsTokenCount")),
        input_audio=count(audio[0].get("tokenCount")) if audio else None,
    )


def _bedrock_usage(usage: Json) -> Usage:
    """Converse: as with Anthropic, cache reads and writes are counted apart from the input."""
    return read_usage(
        {
            "input_tokens": usage.get("inputTokens"),
            "output_tokens": usage.get("outputTokens"),
            "cache_read_input_tokens": usage.get("cacheReadInputTokens"),
            "cache_creation_input_tokens": usage.get("cacheWriteInputTokens"),
        }
    )

"""Moderations and reranking: lists with scores."""

from __future__ import annotations

from typing import Any

from logs.viewer.conversation import parts
from logs.viewer.conversation.content import blocks
from logs.viewer.conversation.parts import Conversation, Message, Part, Score, mapping, number, sequence, string

Json = dict[str, Any]

_DOCUMENT_CHARACTERS = 300


def moderation_request(body: Json) -> Conversation:
    given = body.get("input")
    if isinstance(given, list) and any(isinstance(item, dict) for item in given):
        messages = [Message("input", parts=blocks(given, "/input"))]
    else:
        inputs = parts.each(given)[: parts.MAX_ITEMS]
        messages = [Message("input", parts=[parts.text_or_json(each)]) for each in inputs]
    return Conversation(params=parts.params(body, "input"), messages=messages)


def moderation_answer(body: Json) -> Conversation | None:
    """For each input whether it was flagged, and its categories: the flagged first, then by their score."""
    results = [each for each in sequence(body.get("results")) if isinstance(each, dict)]
    if not results:
        return None
    flagged = sum(each.get("flagged") is True for each in results)
    talk = Conversation(note=f"{flagged:,} of {len(results):,} flagged" if len(results) > 1 else "")
    for index, each in enumerate(results[: parts.MAX_ITEMS]):
        name = f"input {index}" if len(results) > 1 else ""
        talk.messages.append(
            Message("flagged" if each.get("flagged") is True else "not flagged", name, parts=_categories(each))
        )
    return talk


def _categories(result: Json) -> list[Part]:
    values, verdicts = mapping(result.get("category_scores")), mapping(result.get("categories"))
    names = [*verdicts, *(name for name in values if name not in verdicts)][: parts.MAX_ITEMS]
    applied = mapping(result.get("category_applied_input_types"))
    scores = [
        Score(
            string(name),
            number(values.get(name)),
            _in_words(sequence(applied.get(name))),
            is_flagged=verdicts.get(name) is True,
        )
        for name in names
    ]
    scores.sort(key=lambda score: (not score.is_flagged, -(score.value or 0)))
    hit, other = [score for score in scores if score.is_flagged], [score for score in scores if not score.is_flagged]
    found = [Part("scores", scores=hit)] if hit else []
    if other:
        found.append(Part("scores", scores=other, caption=f"{len(other)} categories that were not flagged"))
    return found or [parts.json_part(result)]


def _in_words(kinds: list[Any]) -> str:
    """Where a category was looked for: ``in the text and image``."""
    return f"in the {' and '.join(map(string, kinds))}" if kinds else ""


def rerank_request(body: Json) -> Conversation:
    documents = parts.each(body.get("documents"))
    talk = Conversation(params=parts.params(body, "query", "documents"))
    if "query" in body:
        talk.messages.append(Message("query", parts=[parts.text_or_json(body["query"])]))
    for index, each in enumerate(documents[: parts.MAX_ITEMS]):
        text = document_text(each)
        talk.messages.append(
            Message("document", str(index), parts=[parts.text_part(text) if text else parts.json_part(each)])
        )
    if len(documents) > parts.MAX_ITEMS:
        talk.messages.append(parts.hidden_note(len(documents) - parts.MAX_ITEMS, "documents"))
    return talk


def rerank_answer(body: Json, asked: Any) -> Conversation | None:
    """The documents of the request in the order and with the scores of the answer; None without a list of them."""
    found = sequence(body.get("results")) or sequence(body.get("data"))
    results = [each for each in found if isinstance(each, dict) and "relevance_score" in each]
    if not results:
        return None
    documents = parts.each(mapping(asked).get("documents"))
    scores = [_ranked(each, documents) for each in results[: parts.MAX_ITEMS]]
    note = f"{len(results):,} of {len(documents):,} documents" if documents else f"{len(results):,} documents"
    return Conversation(note=note, messages=[Message("ranking", parts=[Part("scores", scores=scores)])])


def _ranked(result: Json, documents: list[Any]) -> Score:
    index = result.get("index")
    text = document_text(result.get("document"))
    if not text and isinstance(index, int) and 0 <= index < len(documents):
        text = document_text(documents[index])
    if len(text) > _DOCUMENT_CHARACTERS:
        text = text[:_DOCUMENT_CHARACTERS] + "…"
    return Score(f"document {string(index)}", number(result.get("relevance_score")), text)


def document_text(document: Any) -> str:
    """A document is a text, or an object with one."""
    if isinstance(document, str):
        return document
    text = mapping(document).get("text")
    return text if isinstance(text, str) else ""

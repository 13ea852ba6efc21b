"""What a body is that is not drawn: one sentence above its JSON."""

from __future__ import annotations

from typing import Any

_ENDPOINTS = (
    ("files", "file that was uploaded to the provider", "files at the provider"),
    ("batches", "batch: many requests that the provider works off later", "batches at the provider"),
    ("models", "model that the provider offers", "models that the provider offers"),
    ("fine_tuning", "fine-tuning job", "fine-tuning jobs"),
    ("vector_stores", "vector store at the provider", "vector stores at the provider"),
    ("threads", "thread of the Assistants API", "threads of the Assistants API"),
    ("assistants", "assistant", "assistants"),
    ("prompts", "stored prompt", "stored prompts"),
    ("configs", "gateway config", "gateway configs"),
    ("feedback", "rating of a log", "ratings of logs"),
    ("count_tokens", "count of tokens", "counts of tokens"),
)


def about(path: str, body: Any) -> str:
    """One sentence on the answer of an endpoint that is no call of a model; "" where nothing is known of it."""
    steps = path.lower().split("/")
    known = next(((one, many) for name, one, many in _ENDPOINTS if name in steps), None)
    if known is None or not isinstance(body, dict):
        return ""
    one, many = known
    data = body.get("data")
    if isinstance(data, list):
        return f"A list of {len(data):,} {many if len(data) != 1 else one}."
    if body.get("deleted") is True:
        return f"The {one} was deleted."
    return f"{'An' if one[0] in 'aeiou' else 'A'} {one}."

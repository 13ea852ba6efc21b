"""The variables that filled in the prompt which a log's request was rendered from."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from logs import stored
from logs.ingest.origin import as_text
from logs.ingest.text import clean
from logs.models import Log

SHOWN_CHARACTERS = 500  # of a value in the panel; whole documents may have been filled in


class Variable(NamedTuple):
    """A value as text, cut to what is shown of it; ``rest`` counts the characters that are not."""

    name: str
    text: str
    rest: int


def read(log: Log) -> dict[str, Any] | None:
    """The values as the caller gave them; None where the request was not rendered from a prompt, or none are kept."""
    octets = stored.fetch_variables(log.workspace_id, log.id) if log.prompt else None
    found: dict[str, Any] | None = json.loads(octets) if octets else None
    return found


def shown(log: Log) -> list[Variable]:
    """What a page shows of them, in the caller's order."""
    return [_shown(name, in_words(value)) for name, value in (read(log) or {}).items()]


def in_words(value: Any) -> str:
    """A value as a page may hold it: a text as it is, anything else as JSON."""
    text = as_text(value)
    return clean(text, len(text))


def _shown(name: str, text: str) -> Variable:
    return Variable(clean(name, len(name)), text[:SHOWN_CHARACTERS], max(0, len(text) - SHOWN_CHARACTERS))

"""The variables that filled in the prompt which a log's request was rendered from."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any, NamedTuple

from logs.llm.request_context import as_text
from logs.models import Log
from logs.storage import body_storage
from portkey_logs.lib.text import clean

SHOWN_CHARACTERS = 500  # of a value in the panel; whole documents may have been filled in
MAX_SHOWN = 100  # variables in the panel; prompts that people write have some ten
MAX_SHOWN_NAME = 128  # characters


class Variable(NamedTuple):
    """A value as text, cut to what is shown of it; ``rest`` counts the characters that are not."""

    name: str
    text: str
    rest: int


def read(log: Log) -> dict[str, Any] | None:
    """The values as the caller gave them; None where the request was not rendered from a prompt, or none are kept."""
    octets = body_storage.fetch_variables(log.workspace_id, log.id) if log.prompt else None
    found: dict[str, Any] | None = json.loads(octets) if octets else None
    return found


def shown(log: Log) -> list[Variable]:
    """What a page shows of them, in the caller's order; a last line says how many more there are."""
    values = read(log) or {}
    found = [_shown(name, in_words(value)) for name, value in islice(values.items(), MAX_SHOWN)]
    more = len(values) - len(found)
    return [*found, Variable(f"{more:,} more", "", 0)] if more else found


def in_words(value: Any) -> str:
    """A value as a page may hold it: a text as it is, anything else as JSON."""
    text = as_text(value)
    return clean(text, len(text))


def _shown(name: str, text: str) -> Variable:
    return Variable(clean(name, MAX_SHOWN_NAME), text[:SHOWN_CHARACTERS], max(0, len(text) - SHOWN_CHARACTERS))

"""Options of a config and its targets by their names. Knows no Django."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_UNDERSCORE = re.compile(r"_(\w)", re.ASCII)


@lru_cache(maxsize=1024)  # names are few, and short by the size of a header
def camel(name: str) -> str:
    """An option's name as the gateway itself has it: whatever it takes for the same option is the same here."""
    return _UNDERSCORE.sub(lambda match: match[1].upper(), name)


# What a target may set beside a secret that is kept here: it neither says where the call goes nor with which key.
_NAMES = (
    "name id weight strategy targets cache retry on_status_codes request_timeout override_params default_params"
    " drop_params forward_headers strict_open_ai_compliance before_request_hooks after_request_hooks input_guardrails"
    " output_guardrails default_input_guardrails default_output_guardrails input_mutators output_mutators"
    " virtual_key provider prompt_id"
)
BESIDE_A_SECRET = frozenset(map(camel, _NAMES.split()))
# Options of a node whose values go into request bodies: a URL there is content, a regular expression is not run.
_OF_BODIES = frozenset({"overrideParams", "defaultParams", "metadata"})


def without_bodies(node: Any) -> Any:
    """Return a config without what its nodes put into request bodies.

    The names mean this in a node alone: a guardrail or a condition may have one of them, too.
    """
    if not isinstance(node, dict):
        return node
    kept = {name: value for name, value in node.items() if camel(name) not in _OF_BODIES}
    if isinstance(targets := kept.get("targets"), list):
        kept["targets"] = [without_bodies(target) for target in targets]
    return kept

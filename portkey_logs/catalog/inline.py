"""Secrets inside a config: taken out before it is stored, put back before it is used. Knows no Django.

People write ``"api_key": "sk-…"`` into configs. What is stored and shown has the mask in its place; the secrets
themselves go into the vault under their paths. Who edits a config sends the masks back and means what is behind them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from portkey_logs import redaction

Path = tuple[str | int, ...]
Secrets = list[tuple[Path, Any]]


class MaskSent(ValueError):
    """A mask stands where nothing is known behind it; ``path`` says where."""

    def __init__(self, path: Path) -> None:
        super().__init__("holds a masked value; give the secret itself")
        self.path = show(path)


def take_out(config: Any) -> tuple[Any, Secrets]:
    """The config with masks for its secrets, and the secrets."""
    masked = redaction.mask_json(config)
    return masked, list(_differences(config, masked, ()))


def read_secrets(text: str) -> Secrets:
    """Secrets as they come out of JSON."""
    return [(tuple(path), value) for path, value in json.loads(text)]


def put_back(masked: Any, secrets: Secrets) -> Any:
    """The config as it was before ``take_out``."""
    config = copy.deepcopy(masked)
    for path, value in secrets:
        if not path:  # the config as a whole, where one of its own keys looks like a secret
            return copy.deepcopy(value)
        node = config
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = value
    return config


def resolve_masks(config: Any, masked: Any, secrets: Secrets) -> Any:
    """``config`` with the secrets of an earlier version where it has their masks. Raises MaskSent.

    A mask at its own place is that secret; one that was moved is the only secret that looks like it.
    """
    known = [(path, _at(masked, path), value) for path, value in secrets]
    found: Secrets = []
    for path, text in _masks(config, ()):
        candidates = [value for place, mask, value in known if mask == text and place == path] or [
            value for _, mask, value in known if mask == text
        ]
        if not candidates or any(value != candidates[0] for value in candidates):
            raise MaskSent(path)
        found.append((path, candidates[0]))
    return put_back(config, found)


def show(path: Path) -> str:
    """A path as people read it: ``targets[1].api_key``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _differences(value: Any, masked: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and isinstance(masked, dict) and value.keys() == masked.keys():
        for name, item in value.items():
            yield from _differences(item, masked[name], (*path, name))
    elif isinstance(value, list) and isinstance(masked, list):
        for index, (item, shown) in enumerate(zip(value, masked, strict=True)):
            yield from _differences(item, shown, (*path, index))
    elif value != masked:
        yield path, value


def _masks(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str) and redaction.STARS in value:
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _masks(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _masks(item, (*path, index))


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value

"""Secrets inside a config: taken out before it is stored, put back before it is used. Knows no Django.

People write ``"api_key": "sk-…"`` into configs. What is stored and shown has the mask in its place; the secrets
themselves go into the vault under their paths. Who edits a config sends the masks back and means what is behind them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from portkey_logs.catalog import options
from portkey_logs.catalog.sealed import destinations, option
from portkey_logs.lib import redaction

Path = tuple[str | int, ...]
Json = dict[str, Any]
Secrets = list[tuple[Path, Any]]


class MaskSent(ValueError):
    """A mask stands where nothing is known behind it; ``path`` says where."""

    def __init__(self, path: Path) -> None:
        super().__init__("holds a masked value that is not known here or would go elsewhere; give the secret itself")
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

    A mask at its own path is that secret; one that was moved to another target is the only secret that looks like
    it. Either only goes where it went before: who may edit a config is not thereby shown its secrets. So a host, or
    any other option that could send a secret elsewhere, is new nowhere in the config.
    """
    known = [(path, _at(masked, path), value, _use(masked, path)) for path, value in secrets]
    leads_elsewhere = bool(_decisive_options(config) - _decisive_options(masked))
    found: Secrets = []
    for path, text in _masks(config, ()):
        alike = [
            (old_path, value)
            for old_path, mask, value, use in known
            if mask == text
            and not leads_elsewhere
            and use == _use(config, path)
            and destinations_at(config, path) <= destinations_at(masked, old_path)
        ]
        candidates = [value for old_path, value in alike if old_path == path] or [value for _, value in alike]
        if not candidates or any(value != candidates[0] for value in candidates):
            raise MaskSent(path)
        found.append((path, candidates[0]))
    return put_back(config, found)


def _use(config: Any, path: Path) -> tuple[list[str], Json]:
    """What a secret at the path is used as, and all that says where it is sent to."""
    around: Json = {}
    for at, step in enumerate(path):
        node = _at(config, path[:at])
        if isinstance(node, dict):
            around |= {
                options.camel(name): value
                for name, value in node.items()
                if name != step and not redaction.is_secret_name(name) and (name == "provider" or _is_decisive(name))
            }
    return [step for step in path if isinstance(step, str) and step != "targets"], around


def _is_decisive(name: str) -> bool:
    return options.camel(name) not in options.BESIDE_A_SECRET


def _decisive_options(node: Any) -> set[str]:
    """Every option of a config and its targets that could send a secret elsewhere, with its value, as JSON."""
    if not isinstance(node, dict):
        return set()
    decisive = {
        json.dumps([options.camel(name), value], sort_keys=True)
        for name, value in node.items()
        if _is_decisive(name) and not redaction.is_secret_name(name)
    }
    targets = node.get("targets")
    return decisive.union(*map(_decisive_options, targets if isinstance(targets, list) else ()))


def is_target(path: Path) -> bool:
    """Whether a path names the config or a whole target, not something in it."""
    return not path or (len(path) > 1 and path[-2] == "targets" and isinstance(path[-1], int))


def destinations_at(config: Any, path: Path) -> frozenset[str]:
    """Return the destinations of the target that a secret belongs to: see ``sealed.destinations``."""
    node, host, provider = config, None, None
    for step, index in zip(path[::2], path[1::2], strict=False):
        if step != "targets" or not isinstance(index, int):
            break
        host, provider = option(node, "customHost") or host, option(node, "provider") or provider
        node = node["targets"][index]
    return destinations(node, host, provider) if isinstance(node, dict) else frozenset()


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

"""A config as a picture: its targets as a tree, each option with what it says of itself. Pure; knows no Django.

Paths are those that the gateway answers with (``config.targets[1].targets[0]``), so that a log's option finds its
place in the tree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 16  # of targets in targets; more is no routing but an attack on whoever draws it

MODE_WORDS = {
    "single": "Single target",
    "fallback": "Fallback",
    "loadbalance": "Load balance",
    "conditional": "Conditional routing",
}
_DEFAULT_RETRY_CODES = "429, 500, 502, 503, 504"  # the gateway's own, where a config names none
_GUARDRAILS = ("input_guardrails", "output_guardrails", "before_request_hooks", "after_request_hooks")


@dataclass(frozen=True)
class Trait:
    """One setting of an option: an icon's name, and its words."""

    icon: str
    words: str


@dataclass(frozen=True)
class Option:
    """A node of the tree. ``index`` is its place among its siblings; None at the root."""

    path: str
    index: int | None
    name: str
    mode: str  # "" where the node has no targets
    rule: str  # when this option is taken, in words
    share: float | None  # of a load balance, 0 to 1
    traits: list[Trait] = field(default_factory=list)
    children: list[Option] = field(default_factory=list)

    @property
    def mode_words(self) -> str:
        return MODE_WORDS.get(self.mode, self.mode)

    def walk(self) -> Iterator[Option]:
        """This option and all below it, in reading order."""
        yield self
        for child in self.children:
            yield from child.walk()


def tree(config: dict[str, Any]) -> Option:
    """The picture of a config. Whatever is not of the schema is left out, never an error."""
    return _option(config, "config", None, "", None, MAX_DEPTH)


def summary(config: dict[str, Any]) -> str:
    """One line: ``Fallback over openai-prod, anthropic``, or what the only target is and sets."""
    root = tree(config)
    if not root.children:
        return ", ".join(filter(None, [root.name, *(trait.words for trait in root.traits)])) or "No target"
    names = [child.name or f"option {child.index}" for child in root.children]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{root.mode_words} over {shown}"


def _option(node: dict[str, Any], path: str, index: int | None, rule: str, share: float | None, depth: int) -> Option:
    targets = [target for target in _list(node, "targets") if isinstance(target, dict)] if depth else []
    strategy = _dict(node, "strategy")
    mode = str(strategy.get("mode") or "single").lower() if targets else ""
    total = sum(_weight(target) for target in targets)
    children = [
        _option(
            target,
            f"{path}.targets[{at}]",
            at,
            _rule(mode, strategy, target, at),
            _weight(target) / total if mode == "loadbalance" and total else None,
            depth - 1,
        )
        for at, target in enumerate(targets)
    ]
    return Option(path, index, _name(node), mode, rule, share, list(_traits(node)), children)


def _name(node: dict[str, Any]) -> str:
    for key in ("name", "virtual_key", "prompt_id", "provider"):
        value = _get(node, key)
        if isinstance(value, str) and value:
            return value
    return ""


def _rule(mode: str, strategy: dict[str, Any], target: dict[str, Any], at: int) -> str:
    if mode == "fallback" and at == 0:
        return "first"
    if mode == "fallback":
        codes = _codes(strategy)
        return f"after {codes}" if codes else "after any failure"
    if mode == "conditional":
        name = target.get("name")
        conditions = [each for each in _list(strategy, "conditions") if isinstance(each, dict)]
        queries = [_compact(each.get("query")) for each in conditions if name and each.get("then") == name]
        if name and strategy.get("default") == name:
            queries.append("else")
        return " or ".join(queries) or "never"
    return ""


def _traits(node: dict[str, Any]) -> Iterator[Trait]:
    shown = _name(node)
    for key, icon, label in (
        ("provider", "cloud", "provider"),
        ("virtual_key", "key-round", "virtual key"),
        ("prompt_id", "text-quote", "prompt"),
        ("custom_host", "globe", "host"),
    ):
        value = _get(node, key)
        if isinstance(value, str) and value and value != shown:
            yield Trait(icon, f"{label} {value}")
    model = _dict(node, "override_params").get("model")
    if isinstance(model, str):
        yield Trait("box", f"model {model}")
    others = sorted(set(_dict(node, "override_params")) - {"model"})
    if others:
        yield Trait("sliders-horizontal", f"sets {', '.join(others)}")
    retry = _dict(node, "retry")
    if retry.get("attempts"):
        yield Trait("rotate-cw", f"up to {retry['attempts']} retries on {_codes(retry) or _DEFAULT_RETRY_CODES}")
    cache = node.get("cache")
    cache_mode = cache.get("mode") if isinstance(cache, dict) else cache
    if isinstance(cache_mode, str) and cache_mode:
        age = cache.get("max_age") if isinstance(cache, dict) else None
        yield Trait("zap", f"{cache_mode} cache" + (f", max_age {age}" if age is not None else ""))
    timeout = _get(node, "request_timeout")
    if isinstance(timeout, (int, float)) and timeout:
        yield Trait("timer", f"timeout {timeout:,} ms")
    guardrails = sum(len(_list(node, name)) for name in _GUARDRAILS)
    if guardrails:
        yield Trait("shield", f"{guardrails} guardrail{'' if guardrails == 1 else 's'}")


def _weight(target: dict[str, Any]) -> float:
    """The gateway takes a missing weight as 1."""
    weight = target.get("weight", 1)
    return float(weight) if isinstance(weight, (int, float)) and not isinstance(weight, bool) and weight > 0 else 0.0


def _codes(node: dict[str, Any]) -> str:
    codes = node.get("on_status_codes") or node.get("onStatusCodes")
    return ", ".join(str(code) for code in codes) if isinstance(codes, list) else ""


def _get(node: dict[str, Any], key: str) -> Any:
    """The gateway reads camelCase as well."""
    first, *rest = key.split("_")
    return node.get(key) or node.get(first + "".join(word.title() for word in rest))


def _dict(node: dict[str, Any], key: str) -> dict[str, Any]:
    value = _get(node, key)
    return value if isinstance(value, dict) else {}


def _list(node: dict[str, Any], key: str) -> list[Any]:
    value = _get(node, key)
    return value if isinstance(value, list) else []


def _compact(query: object) -> str:
    return json.dumps(query, ensure_ascii=False, separators=(", ", ": "))

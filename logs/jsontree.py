"""A JSON text as a tree to unfold. What was written is what is shown: the order and repetition of keys and the
spelling of numbers (``1e400``, ``1.0``) survive, which a round trip through dict and float would lose.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["object", "array", "string", "number", "boolean", "null"]

# A page of 2,000 nodes is some 300 KB of HTML: drawn at once. What lies beyond is fetched when it is opened.
NODE_BUDGET = 2_000
PREVIEW_CHARACTERS = 80
STRING_CHARACTERS = 20_000  # a longer string is cut in the tree, and whole in Raw


_SURROGATES = re.compile("[\ud800-\udfff]")


class Members(list[tuple[str, Any]]):
    """An object's members as they stand, repeated keys included."""


class Number(str):
    """A number as it is spelled."""


@dataclass
class Node:
    key: str
    kind: Kind
    path: str  # JSON Pointer (RFC 6901), members of objects by position: repeated keys stay apart
    value: str = ""
    preview: str = ""
    count: int = 0
    cut: int = 0  # characters of a long string that are not shown
    open: bool = False
    is_deferred: bool = False  # its children were not drawn: fetch the node by its path
    children: list[Node] = field(default_factory=list)


class NotJson(ValueError):
    """The bytes are no JSON text, or too deep to read."""


def parse(body: bytes) -> Any:
    """The value with :class:`Members` for objects and :class:`Number` for numbers. Raises NotJson."""
    try:
        return json.loads(
            body.decode("utf-8", "surrogatepass"),
            object_pairs_hook=Members,
            parse_int=Number,
            parse_float=Number,
            parse_constant=Number,
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def build(value: Any, *, path: str = "") -> Node:
    """The tree below ``value``, drawn breadth first up to the budget; the root and its members stand open."""
    target = _at(value, path)
    root = _node(path.rpartition("/")[2] if path else "", target, path)
    queue = deque([(root, target)])
    left = NODE_BUDGET
    root.open = True
    while queue:
        node, container = queue.popleft()
        members = list(_members(container))
        if len(members) > left and node is not root:
            node.is_deferred = True
            continue
        left -= len(members)
        for index, (key, child) in enumerate(members):
            below = _node(_escaped(key), child, f"{node.path}/{index}")
            node.children.append(below)
            if below.kind in ("object", "array"):
                queue.append((below, child))
    _open_small(root)
    return root


def _at(value: Any, path: str) -> Any:
    """The value at a path of positions; raises LookupError."""
    for step in path.split("/")[1:]:
        if not step.isdecimal():
            raise LookupError(path)
        value = list(_members(value))[int(step)][1]
    return value


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Members):
        yield from value
    elif isinstance(value, list):
        yield from ((str(index), item) for index, item in enumerate(value))


def _node(key: str, value: Any, path: str) -> Node:
    if isinstance(value, Members):
        return Node(key, "object", path, count=len(value), preview=_preview(value))
    if isinstance(value, list):
        return Node(key, "array", path, count=len(value), preview=_preview(value))
    if isinstance(value, Number):
        return Node(key, "number", path, value=str(value))
    if isinstance(value, str):
        cut = max(len(value) - STRING_CHARACTERS, 0)
        return Node(key, "string", path, value=_quoted(value[:STRING_CHARACTERS]), cut=cut)
    if isinstance(value, bool):
        return Node(key, "boolean", path, value="true" if value else "false")
    return Node(key, "null", path, value="null")


def _preview(value: Any) -> str:
    """The first members in one short line, for a folded node."""
    shown: list[str] = []
    for key, child in _members(value):
        text = _brief(child)
        shown.append(f"{_escaped(key)}: {text}" if isinstance(value, Members) else text)
        if sum(map(len, shown)) > PREVIEW_CHARACTERS:
            break
    text = ", ".join(shown)
    return text[:PREVIEW_CHARACTERS] + "…" if len(text) > PREVIEW_CHARACTERS else text


def _brief(value: Any) -> str:
    if isinstance(value, Members):
        return "{…}" if value else "{}"
    if isinstance(value, list):
        return "[…]" if value else "[]"
    if isinstance(value, Number):
        return str(value)[:40]
    return _quoted(value[:40]) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """A string as JSON writes it; lone surrogates, which no page can carry, stay escaped."""
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    return _SURROGATES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _open_small(node: Node, depth: int = 0) -> None:
    """What fits a glance stands open: two levels, and below them short lists."""
    for child in node.children:
        child.open = not child.is_deferred and (depth < 2 or child.count <= 4) and child.count <= 50
        _open_small(child, depth + 1)

"""Prompt templates: the mustache that Portkey's prompts are written in, rendered without running anything.

``{{name}}`` and ``{{{name}}}`` insert a variable, ``{{#name}}…{{/name}}`` is kept where it is set and repeated for each
item of a list, ``{{^name}}…{{/name}}`` is kept where it is not, ``{{! …}}`` goes. A missing variable is empty text.
Nothing is escaped for HTML: the text goes to a model. Partials and other delimiters are refused. Knows no Django.

Mustache libraries escape HTML, load partials from files, and bound nothing. Here templates come from strangers and are
rendered between a call and its answer, so that depth, steps and size are bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

MAX_DEPTH = 20  # sections in sections; people write two or three
MAX_STEPS = 50_000  # nodes and turns of loops of a prompt, some 20 ms: loops in loops over long lists end here
MAX_LENGTH = 4_000_000  # characters of the result; the longest context windows hold about that

_TAG = re.compile(r"\{\{\{([^{}]*)\}\}\}|\{\{([^{}]*)\}\}")
_NAME = re.compile(r"\.|[^\s.{}#^/!>&=]+(?:\.[^\s.{}#^/!>&=]+)*")
_REST_OF_LINE = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_REFUSED = {">": "partials are not supported", "=": "delimiters cannot be changed"}


class TemplateError(ValueError):
    """The template cannot be read or rendered; the message is for its author."""


class Text(NamedTuple):
    text: str


class Variable(NamedTuple):
    name: str
    raw: bool  # {{{name}}}


class Section(NamedTuple):
    name: str
    inverted: bool
    nodes: tuple[Node, ...]


type Node = Text | Variable | Section


@lru_cache(maxsize=512)  # a workspace has dozens of prompts, each of a few messages
def parse(template: str) -> tuple[Node, ...]:
    """The template's nodes. Raises TemplateError, naming the tag and its line."""
    opened: list[tuple[str, bool, list[Node]]] = [("", False, [])]
    position = 0
    for match in _TAG.finditer(template):
        kind, name = _read(match)
        start, end = _span(template, match, position) if kind in ("#", "^", "/", "!") else match.span()
        if start > position:
            opened[-1][2].append(Text(template[position:start]))
        position = end
        if kind == "!":
            continue
        if kind in _REFUSED or not _NAME.fullmatch(name):
            raise _wrong(template, match, _REFUSED.get(kind, "this is not the name of a variable"))
        if kind == "/":
            if len(opened) == 1 or opened[-1][0] != name:
                raise _wrong(template, match, "this closes what was not opened")
            section, inverted, nodes = opened.pop()
            opened[-1][2].append(Section(section, inverted, tuple(nodes)))
        elif kind in ("#", "^"):
            if len(opened) > MAX_DEPTH:
                raise _wrong(template, match, f"more than {MAX_DEPTH} sections inside each other")
            opened.append((name, kind == "^", []))
        else:
            opened[-1][2].append(Variable(name, raw=kind in ("{", "&")))
    if len(opened) > 1:
        raise TemplateError(f"the section {opened[-1][0][:60]!r} is never closed")
    if position < len(template):
        opened[-1][2].append(Text(template[position:]))
    return tuple(opened[0][2])


def render(template: str, variables: Mapping[str, Any], *, in_json: bool = False) -> str:
    """The template with its variables filled in.

    Lists and objects are inserted as JSON. ``in_json``: the template is the source of a JSON value, so that what
    ``{{name}}`` inserts is escaped to stay inside its string; ``{{{name}}}`` inserts any JSON. Raises TemplateError.
    """
    return Rendering(variables).text(template, in_json=in_json)


def names(template: str) -> list[str]:
    """The variables that a caller may give, in the order of their first mention. Raises TemplateError."""
    return list(dict.fromkeys(_names(parse(template))))


def _names(nodes: tuple[Node, ...]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Text):
            continue
        if node.name != ".":
            yield node.name.partition(".")[0]
        if isinstance(node, Section):
            yield from _names(node.nodes)


class Rendering:
    """Renders the texts of one prompt, with what they have used up together of its bounds."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._in_json = False
        self._parts: list[str] = []
        self._length = self._steps = 0

    def text(self, template: str, *, in_json: bool = False) -> str:
        """As ``render``."""
        self._parts, self._in_json = [], in_json
        self._render(parse(template), [self._variables])
        return "".join(self._parts)

    def _render(self, nodes: tuple[Node, ...], scopes: list[Any]) -> None:
        self._step()  # of a loop over nothing too
        for node in nodes:
            self._step()
            if isinstance(node, Text):
                self._add(node.text)
            elif isinstance(node, Variable):
                text = _text(_look_up(node.name, scopes))
                self._add(json.dumps(text)[1:-1] if self._in_json and not node.raw else text)
            else:
                self._section(node, scopes)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TemplateError("The prompt takes too many steps: its lists are too long")

    def _section(self, node: Section, scopes: list[Any]) -> None:
        value = _look_up(node.name, scopes)
        is_set = isinstance(value, Mapping) or bool(value)  # as in JavaScript, where an empty object counts
        if node.inverted:
            if not is_set:
                self._render(node.nodes, scopes)
        elif is_set:
            for item in value if isinstance(value, list) else [value]:
                self._render(node.nodes, [*scopes, item])

    def _add(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_LENGTH:
            raise TemplateError(f"The prompt is longer than {MAX_LENGTH:,} characters")
        self._parts.append(text)


def _look_up(name: str, scopes: list[Any]) -> Any:
    """The value in the innermost scope that has it; None where none has."""
    if name == ".":
        return scopes[-1]
    first, *rest = name.split(".")
    value: Any = None
    for scope in reversed(scopes):
        if isinstance(scope, Mapping) and first in scope:
            value = scope[first]
            break
    for part in rest:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(match: re.Match[str]) -> tuple[str, str]:
    """What kind of tag it is, "" for a plain variable, and the name in it."""
    if match[1] is not None:
        return "{", match[1].strip()
    inside = match[2].strip()
    return (inside[0], inside[1:].strip()) if inside[:1] in tuple("#^/!>&=") else ("", inside)


def _span(template: str, match: re.Match[str], position: int) -> tuple[int, int]:
    """Where a tag is; with its whole line if it stands alone on it, as mustache's specification says."""
    start, end = match.span()
    line = template.rfind("\n", position, start) + 1 or position
    starts_line = line == 0 or template[line - 1] == "\n"
    rest = _REST_OF_LINE.match(template, end)
    if starts_line and rest and not template[line:start].strip(" \t"):
        return line, rest.end()
    return start, end


def _wrong(template: str, match: re.Match[str], what: str) -> TemplateError:
    line = template.count("\n", 0, match.start()) + 1
    return TemplateError(f"line {line}: {match[0][:60]}: {what}")

"""The language of filters: what the value of a text filter means. Pure; docs/filters.md has it for people.

value = [ "!" ] item *( "," item )      "!" turns the whole value around
item  = ( bare / quoted ) [ "*" ]       with "*": whatever begins so
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_ITEMS = 100  # of one list: an address holds them, and a statement stays quick to plan
MOST_CHARACTERS = 300  # of one item

_PLAIN = re.compile(r'[^\s"!,*<>=][^\s",*]*')  # needs no quotation marks


class QueryError(ValueError):
    """What is written cannot be understood. ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True)
class Item:
    """One value, or with ``is_prefix`` all values that begin with it; an empty prefix means any value at all."""

    text: str
    is_prefix: bool = False

    def __str__(self) -> str:
        is_plain = _PLAIN.fullmatch(self.text) or (self.is_prefix and not self.text)
        return (self.text if is_plain else _quoted(self.text)) + "*" * self.is_prefix


@dataclass(frozen=True)
class Values:
    """Any of ``items``; ``is_negated``: none of them."""

    items: tuple[Item, ...]
    is_negated: bool = False

    def __str__(self) -> str:
        return "!" * self.is_negated + ",".join(map(str, self.items))

    @property
    def exact(self) -> list[str]:
        return [item.text for item in self.items if not item.is_prefix]

    @property
    def prefixes(self) -> list[str]:
        return [item.text for item in self.items if item.is_prefix]

    @property
    def is_one(self) -> bool:
        """Whether it asks for one exact value: what an index in the list's order answers."""
        return not self.is_negated and len(self.items) == 1 and not self.prefixes


def parse_values(text: str) -> Values:
    """The value of a text filter. Raises QueryError."""
    scanner = Scanner(text)
    scanner.skip_space()
    is_negated = scanner.takes("!")
    items = scanner.items(stops=",")
    if not scanner.is_done:
        raise QueryError("A comma is missing here.", scanner.at)
    return Values(tuple(items), is_negated)


def exactly(text: str) -> str:
    """The value of a text filter that means this very text, whatever characters it has."""
    return str(Item(text))


class Scanner:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    @property
    def is_done(self) -> bool:
        return self.at >= len(self.text)

    def takes(self, mark: str) -> bool:
        """Whether this mark comes next; it is then behind us."""
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) * found
        return found

    def skip_space(self) -> None:
        while not self.is_done and self.text[self.at].isspace():
            self.at += 1

    def items(self, stops: str) -> list[Item]:
        """Values with commas between them. Raises QueryError."""
        items = [self.item(stops)]
        while self.takes(","):
            if len(items) == MOST_ITEMS:
                raise QueryError(f"A list may have {MOST_ITEMS} values.", self.at)
            items.append(self.item(stops))
        return items

    def item(self, stops: str) -> Item:
        """One value; a bare one ends before any character of ``stops``. Raises QueryError."""
        if " " not in stops:
            self.skip_space()
        start = self.at
        if self.takes('"'):
            item = Item(self._rest_of_quotation(start), is_prefix=self.takes("*"))
        else:
            while not self.is_done and self.text[self.at] not in stops:
                self.at += 1
            bare = self.text[start : self.at].rstrip()
            if not bare:
                raise QueryError("A value is missing here.", start)
            item = Item(bare.removesuffix("*"), is_prefix=bare.endswith("*"))
        if len(item.text) > MOST_CHARACTERS:
            raise QueryError(f"A value may have {MOST_CHARACTERS} characters.", start)
        if " " not in stops:
            self.skip_space()
        return item

    def _rest_of_quotation(self, start: int) -> str:
        found = ""
        while not self.is_done:
            character = self.text[self.at]
            self.at += 1
            if character == '"':
                return found
            if character == "\\" and not self.is_done:
                character = self.text[self.at]
                self.at += 1
            found += character
        raise QueryError("This quotation mark is never closed.", start)


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'

"""Regular expressions of JavaScript as trees (ECMA-262, 22.2 and its Annex B). Pure.

Sets of characters are bit masks: one bit for each ASCII character, and one for all others together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_DEPTH = 20  # groups in groups

_BITS = 129
ANY = (1 << _BITS) - 1
_OTHERS = 1 << 128


class Unbounded(Exception):
    """A pattern that could take too long, or that is not understood; the message says what is wrong with it."""


@dataclass(frozen=True)
class Chars:
    """One character out of a set."""

    mask: int


@dataclass(frozen=True)
class Assertion:
    """A place: ``^``, ``$``, ``\\b``, ``\\B``."""

    kind: str


@dataclass(frozen=True)
class Look:
    """A look-around."""

    body: Node
    behind: bool


@dataclass(frozen=True)
class Sequence:
    """One after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """One of several."""

    options: tuple[Node, ...]


@dataclass(frozen=True)
class Repetition:
    """Something ``min`` to ``max`` times; None is without an end."""

    body: Node
    min: int
    max: int | None


Node = Chars | Assertion | Look | Sequence | Choice | Repetition


def _mask(characters: str) -> int:
    return sum({1 << min(ord(character), 128) for character in characters})


WORD = _mask("".join(map(chr, range(128)))) & sum(
    1 << code for code in range(128) if chr(code).isalnum() or chr(code) == "_"
)
_CLASSES = {"d": _mask("0123456789"), "w": WORD, "s": _mask("\t\n\v\f\r ") | _OTHERS}
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")
_COUNTED = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
_GROUP = re.compile(r"\?(?::|=|!|<=|<!|<[A-Za-z_$][\w$]*>)", re.ASCII)
_PROPERTY = re.compile(r"[pP]\{[\w=]+\}", re.ASCII)


def complement(mask: int) -> int:
    return (ANY & ~mask) | _OTHERS


def _both_cases(mask: int) -> int:
    letters = [code for code in range(128) if mask >> code & 1 and chr(code).isalpha()]
    return mask | _mask("".join(chr(code).swapcase() for code in letters))


class Parser:
    """Reads one pattern; ``looks_around`` says whether it has look-arounds."""

    def __init__(self, pattern: str, flags: str) -> None:
        self._text = pattern
        self._at = 0
        self._any_case, self._unicode = "i" in flags, "u" in flags
        self.looks_around = False

    def parse(self) -> Node:
        """Return the pattern's tree. Raises Unbounded where it is not understood."""
        tree = self._choice(0)
        if self._at < len(self._text):
            raise Unbounded("a parenthesis is closed that was not opened")
        return tree

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._peek()
        self._at += 1
        return character

    def _choice(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Unbounded(f"groups lie more than {MAX_DEPTH} deep")
        options = [self._sequence(depth)]
        while self._peek() == "|":
            self._at += 1
            options.append(self._sequence(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self, depth: int) -> Node:
        items: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            item = self._atom(depth)
            items.append(self._quantified(item))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _quantified(self, item: Node) -> Node:
        counted = _COUNTED.match(self._text, self._at)
        if counted:
            self._at = counted.end()
            least, rest = int(counted[1][:7]), counted[2]
            most = least if rest is None else int(counted[3][:7]) if counted[3] else None
        elif self._peek() in ("*", "+", "?") and self._peek():
            sign = self._take()
            least, most = (1 if sign == "+" else 0), (1 if sign == "?" else None)
        else:
            return item
        if isinstance(item, (Assertion, Look)):
            raise Unbounded("a repetition follows a place, not a character")
        if self._peek() == "?":
            self._at += 1
        return Repetition(item, least, most)

    def _atom(self, depth: int) -> Node:
        character = self._take()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._class()
        if character == ".":
            return Chars(ANY)
        if character in "^$":
            return Assertion(character)
        if character == "\\":
            return self._escape()
        if character in "*+?" or (character == "{" and _COUNTED.match(self._text, self._at - 1)):
            raise Unbounded("there is nothing before a repetition")
        return self._chars(_mask(character))

    def _chars(self, mask: int) -> Chars:
        if self._any_case:
            mask = _both_cases(mask)
            if self._unicode and mask & _mask("ks"):  # the Kelvin sign and the long s are these letters then
                mask |= _OTHERS
        return Chars(mask)

    def _group(self, depth: int) -> Node:
        kind = ""
        if self._peek() == "?":
            match = _GROUP.match(self._text, self._at)
            if match is None:
                raise Unbounded("a group is of no known kind")
            kind, self._at = match[0], match.end()
        body = self._choice(depth + 1)
        if self._take() != ")":
            raise Unbounded("a parenthesis is not closed")
        if kind in ("?=", "?!", "?<=", "?<!"):
            self.looks_around = True
            return Look(body, behind="<" in kind)
        return body

    def _escape(self) -> Node:
        character = self._peek()
        if character in ("b", "B"):
            self._at += 1
            return Assertion("\\" + character)
        if character and character in "123456789k":
            raise Unbounded("it refers back to a group")
        if match := _PROPERTY.match(self._text, self._at):
            self._at = match.end()
            return Chars(ANY)
        return self._chars(self._escaped())

    def _escaped(self) -> int:
        """The set of one escape, in a class or outside, behind its backslash."""
        character = self._take()
        if not character:
            raise Unbounded("it ends with a backslash")
        if character.lower() in _CLASSES and character in "dDwWsS":
            mask = _CLASSES[character.lower()]
            return mask if character.islower() else complement(mask)
        if character in _CONTROLS:
            return _mask(_CONTROLS[character])
        if character in "ux" and (match := _HEX.match(self._text, self._at - 1)):
            self._at = match.end()
            return _mask(chr(int(match[1] or match[2], 16)))
        if character == "c" or character.isdigit() or (character == "u" and self._peek() == "{"):
            raise Unbounded(f"the escape \\{character} is not understood here")
        return _mask(character)

    def _class(self) -> Node:
        negated = self._peek() == "^"
        self._at += negated
        mask = 0
        while (character := self._peek()) != "]":
            if not character:
                raise Unbounded("a bracket is not closed")
            first = self._member()
            is_range = self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", "")
            if is_range:
                self._at += 1
                last = self._member()
                first |= last | _mask("-") | _between(first, last)
            mask |= first
        self._at += 1
        mask = self._chars(mask).mask
        return Chars(complement(mask) if negated else mask)

    def _member(self) -> int:
        character = self._take()
        if character != "\\":
            return _mask(character)
        if match := _PROPERTY.match(self._text, self._at):
            self._at = match.end()
            return ANY
        if self._peek() == "b":
            self._at += 1
            return _mask("\b")
        return self._escaped()


def _between(first: int, last: int) -> int:
    """All characters from the first of one set to the last of another: of a range, they have one each."""
    low, high = (first & -first).bit_length() - 1, last.bit_length()
    return (1 << high) - (1 << low) if first and high > low else 0

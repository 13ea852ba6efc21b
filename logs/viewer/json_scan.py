"""Places in a JSON text without reading it into objects: 20 MB of text would become some 200 MB of them.

A document is looked at as octets by regular expressions that never go into a string; only what is drawn is decoded.
Nothing here recurses, so nesting of any depth is fine.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

_BLANK = b" \t\r\n"
SPACE = rb"[ \t\r\n]*+"
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRICT_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_WORD = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null|NaN|-?Infinity"
_FLAT = rb'[^"\[\]{}]*+(?:' + STRING + rb'[^"\[\]{}]*+)*+'

_flat = re.compile(_FLAT, re.S)
_bracket = re.compile(_FLAT + rb"[\[\]{}]", re.S)
_comma = re.compile(rb'[^",]*+(?:' + STRING + rb'[^",]*+)*+,', re.S)
_member = re.compile(
    SPACE + rb"(?:(" + STRING + rb")" + SPACE + rb":" + SPACE + rb")?+(" + STRING + rb'|[\[{]|[^\s,:"\[\]{}]++)', re.S
)
_separator = re.compile(SPACE + rb",")
_empty = re.compile(rb"[\[{]" + SPACE + rb"[\]}]")
_head = re.compile(SPACE + rb"(?:(" + STRING + rb")" + SPACE + rb":" + SPACE + rb")?+", re.S)

_SCALAR = rb"(?:" + _STRICT_STRING + rb"|" + _WORD + rb")"
_KEYS = {0x5B: b"", 0x7B: _STRICT_STRING + SPACE + rb":" + SPACE}  # what stands before a value in [ and in {
_runs = {
    bracket: re.compile(SPACE + rb"(?:" + key + _SCALAR + SPACE + rb"," + SPACE + rb")*+", re.S)
    for bracket, key in _KEYS.items()
}
_last_items = {
    bracket: re.compile(key + rb"(?:(" + _SCALAR + SPACE + rb")|[\[{])", re.S) for bracket, key in _KEYS.items()
}
_after = re.compile(SPACE + rb"(?:(,)" + SPACE + rb"|([\]}])|\Z)")
_closing = re.compile(rb"[\]}]")
_scalar_alone = re.compile(SPACE + _SCALAR + SPACE + rb"\Z")
_opening = re.compile(SPACE + rb"[\[{]")

_quick = msgspec.json.Decoder(msgspec.Raw)
_quick_list = msgspec.json.Decoder(list[msgspec.Raw])
_quick_dict = msgspec.json.Decoder(dict[str, msgspec.Raw])
QUICK_COMMAS = 300_000  # so many members, at most, take 20 MB while they are walked over
QUICK_KEYS = 5_000  # each is compared, to see that none is repeated

# More brackets than this in one document take seconds to walk over: it is shown as text.
MAX_BRACKETS = 300_000
# To go one level into a document may mean to walk over all of it. So many brackets are passed in all, half a
# second; eight levels lead to the text of a part of a message.
BRACKETS_PASSED = 1_000_000
MAX_LEVELS, MIN_LEVELS = 200, 8
FOREVER = sys.maxsize


class NotJson(ValueError):
    """The bytes are no JSON text."""


class Member(NamedTuple):
    """One member of an object or array (or the document itself), as places in the text."""

    position: int
    key: tuple[int, int] | None  # the key's string, quotes included
    start: int
    end: int


def is_json(doc: bytes) -> bool:
    """Whether the octets are one JSON value by its grammar; lone surrogates, NaN and bytes that are no UTF-8 inside
    strings pass, as Python's parser lets them."""
    try:
        _quick.decode(doc)
    except (msgspec.DecodeError, RecursionError):
        return _check(doc)
    return True


def is_intricate(doc: bytes) -> bool:
    """Whether walking over the document would take seconds."""
    return brackets(doc) > MAX_BRACKETS


def levels(doc: bytes) -> int:
    """How many levels deep members are looked for: fewer in a document that is slow to walk over."""
    return max(MIN_LEVELS, min(MAX_LEVELS, BRACKETS_PASSED // max(brackets(doc), 1)))


def brackets(doc: bytes) -> int:
    """Return how many objects and lists the document has at most; those in its strings count as well."""
    return doc.count(b"[") + doc.count(b"{")


def _check(doc: bytes) -> bool:
    """The grammar, a run of plain members at a time."""
    opening = _opening.match(doc)
    if opening is None:
        return _scalar_alone.match(doc) is not None
    pos = opening.end()
    stack = bytearray((doc[pos - 1],))
    is_new = True  # nothing stands before pos in its container, so that it may close here
    while stack:
        found = _runs[stack[-1]].match(doc, pos)
        if found is None:
            return False
        is_new = is_new and not found[0].strip()
        pos = found.end()
        last = _last_items[stack[-1]].match(doc, pos)
        if last is None:
            closing = _closing.match(doc, pos)
            if closing is None or not is_new or doc[pos] != stack[-1] + 2:  # "[" and "]" are two apart, so are "{" "}"
                return False
            pos = closing.end()
            stack.pop()
        elif last[1] is None:
            pos = last.end()
            stack.append(doc[pos - 1])
            is_new = True
            continue
        else:
            pos = last.end()
        while stack:  # what follows a value
            after = _after.match(doc, pos)
            if after is None or (after.end() == len(doc) and not after[2]):
                return False
            if after[1]:
                pos, is_new = after.end(), False
                break
            if after[2] is None or after[2][0] != stack[-1] + 2:
                return False
            pos = after.end()
            stack.pop()
    return not doc[pos:].strip(_BLANK)


def document(doc: bytes) -> Member:
    """The whole value of a text that is JSON."""
    return Member(0, None, len(doc) - len(doc.lstrip(_BLANK)), len(doc.rstrip(_BLANK)))


def is_container(doc: bytes, start: int) -> bool:
    return doc[start : start + 1] in (b"{", b"[")


def is_empty(doc: bytes, start: int) -> bool:
    return _empty.match(doc, start) is not None


def skip(doc: bytes, start: int) -> int:
    """Where the object or array ends that begins at ``start``. Raises NotJson."""
    depth = 0
    for found in _matches(_bracket, doc, start):
        if doc[found.end() - 1] in b"[{":
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                return found.end()
    raise NotJson("an unclosed bracket")


def outside_escape(doc: bytes, pos: int) -> int:
    """``pos``, or where the escape begins that it stands inside of."""
    backslash = doc.rfind(b"\\", max(pos - 5, 0), pos)
    if backslash < 0:
        return pos
    begin = backslash
    while begin > 0 and doc[begin - 1 : begin] == b"\\":
        begin -= 1
    if (backslash - begin) % 2 == 1:  # the second half of an escaped backslash
        return pos
    length = 6 if doc[backslash + 1 : backslash + 2] == b"u" else 2
    return backslash if pos < backslash + length else pos


class Cursor:
    """Walks forwards over the members of the object or array that begins at ``start``."""

    def __init__(self, doc: bytes, start: int) -> None:
        self._doc = doc
        self._at = start + 1  # where the walk stands, at this level
        self._begin: int | None = None if is_empty(doc, start) else start + 1  # of the member ``_index``
        self._is_empty = self._begin is None
        self._index = 0
        self._child = (-1, -1)  # the last nested value: its start, its end

    def members(self, first: int = 0) -> Iterator[Member]:
        """All members from the one with index ``first`` on."""
        member = self.seek(index=first)
        while member is not None:
            yield member
            separator = _separator.match(self._doc, member.end)
            if separator is None:
                return
            self._at = self._begin = separator.end()
            self._index = member.position + 1
            member = self._member()

    def count(self) -> int:
        """How many members there are, those passed included."""
        self.seek(index=FOREVER)
        return 0 if self._is_empty else self._index + 1

    def seek(self, *, index: int = FOREVER, offset: int = FOREVER) -> Member | None:
        """The member with that index, or the one that holds the octet at ``offset``; None where there is none."""
        if self._is_empty:
            return None
        doc = self._doc
        while True:
            found = _flat.match(doc, self._at)
            run_end = found.end() if found else self._at
            child_end = self._end_of_child(run_end)
            if offset < (child_end or run_end):
                break
            commas = _commas(doc, self._at, run_end)
            if self._index + commas >= index:
                break
            if commas:
                self._begin = None
            self._index += commas
            if not child_end:
                self._at = run_end
                return None
            self._at = child_end
        return self._step(index, offset, run_end)

    def _step(self, index: int, offset: int, run_end: int) -> Member | None:
        """Member by member within one run."""
        for found in _matches(_comma, self._doc, self._at, run_end):
            if self._index >= index or offset < found.end():
                break
            self._at = self._begin = found.end()
            self._index += 1
        return self._member()

    def _member(self) -> Member | None:
        if self._begin is None:
            return None
        doc = self._doc
        found = _member.match(doc, self._begin)
        if found is None:
            raise NotJson("no member")
        start = found.start(2)
        end = self._end_of_child(start) or found.end()
        return Member(self._index, found.span(1) if found[1] is not None else None, start, end)

    def _end_of_child(self, start: int) -> int:
        """The end of the object or array that begins here, 0 where none does."""
        if not is_container(self._doc, start):
            return 0
        if self._child[0] != start:
            self._child = (start, skip(self._doc, start))
        return self._child[1]


def _matches(pattern: re.Pattern[bytes], doc: bytes, start: int, end: int = FOREVER) -> Iterator[re.Match[bytes]]:
    """One match right after the other; unlike ``finditer`` it does not look for one inside a string."""
    return iter(pattern.scanner(doc, start, end).match, None)  # type: ignore[attr-defined]


def _commas(doc: bytes, start: int, end: int) -> int:
    """How many commas stand outside strings."""
    if doc.find(b'"', start, end) < 0:
        return doc.count(b",", start, end)
    return sum(1 for _ in _matches(_comma, doc, start, end))


class QuickCursor:
    """The same walk over members that msgspec has found, some twenty times as fast."""

    def __init__(self, doc: bytes, start: int, values: list[msgspec.Raw]) -> None:
        self._doc = doc
        self._values = values
        self._index = 0
        self._begin = start + 1

    def members(self, first: int = 0) -> Iterator[Member]:
        member = self.seek(index=first)
        while member is not None:
            yield member
            self._index = member.position + 1
            self._begin = self._after(member)
            member = self._member()

    def count(self) -> int:
        return len(self._values)

    def seek(self, *, index: int = FOREVER, offset: int = FOREVER) -> Member | None:
        member = self._member()
        while member is not None and member.position < index and member.end <= offset:
            self._index += 1
            self._begin = self._after(member)
            member = self._member()
        return member

    def _member(self) -> Member | None:
        if self._index >= len(self._values):
            return None
        found = _head.match(self._doc, self._begin)
        if found is None:
            raise NotJson("no member")
        size = memoryview(self._values[self._index]).nbytes
        return Member(self._index, found.span(1) if found[1] is not None else None, found.end(), found.end() + size)

    def _after(self, member: Member) -> int:
        found = _separator.match(self._doc, member.end)
        return found.end() if found else member.end


def walk(doc: bytes, container: Member) -> Cursor | QuickCursor:
    """A walk over the members of an object or array."""
    text = memoryview(doc)[container.start : container.end]
    if doc.count(b",", container.start, container.end) < QUICK_COMMAS:
        try:
            if doc[container.start] == 0x5B:
                return QuickCursor(doc, container.start, _quick_list.decode(text))
            named = _quick_dict.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return Cursor(doc, container.start)
        if len(named) < QUICK_KEYS and _is_all(doc, container, list(named.values())):
            return QuickCursor(doc, container.start, list(named.values()))
    return Cursor(doc, container.start)


def _is_all(doc: bytes, container: Member, values: list[msgspec.Raw]) -> bool:
    """Whether no key was repeated: of such members the last alone was found."""
    end = container.start + 1
    for member in QuickCursor(doc, container.start, values).members():
        if member.key is None or not doc.startswith(memoryview(values[member.position]), member.start):
            return False
        end = member.end
    return not doc[end : container.end - 1].strip(_BLANK)


class Locator:
    """Where octets stand, asked for in ascending order: the members that hold them, from the outside in."""

    def __init__(self, doc: bytes) -> None:
        self._doc = doc
        root = document(doc)
        self._depth = levels(doc)
        self._levels: list[tuple[Cursor | QuickCursor, int]] = []
        if is_container(doc, root.start):
            self._levels.append((walk(doc, root), root.end))
        self._members: list[Member] = []

    def find(self, offset: int) -> list[Member]:
        while len(self._levels) > 1 and offset >= self._levels[-1][1]:
            self._levels.pop()
        del self._members[max(len(self._levels) - 1, 0) :]
        while self._levels:
            member = self._levels[-1][0].seek(offset=offset)
            if member is None or offset >= member.end:
                break
            self._members.append(member)
            is_deep = len(self._levels) >= self._depth
            if offset < member.start or is_deep or not is_container(self._doc, member.start):
                break
            self._levels.append((walk(self._doc, member), member.end))
        return list(self._members)

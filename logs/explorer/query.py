"""The language of filters: the values of text filters, and the line of the query bar. Pure; docs/filters.md tells it.

    value = [ "!" ] item *( "," item )                  "!" turns the whole value around
    item  = ( bare / quoted ) [ "*" ]                   "*": whatever begins so

    line  = *( space / word / phrase / term )           words and phrases are searched for in bodies
    term  = [ "-" ] key ":" ( value / range )           "-" is "!" before the value
    key   = name / "meta." ( bare / quoted )
    range = ( ">" / ">=" / "<" / "<=" ) number / number ".." number / number

In a line a bare item ends at a space too. A range is for keys with ends: the line says ``cost:>2`` where the address
has ``cost_min=>2``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

MOST_ITEMS = 100  # of one list: an address holds them, and a statement stays quick to plan
MOST_CHARACTERS = 300  # of one item

META = "meta."  # and the key: the filters by metadata
WORDS = "q"  # the filter that searches in bodies
HIGHEST = "_max"
LOWEST = "_min"

_PLAIN = re.compile(r'[^\s"!,*][^\s",*]*')  # needs no quotation marks
_WORD = re.compile(r'[^\s"]+')
_KEY = re.compile(r"[a-z][a-z_]*")
_META_KEY = re.compile(r'[^\s":]+')
_REST = re.compile(r'[^\s,":]*"?')  # of what is being typed, behind the caret
_NUMBER = r"-?\d+(?:\.\d+)?[a-z]*"
_RANGE = re.compile(
    rf"(?P<sign>>=|<=|>|<)(?P<end>{_NUMBER})|(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})|(?P<exact>{_NUMBER})"
)
_SEARCHED = re.compile(r'"([^"]*)"?|([^\s"]+)')


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
    items = scanner.items(in_line=False)
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

    def items(self, *, in_line: bool) -> list[Item]:
        """Values with commas between them. Raises QueryError."""
        items = [self.item(in_line=in_line)]
        while self.takes(","):
            if len(items) == MOST_ITEMS:
                raise QueryError(f"A list may have {MOST_ITEMS} values.", self.at)
            items.append(self.item(in_line=in_line))
        return items

    def item(self, *, in_line: bool) -> Item:
        """One value: a bare one ends at a comma, and in a line at a space. Raises QueryError."""
        if not in_line:
            self.skip_space()
        start = self.at
        if self.takes('"'):
            item = Item(self._rest_of_quotation(start), is_prefix=self.takes("*"))
        else:
            while not self.is_done and self.text[self.at] != "," and not (in_line and self.text[self.at].isspace()):
                self.at += 1
            bare = self.text[start : self.at].rstrip()
            if not bare:
                raise QueryError("A value is missing here.", start)
            item = Item(bare.removesuffix("*"), is_prefix=bare.endswith("*"))
        if len(item.text) > MOST_CHARACTERS:
            raise QueryError(f"A value may have {MOST_CHARACTERS} characters.", start)
        if not in_line:
            self.skip_space()
        return item

    def phrase(self) -> str:
        """A phrase in quotation marks, with them, as the search in bodies takes it; empty where there is none here."""
        start = self.at
        if not self.takes('"'):
            return ""
        end = self.text.find('"', self.at)
        if end < 0:
            raise QueryError("This quotation mark is never closed.", start)
        self.at = end + 1
        return self.text[start : self.at]

    def word(self) -> str:
        """A word to search for; empty where a term stands here."""
        found = _WORD.match(self.text, self.at)
        if found is None or found[0].startswith("-") or ":" in found[0] or self.text.startswith(META + '"', self.at):
            return ""
        self.at = found.end()
        return found[0]

    def key(self) -> str:
        """The key of a term; empty where there is none here. Raises QueryError."""
        prefix = META if self.takes(META) else ""
        start = self.at
        if prefix and self.takes('"'):
            return prefix + self._rest_of_quotation(start)
        found = (_META_KEY if prefix else _KEY).match(self.text, start)
        if found is None:
            return ""
        self.at = found.end()
        return prefix + found[0]

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


@dataclass(frozen=True)
class Names:
    """The filters there are: ``values`` take lists and may be turned around, ``plain`` take one text as it is."""

    values: Collection[str]
    plain: Collection[str]

    def __contains__(self, name: str) -> bool:
        return name in self.values or name in self.plain or (name.startswith(META) and len(name) > len(META))

    def takes_values(self, name: str) -> bool:
        return name in self.values or name.startswith(META)

    def has_range(self, key: str) -> bool:
        return key + LOWEST in self or key + HIGHEST in self


@dataclass
class Line:
    """A query bar's line: its text, and where in it each parameter's value begins."""

    text: str = ""
    places: dict[str, int] = field(default_factory=dict)

    def add(self, before: str, value: str, *names: str) -> None:
        self.text += (" " if self.text else "") + before
        self.places |= dict.fromkeys(names, len(self.text))
        self.text += value


def key_of(name: str) -> str:
    """How a line names a filter: a metadata key with signs in it has quotation marks."""
    if not name.startswith(META) or _META_KEY.fullmatch(name, len(META)):
        return name
    return META + _quoted(name.removeprefix(META))


def parse_line(text: str, names: Names) -> dict[str, str]:
    """The parameters that a query bar's line stands for. Raises QueryError."""
    scanner = Scanner(text)
    params: dict[str, str] = {}
    words: list[str] = []
    scanner.skip_space()
    while not scanner.is_done:
        start = scanner.at
        if word := scanner.phrase() or scanner.word():
            if word.strip('"').strip():
                words.append(word)
        else:
            for name, value in _term(scanner, names).items():
                if name in params:
                    raise QueryError("This filter is there already: give several values with commas.", start)
                params[name] = value
        scanner.skip_space()
    return params | ({WORDS: " ".join(words)} if words else {})


def draw_line(params: Mapping[str, str], names: Names) -> Line:
    """The line that stands for these parameters; those that no key names are left out. ``parse_line`` reads it back."""
    line = Line()
    drawn: set[str] = set()
    for name, value in params.items():
        key = name.removesuffix(LOWEST).removesuffix(HIGHEST)
        if name not in names or name == WORDS or name in drawn or not value.strip():
            continue
        if key != name and names.has_range(key):
            low, high = params.get(key + LOWEST, "").strip(), params.get(key + HIGHEST, "").strip()
            if _is_end(low, ">") and _is_end(high, "<"):
                _draw_range(line, key, low, high)
                drawn |= {key + LOWEST, key + HIGHEST}
                continue
        _draw_term(line, name, value.strip(), names)
    for phrase, word in _SEARCHED.findall(params.get(WORDS, "")):
        is_bare = word and ":" not in word and not word.startswith("-")
        if is_bare or (phrase or word).strip():
            line.add("", word if is_bare else f'"{phrase or word}"', WORDS)
    return line


def _term(scanner: Scanner, names: Names) -> dict[str, str]:
    start = scanner.at
    is_negated = scanner.takes("-")
    key = scanner.key()
    if not key or not scanner.takes(":"):
        raise QueryError("A key, a colon and a value are expected here; put quotation marks around text.", start)
    params = _value(scanner, key, names, is_negated, start)
    if not scanner.is_done and not scanner.text[scanner.at].isspace():
        raise QueryError("A space is missing here.", scanner.at)
    return params


def _value(scanner: Scanner, key: str, names: Names, is_negated: bool, start: int) -> dict[str, str]:
    if names.has_range(key) and (key not in names or _is_range(scanner)):
        if is_negated:
            raise QueryError("A range cannot be left out: turn its sign around.", start)
        return _range(scanner, key, names)
    if key not in names:
        raise QueryError(f"There is no filter {key}. To search for this text, put quotation marks around it.", start)
    if names.takes_values(key):
        if scanner.takes("!"):
            if is_negated:
                raise QueryError("This is turned around twice.", start)
            is_negated = True
        return {key: str(Values(tuple(scanner.items(in_line=True)), is_negated))}
    if is_negated:
        raise QueryError(f"{key} cannot be turned around.", start)
    item = scanner.item(in_line=True)
    return {key: item.text + "*" * item.is_prefix}


def _is_range(scanner: Scanner) -> bool:
    """Whether a range stands here up to the term's end: ``1`` is one, ``1meta`` is not."""
    match = _RANGE.match(scanner.text, scanner.at)
    return match is not None and not scanner.text[match.end() : match.end() + 1].strip()


def _range(scanner: Scanner, key: str, names: Names) -> dict[str, str]:
    at = scanner.at
    match = _RANGE.match(scanner.text, at)
    if match is None:
        raise QueryError("Give a range: >2, >=2, <2, <=2, 1..2, or a number.", at)
    scanner.at = match.end()
    if sign := match["sign"]:
        params = {key + (LOWEST if ">" in sign else HIGHEST): ("" if "=" in sign else sign) + match["end"]}
    else:
        params = {key + LOWEST: match["exact"] or match["low"], key + HIGHEST: match["exact"] or match["high"]}
    for name in params:
        if name not in names:
            raise QueryError(f"{key} has no {'lower' if name.endswith(LOWEST) else 'upper'} end.", at)
    return params


def _is_end(text: str, sign: str) -> bool:
    """Whether an end of a range can be drawn as one."""
    return not text or re.fullmatch(f"{sign}?{_NUMBER}", text) is not None


def _draw_range(line: Line, key: str, low: str, high: str) -> None:
    if low and high and low[0] not in "<>" and high[0] not in "<>":
        line.add(f"{key}:", low if low == high else f"{low}..{high}", key + LOWEST, key + HIGHEST)
        return
    if low:
        line.add(f"{key}:", low if low[0] == ">" else f">={low}", key + LOWEST)
    if high:
        line.add(f"{key}:", high if high[0] == "<" else f"<={high}", key + HIGHEST)


def _draw_term(line: Line, name: str, value: str, names: Names) -> None:
    key = key_of(name)
    if not names.takes_values(name):
        line.add(f"{key}:", value if _PLAIN.fullmatch(value) else _quoted(value), name)
        return
    try:
        values = parse_values(value)
    except QueryError:
        values = Values((Item(value),))  # what is wrong with it stands beside its field
    line.add(f"{'-' * values.is_negated}{key}:", str(Values(values.items)), name)


@dataclass(frozen=True)
class Place:
    """What is being typed: ``typed`` from ``start`` to ``end`` of the line, a value of ``key``; without one, a key."""

    start: int
    end: int
    key: str
    typed: str


def place_at(line: str, at: int) -> Place:
    """What is being typed where the caret stands, before the character ``at``."""
    start, key, is_quoted = 0, "", False
    for index, character in enumerate(line[:at]):
        if character == '"' and not line[:index].endswith("\\"):
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif character.isspace():
            start, key = index + 1, ""
        elif character == ":" and not key:
            start, key = index + 1, line[start:index]
        elif (character == "," and key) or (character in "-!" and index == start):
            start = index + 1
    following = _REST.match(line, at)
    return Place(start, following.end() if following else at, key, line[start:at].lstrip('"'))

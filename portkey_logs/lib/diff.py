"""What differs between two requests and between two answers. Pure: JSON values and texts in, differences out.

A request is compared by structure: members by name, lists by what their items are, so that a message put in front
does not make all others look changed. Texts are compared by words, whatever the script.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Any, Literal

from rapidfuzz.distance import Indel

Kind = Literal["same", "removed", "added", "changed", "gap"]
Part = Literal["messages", "tools", "parameters"]

MAX_DEPTH = 12  # below, values are compared as a whole: nobody reads a path of more steps
MAX_NESTING = 200  # levels of a request that is compared; schemas of tools have some twenty
# Comparing takes time and room by the product of the lengths: two texts of 10,000 words take 30 ms and 12 MB.
MAX_PRODUCT = 100_000_000
# Lines are drawn one by one besides: 5,000 on each side take 0.2 s on the page.
MAX_LINE_PRODUCT = 25_000_000
# Characters of JSON that all steps of comparing two values may read, once for each level: some 0.7 s. Two requests of
# 4 MB, the largest that are compared, are read through to five levels.
MAX_READ = 40_000_000
READ_PER_ITEM = 300  # what is done for an item or a member, as short as it may be, takes as long as reading so much
READ_PER_PRODUCT = 1 / 50  # aligning two lists whose lengths multiply to 50 takes as long as reading a character

_MESSAGES = ("messages", "prompt", "input", "system", "instructions")
_TOOLS = ("tools", "functions", "tool_choice", "function_call", "parallel_tool_calls")
# Scripts that put no spaces between words are compared letter by letter.
_WORD = re.compile(
    r"\s+|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|\w+|.",
    re.DOTALL,
)


@dataclass(frozen=True)
class Change:
    """One place where two JSON values differ. ``before`` and ``after`` are None where there was nothing, as ``kind``
    says; the path is the one in the value that has it, the later one where both do."""

    path: str
    kind: Kind
    before: Any = None
    after: Any = None

    @property
    def part(self) -> Part:
        """What of a request the change is about."""
        member = re.split(r"[.\[]", self.path, maxsplit=1)[0]
        return "messages" if member in _MESSAGES else "tools" if member in _TOOLS else "parameters"


@dataclass(frozen=True)
class Stretch:
    """Words in a row of which the same is to be said."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class TextDiff:
    """Two texts as one: ``stretches`` in reading order. ``alike`` is the part of them that both have, 0 to 1."""

    stretches: list[Stretch]
    alike: float

    @property
    def is_same(self) -> bool:
        return all(stretch.kind == "same" for stretch in self.stretches)

    @property
    def before(self) -> list[Stretch]:
        return [stretch for stretch in self.stretches if stretch.kind != "added"]

    @property
    def after(self) -> list[Stretch]:
        return [stretch for stretch in self.stretches if stretch.kind != "removed"]


def changes(before: Any, after: Any) -> list[Change]:
    """Every difference between two JSON values, in the order of the later one; what is behind MAX_READ as a whole."""
    return list(_Walk().changes(before, after, "", 0))


class _Walk:
    def __init__(self) -> None:
        self.left = float(MAX_READ)

    def changes(self, before: Any, after: Any, path: str, depth: int) -> Iterator[Change]:
        keys = _key(before), _key(after)
        if keys[0] == keys[1]:
            return
        self.left -= len(keys[0]) + len(keys[1])
        if isinstance(before, dict | list) and isinstance(after, dict | list):
            self.left -= READ_PER_ITEM * (len(before) + len(after))
        goes_on = depth < MAX_DEPTH and self.left > 0
        if goes_on and isinstance(before, dict) and isinstance(after, dict):
            yield from self.members(before, after, path, depth + 1)
        elif goes_on and isinstance(before, list) and isinstance(after, list):
            self.left -= min(len(before) * len(after), MAX_PRODUCT) * READ_PER_PRODUCT
            yield from self.items(before, after, path, depth + 1)
        else:
            yield Change(path, "changed", before, after)

    def members(self, before: dict[str, Any], after: dict[str, Any], path: str, depth: int) -> Iterator[Change]:
        for name, value in after.items():
            at = _member_path(path, name)
            if name in before:
                yield from self.changes(before[name], value, at, depth)
            else:
                yield Change(at, "added", after=value)
        for name, value in before.items():
            if name not in after:
                yield Change(_member_path(path, name), "removed", before=value)

    def items(self, before: list[Any], after: list[Any], path: str, depth: int) -> Iterator[Change]:
        for old, new in align(before, after):
            if old is None and new is not None:
                yield Change(f"{path}[{new}]", "added", after=after[new])
            elif new is None and old is not None:
                yield Change(f"{path}[{old}]", "removed", before=before[old])
            elif old is not None and new is not None:
                yield from self.changes(before[old], after[new], f"{path}[{new}]", depth)


def align(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int | None, int | None]]:
    """Which item of one list stands for which of the other: the same ones, then those of the same role or name.

    None stands for an item that the other list lacks.
    """
    pairs: list[tuple[int | None, int | None]] = []
    keys = [_key(item) for item in before], [_key(item) for item in after]
    for same, (old, new) in _blocks(*keys):
        if same:
            pairs += zip(old, new, strict=True)
            continue
        labels = [_label(before[at]) for at in old], [_label(after[at]) for at in new]
        for alike, (old_part, new_part) in _blocks(*labels):
            olds, news = [old[at] for at in old_part], [new[at] for at in new_part]
            if alike:
                pairs += zip(olds, news, strict=True)
            else:
                pairs += [(at, None) for at in olds]
                pairs += [(None, at) for at in news]
    return pairs


def words(before: str, after: str) -> TextDiff:
    """The two texts as one, word by word; line by line where they are so long that words would take too long."""
    olds, news = split(before), split(after)
    if not _is_quick(olds, news):
        olds, news = before.splitlines(keepends=True), after.splitlines(keepends=True)
    stretches: list[Stretch] = []
    blocks = list(_blocks(olds, news))
    for at, (alike, (old, new)) in enumerate(blocks):
        text, other = "".join(olds[old.start : old.stop]), "".join(news[new.start : new.stop])
        # A space or a comma alone between two changed stretches makes neither of them easier to read.
        is_edge = at in (0, len(blocks) - 1)
        if alike and (is_edge or any(map(str.isalnum, text))):
            stretches.append(Stretch("same", text))
        else:
            stretches += [Stretch("removed", text), Stretch("added", other)]
    joined = [Stretch(kind, _text(group)) for kind, group in groupby(_tidied(stretches), _kind)]
    same = sum(len(stretch.text) for stretch in joined if stretch.kind == "same")
    total = len(before) + len(after)
    return TextDiff(joined, 2 * same / total if total else 1.0)


def lines(before: str, after: str) -> list[Stretch] | None:
    """The two texts as one, a stretch a line; None where they are too long to be compared."""
    olds, news = before.splitlines(), after.splitlines()
    if len(olds) * len(news) > MAX_LINE_PRODUCT:
        return None
    found: list[Stretch] = []
    for alike, (old, new) in _blocks(olds, news):
        if alike:
            found += [Stretch("same", olds[at]) for at in old]
        else:
            found += [Stretch("removed", olds[at]) for at in old]
            found += [Stretch("added", news[at]) for at in new]
    return found


def _kind(stretch: Stretch) -> Kind:
    return stretch.kind


def _text(stretches: Iterable[Stretch]) -> str:
    return "".join(stretch.text for stretch in stretches)


def _tidied(stretches: list[Stretch]) -> Iterator[Stretch]:
    """What was removed in a row as one stretch, what was added instead as one after it, spaces around them apart."""
    for is_same, group in groupby(stretches, lambda stretch: stretch.kind == "same"):
        found = list(group)
        if is_same:
            yield from found
            continue
        removed, added = (_text(each for each in found if each.kind == kind) for kind in ("removed", "added"))
        start = _shared_spaces(removed, added)
        end = _shared_spaces(removed[start:][::-1], added[start:][::-1])
        if start:
            yield Stretch("same", removed[:start])
        if gone := removed[start : len(removed) - end]:
            yield Stretch("removed", gone)
        if come := added[start : len(added) - end]:
            yield Stretch("added", come)
        if end:
            yield Stretch("same", removed[len(removed) - end :])


def split(text: str) -> list[str]:
    """Words, the spaces between them and single marks; put together they are the text again."""
    found: list[list[str]] = []
    for token in _WORD.findall(text):
        if found and unicodedata.category(token[0]) in ("Mn", "Mc", "Me", "Cf"):
            found[-1].append(token)  # what sits on a letter, or joins two, is no word of its own
        else:
            found.append([token])
    return ["".join(tokens) for tokens in found]


def cosine_distance(before: Sequence[float], after: Sequence[float]) -> float | None:
    """0 for the same direction, 1 for a right angle, 2 for the opposite one; None where it has no meaning."""
    lengths = math.hypot(*before) * math.hypot(*after)
    if len(before) != len(after) or not lengths or not math.isfinite(lengths):
        return None
    return max(0.0, 1 - math.sumprod(before, after) / lengths)


def _shared_spaces(text: str, other: str) -> int:
    """How many characters of space both begin with."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1] and pair[0].isspace(), zip(text, other, strict=False))
    )


def _blocks(before: Sequence[Hashable], after: Sequence[Hashable]) -> Iterator[tuple[bool, tuple[range, range]]]:
    """The two sequences cut into stretches that are the same in both and stretches that are not."""
    if not _is_quick(before, after):
        yield False, (range(len(before)), range(len(after)))
        return
    steps: list[Any] = Indel.opcodes(before, after).as_list()
    for is_same, group in groupby(steps, lambda step: step[0] == "equal"):
        found = list(group)
        (_, old, _, new, _), (_, _, old_end, _, new_end) = found[0], found[-1]
        yield is_same, (range(old, old_end), range(new, new_end))


def _is_quick(before: Sequence[Hashable], after: Sequence[Hashable]) -> bool:
    return len(before) * len(after) <= MAX_PRODUCT


def is_deep(value: Any) -> bool:
    """Whether the JSON value is nested beyond MAX_NESTING, which no comparison of its parts would come back from."""
    level = [value]
    for _ in range(MAX_NESTING):
        inner: list[Any] = []
        for each in level:
            inner += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        if not inner:
            return False
        level = inner
    return True


def _key(value: Any) -> str:
    """The same for values that are the same JSON, whatever the order of members."""
    return json.dumps(value, sort_keys=True)


def _label(item: Any) -> Hashable:
    """What an item is, apart from what it says: a message's role, a tool's name, a part's type."""
    if not isinstance(item, dict):
        return type(item).__name__
    function = item.get("function")
    named = function if isinstance(function, dict) else item
    return tuple(str(value) for value in (item.get("role"), item.get("type"), named.get("name")))


def _member_path(path: str, name: str) -> str:
    plain = re.fullmatch(r"\w+(?:-\w+)*", name)
    step = name if plain else f"[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{step}" if path and plain else f"{path}{step}"

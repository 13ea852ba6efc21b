"""How long a regular expression may take, from its tree. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from portkey_logs.catalog.patterns.syntax import (
    ANY,
    WORD,
    Assertion,
    Chars,
    Choice,
    Look,
    Node,
    Repetition,
    Sequence,
    Unbounded,
    complement,
)

COUNT_CAP = 10**6  # more than any limit
# What may follow, beside characters: the end of the text, or nothing at all, for the match is complete.
_END = ANY + 1
_COMPLETE = 0


@dataclass(frozen=True)
class Cost:
    """The worst case. ``time`` and ``choices`` are exponents of the text's length."""

    time: int = 0  # from one start to a failure
    choices: int = 0  # places at which repetitions may end
    ways: int = 1  # other choices that the next character does not tell apart
    length: int = 1  # characters of the longest counted repetition
    replicas: int = 1  # the same as V8 counts it
    is_repeated: bool = False  # without an end


def cost_of(tree: Node, flags: str) -> Cost:
    """Return the cost of a whole pattern. Raises Unbounded where it grows exponentially with the text."""
    cost = _Analysis(flags).cost(tree, _COMPLETE)
    options = tree.options if isinstance(tree, Choice) else (tree,)
    anchored = "m" not in flags and all(map(_starts_at_start, options))
    return cost if anchored else replace(cost, time=cost.time + 1)


class _Analysis:
    def __init__(self, flags: str) -> None:
        self._by_line = "m" in flags
        self._global = "g" in flags

    def cost(self, node: Node, follow: int | None, before: int = ANY) -> Cost:
        """``follow`` has the characters without one of which nothing goes on behind the node: none where the match or
        the text ends there, None where that is not known. ``before`` has those that may stand in front of it."""
        if isinstance(node, Look):
            inside = self.cost(node.body, None if node.behind else _COMPLETE)
            if node.behind and (inside.is_repeated or inside.ways > 1):
                raise Unbounded("something repeated is looked for behind")
            return replace(inside, choices=0)  # it is never entered again
        if isinstance(node, Sequence):
            return self._sequence(node, follow, before)
        if isinstance(node, Choice):
            return self._choice(node, follow, before)
        if isinstance(node, Repetition):
            return self._repetition(node, follow, before)
        return Cost()

    def _sequence(self, node: Sequence, follow: int | None, before: int) -> Cost:
        total = Cost()
        for index in reversed(range(len(node.items))):
            item = node.items[index]
            ahead = self._ahead(item, node.items[index + 1 :], follow)
            previous = node.items[index - 1] if index else None
            front = before if previous is None else previous.mask if isinstance(previous, Chars) else ANY
            total = _after(self.cost(item, ahead, front), total)
        return total

    def _ahead(self, item: Node, rest: tuple[Node, ...], follow: int | None) -> int | None:
        """What has to come behind an item of a sequence; see ``cost``."""
        mask = 0
        for position, other in enumerate(rest):
            if isinstance(other, (Assertion, Look)):
                if other == Assertion("$") and not self._by_line:
                    return mask | _END
                whole_word = position == 0 and _is_word(item)
                return complement(WORD) if whole_word and other == Assertion("\\b") else None
            mask |= _first(other)
            if not _nullable(other):
                return mask
        return None if follow is None else mask | follow

    def _choice(self, node: Choice, follow: int | None, before: int) -> Cost:
        costs = [self.cost(option, follow, before) for option in node.options]
        seen, apart = 0, True
        for option in node.options:
            first = _first(option)
            apart = apart and not (seen & first) and not _nullable(option)
            seen |= first
        ways = max(cost.ways for cost in costs) if apart else sum(cost.ways for cost in costs)
        choices = max(cost.choices for cost in costs)
        return self._optional(
            Cost(
                max(cost.time for cost in costs),
                choices,
                min(ways, COUNT_CAP),
                max(cost.length for cost in costs),
                max(cost.replicas for cost in costs),
                any(cost.is_repeated for cost in costs),
            )
        )

    def _optional(self, cost: Cost) -> Cost:
        """The cost of what may be left out: with the flag g, each short match may follow a long search in vain."""
        more = int(self._global and cost.choices > 0)
        return replace(cost, time=cost.time + more, choices=cost.choices + more)

    def _repetition(self, node: Repetition, follow: int | None, before: int) -> Cost:
        body, first = node.body, _first(node.body)
        inside = self.cost(body, None if follow is None else first | follow)
        ends_once = follow is not None and not first & follow and not _nullable(body)
        count = max(node.min if node.max is None else node.max, 1)
        length, replicas = min(inside.length * count, COUNT_CAP), min(inside.replicas * count, COUNT_CAP)
        if node.max is None:
            if _nullable(body) or inside.is_repeated or inside.ways > 1:
                raise Unbounded("it repeats what can itself match in several ways")
            # Searches that begin behind a character that they cannot pass never cover the same text twice.
            is_paid = ends_once and (follow == _COMPLETE or not first & before)
            return Cost(int(not is_paid), int(not ends_once), 1, length, replicas, is_repeated=True)
        if count > 1 and inside.choices:
            raise Unbounded("it repeats what is itself repeated")
        exits = 1 if ends_once or node.min == node.max else max(node.max - node.min + 1, 1)
        ways = min(inside.ways ** min(node.max, 30) * exits, COUNT_CAP)
        cost = Cost(inside.time, inside.choices, ways, length, replicas, inside.is_repeated)
        return cost if node.min else self._optional(cost)


def _after(first: Cost, rest: Cost) -> Cost:
    """The cost of one thing and then another, which is tried again for each choice of the first."""
    return Cost(
        max(first.time, first.choices + rest.time),
        first.choices + rest.choices,
        min(first.ways * rest.ways, COUNT_CAP),
        max(first.length, rest.length),
        max(first.replicas, rest.replicas),
        first.is_repeated or rest.is_repeated,
    )


def _first(node: Node) -> int:
    """The characters that it may begin with."""
    if isinstance(node, Chars):
        return node.mask
    if isinstance(node, Choice):
        return _union(_first(option) for option in node.options)
    if isinstance(node, Repetition):
        return _first(node.body)
    mask = 0
    if isinstance(node, Sequence):
        for item in node.items:
            mask |= _first(item)
            if not _nullable(item):
                break
    return mask


def _union(masks: Iterator[int]) -> int:
    result = 0
    for mask in masks:
        result |= mask
    return result


def _nullable(node: Node) -> bool:
    """Whether it may match without a character."""
    if isinstance(node, Sequence):
        return all(map(_nullable, node.items))
    if isinstance(node, Choice):
        return any(map(_nullable, node.options))
    if isinstance(node, Repetition):
        return node.min == 0 or _nullable(node.body)
    return not isinstance(node, Chars)


def _is_word(node: Node) -> bool:
    """Whether it is one or more characters of words."""
    body = node.body if isinstance(node, Repetition) and node.min else node
    return isinstance(body, Chars) and not body.mask & ~WORD


def _starts_at_start(node: Node) -> bool:
    first = node.items[0] if isinstance(node, Sequence) and node.items else node
    return first == Assertion("^")

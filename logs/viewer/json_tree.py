"""A JSON text as a tree to unfold. What was written is what is shown: the order and repetition of keys and the
spelling of numbers (``1e400``, ``1.0``) survive, which a round trip through dict and float would lose.

Only what is drawn is read: 200 members of a node at a time, some levels deep. The rest is fetched by its path.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from logs.viewer import invisible_characters
from logs.viewer.json_scan import Member, document, is_container, levels, outside_escape, walk

Kind = Literal["object", "array", "string", "number", "boolean", "null"]

_KINDS: dict[bytes, Kind] = {
    b"{": "object", b"[": "array", b'"': "string", b"n": "null", b"t": "boolean", b"f": "boolean"
}  # fmt: skip

SLICE = 200  # members of one node that are drawn at once: some screens of them
NODE_BUDGET = 2_000  # nodes of one answer: 300 KB of HTML, drawn without a pause
MAX_DEPTH = 12  # levels of one answer; each moves 18 px to the right
SCAN_BUDGET = 64 * 1024 * 1024  # bytes walked over for one answer, about a second; the root is always drawn
PREVIEW_CHARACTERS = 80
STRING_CHARACTERS = 20_000  # of one string, at first
MORE_CHARACTERS = 100_000  # of one string, when more of it is asked for
TEXT_BUDGET = 500_000  # characters of all keys and values of one answer; then each gets a line
LINE_CHARACTERS = 200  # of a line, a key and a number
# Behind the budget: a line for each node of the largest answer. Hidden characters count as what they are drawn as, and
# would otherwise be ten times that; so no more nodes are drawn then.
MAX_BEHIND_TEXT_BUDGET = NODE_BUDGET * LINE_CHARACTERS
SPELLED_STEPS = 30
PIECE_BYTES = 256 * 1024

_HIGH_SURROGATE = re.compile(rb"\\u[dD][89abAB]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_NAME = re.compile(r"[A-Za-z_$][\w$]*\Z", re.ASCII)


@dataclass
class Node:
    key: str
    kind: Kind
    path: str  # JSON Pointer (RFC 6901), members of objects by position: repeated keys stay apart
    size: int = 0  # bytes of its text
    value: str = ""
    preview: str = ""
    count: int | None = None  # of members; None: not counted
    first: int = 0  # the index of the first child that is drawn; of a string, of its first character
    characters: int = 0  # of a string, that are shown
    cut: int = 0  # characters of a long string behind what is shown
    open: bool = False
    is_deferred: bool = False  # its children were not drawn: fetch the node by its path
    is_too_deep: bool = False  # and cannot be fetched either
    is_shown: bool = False  # what a link led to
    children: list[Node] = field(default_factory=list)

    @property
    def after(self) -> int:
        """How many members follow those that are drawn."""
        return (self.count or 0) - self.first - len(self.children) if self.children else 0


def build(doc: bytes, *, path: str = "", first: int = 0, show: str | None = None, show_at: int = 0) -> Node:
    """The tree at ``path``, its members from the one with index ``first`` on (of a string: its characters).

    Drawn breadth first within the budgets above; the path ``show`` below it stands open, from the octet ``show_at``
    of the document on where it is a long string. Raises NotJson and LookupError.
    """
    return _Drawing(doc, show, show_at).draw(path, first)


class _Drawing:
    def __init__(self, doc: bytes, show: str | None, show_at: int) -> None:
        self.doc = doc
        self.show = show
        self.show_at = show_at
        self.levels = levels(doc)
        self.nodes_left = NODE_BUDGET
        self.bytes_left = SCAN_BUDGET
        self.text_left = TEXT_BUDGET

    def draw(self, path: str, first: int) -> Node:
        member = _at(self.doc, path, self.levels)
        root = self._node(member, path)
        root.open = True
        if root.kind not in ("object", "array"):
            if root.kind == "string" and (path or first):
                self._take(root, member.start, member.end, first, MORE_CHARACTERS)
            return root
        queue = deque([(root, member, 0)])
        while queue:
            node, member, depth = queue.popleft()
            node.is_too_deep = node.path.count("/") >= self.levels
            if node.is_too_deep or (node is not root and (depth >= MAX_DEPTH or not self._affords(node))):
                node.is_deferred = True
                continue
            node.first = first if node is root else self._first_to_show(node)
            for below in self._draw_members(node, member):
                queue.append((*below, depth + 1))
        _open_small(root)
        self._open_shown(root)
        return root

    def _affords(self, node: Node) -> bool:
        has_room = self.nodes_left > 0 and self.text_left > -MAX_BEHIND_TEXT_BUDGET and self.bytes_left > node.size
        return has_room or self._leads_to_shown(node)

    def _leads_to_shown(self, node: Node) -> bool:
        return self.show is not None and f"{self.show}/".startswith(f"{node.path}/")

    def _first_to_show(self, node: Node) -> int:
        """The slice that holds the member a link led to."""
        if self.show is None or not self.show.startswith(f"{node.path}/"):
            return 0
        index = int(self.show[len(node.path) + 1 :].partition("/")[0])
        return index - index % SLICE

    def _draw_members(self, node: Node, member: Member) -> list[tuple[Node, Member]]:
        cursor = walk(self.doc, member)
        below = []
        for child in islice(cursor.members(node.first), SLICE):
            drawn = self._node(child, f"{node.path}/{child.position}")
            node.children.append(drawn)
            if drawn.kind in ("object", "array"):
                below.append((drawn, child))
        node.count = cursor.count()
        self.nodes_left -= len(node.children)
        self.bytes_left -= node.size
        return below

    def _node(self, member: Member, path: str) -> Node:
        doc, (position, key, start, end) = self.doc, member
        name = "" if not path else _escaped(_line(text_of(doc, *key))) if key else str(position)
        node = Node(name, _kind(doc, start), path, size=end - start, is_shown=path == self.show)
        if node.kind in ("object", "array"):
            node.preview = _preview(doc, start + 1, end - 1)
        elif node.kind == "string":
            self._string(node, start, end)
        else:
            node.value = _line(doc[start:end].decode("ascii", "replace"))
        self.text_left -= invisible_characters.drawn_size(node.key) + invisible_characters.drawn_size(
            node.value or node.preview
        )
        return node

    def _string(self, node: Node, start: int, end: int) -> None:
        limit = STRING_CHARACTERS if self.text_left > 0 or node.is_shown else LINE_CHARACTERS
        first = 0
        if node.is_shown and start < self.show_at < end:
            first = sum(len(piece) for piece in _pieces(self.doc, start + 1, self.show_at)) - LINE_CHARACTERS
        if first + 2 * LINE_CHARACTERS < limit:  # what is looked for is among the first characters
            first = 0
        self._take(node, start, end, first, limit)

    def _take(self, node: Node, start: int, end: int, first: int, limit: int) -> None:
        shown, total = _window(self.doc, start + 1, end - 1, first, limit)
        node.first, node.value, node.characters = first, _quoted(shown), len(shown)
        node.cut = max(total - first - len(shown), 0)

    def _open_shown(self, root: Node) -> None:
        node = root
        while (below := next((child for child in node.children if self._leads_to_shown(child)), None)) is not None:
            below.open = not below.is_deferred
            node = below


def _at(doc: bytes, path: str, levels: int) -> Member:
    """The member at a path of positions; raises LookupError."""
    member = document(doc)
    steps = path.split("/")[1:]
    if len(steps) > levels:
        raise LookupError(path)
    for step in steps:
        if not (step.isascii() and step.isdecimal() and len(step) < 10 and is_container(doc, member.start)):
            raise LookupError(path)
        found = walk(doc, member).seek(index=int(step))
        if found is None:
            raise LookupError(path)
        member = found
    return member


def spelled(doc: bytes, members: list[Member]) -> str:
    """A place as people write it: ``messages[3].content``; of a deep one its beginning."""
    steps = []
    for member in members[:SPELLED_STEPS]:
        if member.key is None:
            steps.append(f"[{member.position}]")
        else:
            name = _escaped(text_of(doc, *member.key))[:PREVIEW_CHARACTERS]
            steps.append(("." if steps else "") + name if _NAME.match(name) else f"[{_quoted(name)}]")
    return "".join(steps) + ("…" if len(members) > SPELLED_STEPS else "")


def text_of(doc: bytes, start: int, end: int) -> str:
    """The text of the JSON string there."""
    return "".join(_pieces(doc, start + 1, end - 1))


def _window(doc: bytes, start: int, end: int, first: int, limit: int) -> tuple[str, int]:
    """A part of what stands between two quotes, and how many characters there are in all."""
    parts, total = [], 0
    for piece in _pieces(doc, start, end):
        parts.append(piece[max(first - total, 0) : max(first + limit - total, 0)])
        total += len(piece)
    return "".join(parts), total


def _pieces(doc: bytes, start: int, end: int) -> Iterator[str]:
    """What stands between two quotes, decoded piece by piece: a string of 20 MB would take three times that."""
    while start < end:
        cut = min(start + PIECE_BYTES, end)
        if cut < end:
            cut = _whole_characters(doc, cut)
        yield _decoded(doc[start:cut])
        start = cut


def _whole_characters(doc: bytes, cut: int) -> int:
    """``cut``, or a little before, so that no character is divided."""
    cut = outside_escape(doc, cut)
    if _HIGH_SURROGATE.match(doc, cut - 6):
        cut -= 6
    for back in range(4):  # a character of UTF-8 has at most three octets more
        if doc[cut - back] & 0xC0 != 0x80:
            return cut - back
    return cut


def _decoded(text: bytes) -> str:
    readable = text.decode("utf-8", "replace")
    if "\\" not in readable:
        return readable
    try:
        return str(json.loads(f'"{readable}"', strict=False))
    except ValueError:
        return readable


def _kind(doc: bytes, start: int) -> Kind:
    return _KINDS.get(doc[start : start + 1], "number")


def _preview(doc: bytes, start: int, end: int) -> str:
    """The beginning of what stands inside, in one short line, for a folded node."""
    text = doc[start : min(end, start + 4 * PREVIEW_CHARACTERS)].decode("utf-8", "replace")
    text = _SPACES.sub(" ", text).strip()
    cut = end - start > 4 * PREVIEW_CHARACTERS or len(text) > PREVIEW_CHARACTERS
    return text[:PREVIEW_CHARACTERS] + "…" if cut else text


def _line(text: str) -> str:
    return text if len(text) <= LINE_CHARACTERS else text[:LINE_CHARACTERS] + "…"


def _quoted(text: str) -> str:
    """A string as JSON writes it; lone surrogates, which no page can carry, stay escaped."""
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    return _SURROGATES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _open_small(node: Node, depth: int = 0) -> None:
    """What fits a glance stands open: two levels, and below them short lists."""
    for child in node.children:
        count = child.count or 0
        child.open = not child.is_deferred and (depth < 2 or count <= 4) and count <= 50
        _open_small(child, depth + 1)

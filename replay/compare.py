"""Two logs side by side: their numbers, what their requests differ in, and how the answers read against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import zip_longest
from typing import Any, Literal

from logs.explorer import presentation
from logs.models import Log
from logs.viewer.bodies import Side, read_sides
from logs.viewer.conversation import Part, embeddings
from logs.viewer.conversation.parts import compact
from logs.viewer.conversation.pretty import over_lines
from logs.viewer.drawing import DrawingBudget
from portkey_logs.lib import diff
from portkey_logs.lib.diff import Change, Kind, Stretch, TextDiff

MAX_CHANGES = 200  # on the page; a request that differs in more places is another request
MAX_CHARACTERS = 100_000  # of one text: what a browser lays out without a pause
MAX_TEXT = 400_000  # of all differences of two requests: comparing so many by words takes some 0.3 s
MAX_VECTORS = 20
SAME_EDGE = 160  # characters that stay around a change; the long rest that is the same in both is left out
REWRITTEN = 0.3  # texts that share less are shown beside each other, not word by word

Tone = Literal["", "better", "worse"]


@dataclass(frozen=True)
class Figure:
    """One line of the table. ``change`` is the later value against the earlier one, in words."""

    label: str
    before: str
    after: str
    change: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Shown:
    """A difference as it is drawn: the stretches of both texts as one, or of each where they have little in common."""

    stretches: list[Stretch]
    before: list[Stretch] = field(default_factory=list)
    after: list[Stretch] = field(default_factory=list)

    @property
    def is_rewritten(self) -> bool:
        return not self.stretches


@dataclass(frozen=True)
class ShownChange:
    change: Change
    shown: Shown


@dataclass(frozen=True)
class Group:
    """The changes of one part of the request."""

    title: str
    changes: list[ShownChange]


@dataclass(frozen=True)
class Vectors:
    """One embedding of each log."""

    number: int
    before: str
    after: str
    distance: float | None


class Comparison:
    """``before`` and ``after`` are logs of one workspace; each part is computed when it is asked for."""

    def __init__(self, before: Log, after: Log) -> None:
        self.before, self.after = before, after
        self._sides = read_sides(before), read_sides(after)

    @property
    def figures(self) -> list[Figure]:
        return figures(self.before, self.after)

    # --- the requests ------------------------------------------------------------------------------------------

    @cached_property
    def request_note(self) -> str:
        """Why the requests cannot be compared; empty where they can."""
        for side, which in zip(self._requests, ("first", "second"), strict=True):
            if not side.is_kept:
                return f"The body of the {which} request was not kept."
            if side.is_large:
                return f"The {which} request is too large to be compared ({presentation.size(side.size)})."
            if side.value is None:
                return f"The {which} request is not JSON."
            if diff.is_deep(side.value):
                return f"The {which} request is nested too deep to be compared."
        return ""

    @cached_property
    def changes(self) -> list[Change]:
        if self.request_note:
            return []
        before, after = self._requests
        return diff.changes(before.value, after.value)

    @cached_property
    def drawn_changes(self) -> list[ShownChange]:
        return draw(self.changes)

    @property
    def groups(self) -> list[Group]:
        found = [
            Group(part.title(), [each for each in self.drawn_changes if each.change.part == part]) for part in _PARTS
        ]
        return [group for group in found if group.changes]

    @property
    def more_changes(self) -> int:
        return len(self.changes) - len(self.drawn_changes)

    # --- the answers -------------------------------------------------------------------------------------------

    @cached_property
    def answer(self) -> TextDiff:
        return diff.words(*map(answer_text, self._answers))

    @property
    def shown_answer(self) -> Shown:
        return show(self.answer)

    @property
    def alike_in_words(self) -> str:
        return f"{self.answer.alike:.0%} of the text is the same"

    @property
    def answer_note(self) -> str:
        for side, which in zip(self._answers, ("first", "second"), strict=True):
            if not side.is_kept:
                return f"The body of the {which} answer was not kept."
        return ""

    @cached_property
    def vectors(self) -> list[Vectors]:
        """For embeddings: each pair of vectors, and how far apart they point."""
        if {self.before.request_type, self.after.request_type} != {"embedding"}:
            return []
        pair = [
            embeddings.vectors_of(side.glance)[:MAX_VECTORS] if isinstance(side.glance, dict) else []
            for side in self._answers
        ]
        return [
            Vectors(
                number,
                embeddings.summary(old) if old else "",
                embeddings.summary(new) if new else "",
                diff.cosine_distance(old, new) if old and new else None,
            )
            for number, (old, new) in enumerate(zip_longest(*pair))
        ]

    @property
    def _requests(self) -> tuple[Side, Side]:
        return self._sides[0][0], self._sides[1][0]

    @property
    def _answers(self) -> tuple[Side, Side]:
        return self._sides[0][1], self._sides[1][1]


_PARTS = ("messages", "tools", "parameters")


def figures(before: Log, after: Log) -> list[Figure]:
    """The numbers of two logs, only those that at least one of them has."""
    found = [
        Figure("Status", _status(before), _status(after), tone=_status_tone(before, after)),
        _words("Model", before.model, after.model),
        _words("Provider", before.provider, after.provider),
        _number("Latency", before.latency_ms, after.latency_ms, presentation.duration, less_is_better=True),
        _number(
            "First token",
            before.time_to_first_token_ms,
            after.time_to_first_token_ms,
            presentation.duration,
            less_is_better=True,
        ),
        _number("Input tokens", before.input_tokens, after.input_tokens),
        _number("Output tokens", before.output_tokens, after.output_tokens),
        _number("Cost", presentation.spent(before), presentation.spent(after), presentation.cents, less_is_better=True),
        _words("Finish reason", before.finish_reason, after.finish_reason),
    ]
    return [figure for figure in found if figure.before or figure.after]


def _status(log: Log) -> str:
    return presentation.status_phrase(log.status_code) if log.status_code is not None else "No answer"


def _status_tone(before: Log, after: Log) -> Tone:
    if before.is_success == after.is_success:
        return ""
    return "better" if after.is_success else "worse"


def _words(label: str, before: str | None, after: str | None) -> Figure:
    return Figure(label, before or "", after or "", "" if before == after else "changed")


def _number(
    label: str,
    before: int | Decimal | None,
    after: int | Decimal | None,
    in_words: Callable[[Any], str] = "{:,}".format,
    *,
    less_is_better: bool = False,
) -> Figure:
    old, new = ("" if value is None else in_words(value) for value in (before, after))
    if before is None or after is None or before == after:
        return Figure(label, old, new)
    difference = after - before
    change = ("+" if difference > 0 else "−") + in_words(abs(difference))
    if before and abs(float(difference)) < 10 * float(before):
        change += f" ({100 * float(difference) / float(before):+.0f}%)".replace("-", "−")
    tone: Tone = ("better" if difference < 0 else "worse") if less_is_better else ""
    return Figure(label, old, new, change, tone)


def answer_text(side: Side) -> str:
    """What an answer says, as one text: words and tool calls; where it is no conversation, its JSON or its bytes."""
    if side.conversation is not None:
        messages = ("\n".join(_said(message.parts)) for message in side.conversation.messages)
        return "\n\n".join(messages)[:MAX_CHARACTERS]
    if side.is_large or side.value is None:
        return side.raw().text[:MAX_CHARACTERS]
    return _spelled(side.value)


def _said(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        if part.kind == "tool_call":
            yield f"{part.name}({part.arguments})"
        elif part.text or part.caption:
            yield part.text or part.caption
        yield from _said(part.parts)


def draw(changes: Sequence[Change]) -> list[ShownChange]:
    """The changes to draw: the first MAX_CHANGES, as far as MAX_TEXT reaches."""
    left = MAX_TEXT
    found: list[ShownChange] = []
    for change in changes[:MAX_CHANGES]:
        before, after = _spelled(change.before), _spelled(change.after)
        left -= len(before) + len(after)
        if left < 0 and found:
            break
        found.append(ShownChange(change, _shown(change.kind, before, after)))
    return found


def _shown(kind: Kind, before: str, after: str) -> Shown:
    if kind == "added":
        return Shown([Stretch("added", after)])
    if kind == "removed":
        return Shown([Stretch("removed", before)])
    return show(diff.words(before, after))


def show(difference: TextDiff) -> Shown:
    if difference.alike < REWRITTEN and {stretch.kind for stretch in difference.stretches} >= {"removed", "added"}:
        return Shown([], difference.before, difference.after)
    found = difference.stretches
    return Shown([piece for at in range(len(found)) for piece in _shortened(found, at)])


def _shortened(stretches: list[Stretch], at: int) -> Iterator[Stretch]:
    """A long stretch that is the same in both: its edges, and how much was left out between them."""
    stretch = stretches[at]
    left_out = len(stretch.text) - 2 * SAME_EDGE
    if stretch.kind != "same" or len(stretches) == 1 or left_out < SAME_EDGE:
        yield stretch
        return
    start = "" if at == 0 else stretch.text[:SAME_EDGE]
    end = "" if at == len(stretches) - 1 else stretch.text[-SAME_EDGE:]
    if start:
        yield Stretch("same", start)
    yield Stretch("gap", f"{len(stretch.text) - len(start) - len(end):,} characters the same")
    if end:
        yield Stretch("same", end)


def _spelled(value: Any) -> str:
    """A text as it is, any other value as JSON over lines; as much as is drawn of it."""
    text = value
    if not isinstance(value, str):
        line = compact(value)[: MAX_CHARACTERS + 1]
        budget = DrawingBudget()
        text, _ = budget.run(lambda: over_lines(line, budget)) or (line, 0)
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison's JSON twin, without the two logs."""
    changes = [
        {"path": each.path, "part": each.part, "change": each.kind}
        | ({"before": each.before} if each.kind != "added" else {})
        | ({"after": each.after} if each.kind != "removed" else {})
        for each in comparison.changes
    ]
    answer = comparison.answer
    return {
        "request": {"changes": changes, "note": comparison.request_note or None},
        "answer": {
            "is_same": answer.is_same,
            "alike": round(answer.alike, 4),
            "words": [{"change": stretch.kind, "text": stretch.text} for stretch in answer.stretches],
            "note": comparison.answer_note or None,
        },
        "embeddings": [
            {"index": each.number, "first": each.before, "second": each.after, "cosine_distance": each.distance}
            for each in comparison.vectors
        ],
    }

"""What is done to a whole transcript: a bound on how much is drawn, calls joined with their results, JSON set out."""

from __future__ import annotations

from functools import partial
from itertools import chain

from logs.viewer.conversation.parts import Conversation, Message, Part, note
from logs.viewer.conversation.pretty import over_lines
from logs.viewer.drawing import DrawingBudget

# A page of this much text is laid out at once; definitions of tools, which are folded, have as much again. Beyond it,
# long parts give way and short ones stay whole.
TEXT_BUDGET = 400_000
# Markdown and colours take up to 0.25 s for 100 KB.
RICH_BUDGET = 100_000
# A part takes some 0.3 ms to draw, however small: 200 messages of five parts each.
MAX_PARTS = 1_000
# Characters of what is no text: names, ids, captions, sources, scores, cells. 200 sources of 300 characters, and more.
LABEL_BUDGET = 100_000


def finished(talk: Conversation | None) -> Conversation | None:
    if talk is None:
        return None
    _drop_rest(talk)
    found = list(talk.all_parts())
    _join_results(found)
    _set_out(talk, found)
    _bound(talk, found)
    return talk


def _drop_rest(talk: Conversation) -> None:
    """Leave out the parts behind MAX_PARTS or LABEL_BUDGET, in reading order, and say how many messages have them."""
    limit = _Limit()
    messages: list[Message] = []
    for message in talk.messages:
        if limit.is_reached:
            break
        limit.labels_left -= len(message.role) + len(message.name) + len(message.finish_reason)
        message.parts = limit.of(message.parts)
        messages.append(message)
    if limit.is_reached:
        hidden = len(talk.messages) - len(messages)
        rest = f"This part and {hidden:,} messages behind it" if hidden else "The rest"
        messages.append(Message("", parts=[note(f"{rest} have too many parts to be drawn here; see JSON.")]))
    talk.messages = messages


class _Limit:
    def __init__(self) -> None:
        self.parts_left = MAX_PARTS
        self.labels_left = LABEL_BUDGET

    @property
    def is_reached(self) -> bool:
        return self.parts_left < 0 or self.labels_left < 0

    def of(self, parts: list[Part]) -> list[Part]:
        """The parts up to the limit, those inside them as well."""
        kept = []
        for part in parts:
            self.parts_left -= 1
            self.labels_left -= _label_size(part)
            if self.is_reached:
                break
            part.parts = self.of(part.parts)
            kept.append(part)
        return kept


def _label_size(part: Part) -> int:
    """Characters of what is drawn of a part besides its text; each line of a list counts as 40 at least."""
    lines = chain(
        ((score.label, score.text) for score in part.scores),
        ((each.title, each.address, each.quote) for each in part.citations),
        part.rows,
    )
    labels = len(part.name) + len(part.id) + len(part.caption) + len(part.address)
    return labels + sum(40 + sum(map(len, line)) for line in lines)


def _join_results(found: list[Part]) -> None:
    """Each call leads to its result and back; a result is named by the tool that it is of."""
    calls = {part.id: part for part in found if part.kind == "tool_call" and part.id}
    for position, part in enumerate(found):
        call = calls.get(part.id) if part.kind == "tool_result" else None
        if call is None or call.answered_by:
            continue
        part.name = part.name or call.name
        part.anchor, call.anchor = f"result-{position}", f"call-{position}"
        part.answers, call.answered_by = call.anchor, part.anchor


def _set_out(talk: Conversation, found: list[Part]) -> None:
    """JSON with one value a line, as far as the time for the card reaches; the rest stays in one line."""
    for part in found:
        if part.is_json and part.kind == "tool_call":
            part.arguments, part.cut = _over_lines(part.arguments, talk.budget)
        elif part.is_json:
            part.text, part.cut = _over_lines(part.text, talk.budget)
    for tool in talk.tools:
        tool.schema_json, tool.cut = _over_lines(tool.schema_json, talk.budget)


def _over_lines(text: str, budget: DrawingBudget) -> tuple[str, int]:
    return budget.run(partial(over_lines, text, budget)) or (text, 0)


def _bound(talk: Conversation, found: list[Part]) -> None:
    limit = _share([len(part.text) for part in found] + [len(part.arguments) for part in found], TEXT_BUDGET)
    for part in found:
        part.cut += max(len(part.text) - limit, 0) + max(len(part.arguments) - limit, 0)
        part.text, part.arguments = part.text[:limit], part.arguments[:limit]
    rich = _share([len(part.text) + len(part.arguments) for part in found], RICH_BUDGET)
    for part in found:
        part.is_rich = part.is_rich and len(part.text) + len(part.arguments) <= rich
    limit, rich = (_share([len(tool.schema_json) for tool in talk.tools], size) for size in (TEXT_BUDGET, RICH_BUDGET))
    for tool in talk.tools:
        tool.cut += max(len(tool.schema_json) - limit, 0)
        tool.schema_json = tool.schema_json[:limit]
        tool.is_rich = len(tool.schema_json) <= rich


def _share(lengths: list[int], budget: int) -> int:
    """The longest length that each may have so that all together stay within the budget."""
    longest = max(lengths, default=0)
    left, count = budget, len(lengths)
    for length in sorted(lengths):
        if length * count > left:
            return left // count
        left -= length
        count -= 1
    return longest

"""What is done to a whole transcript: calls joined with their results, and a bound on how much is drawn."""

from __future__ import annotations

from logs.conversation.parts import Conversation, Part

# A page of this much text is laid out at once. Beyond it, long parts give way and short ones stay whole.
TEXT_BUDGET = 400_000
# Markdown and colours take some 50 ms for 100 KB.
RICH_BUDGET = 100_000


def finished(talk: Conversation | None) -> Conversation | None:
    if talk is None:
        return None
    found = list(talk.all_parts())
    _join_results(found)
    _bound(found)
    return talk


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


def _bound(found: list[Part]) -> None:
    limit = _share([len(part.text) for part in found] + [len(part.arguments) for part in found], TEXT_BUDGET)
    for part in found:
        part.cut += max(len(part.text) - limit, 0) + max(len(part.arguments) - limit, 0)
        part.text, part.arguments = part.text[:limit], part.arguments[:limit]
    rich = _share([len(part.text) + len(part.arguments) for part in found], RICH_BUDGET)
    for part in found:
        part.is_rich = part.is_rich and len(part.text) + len(part.arguments) <= rich


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

"""The time that formatting may take. What is logged is hostile text: its length says little about what it costs."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time

# Of one card. The densest Markdown that a card formats (finish.RICH_BUDGET, 100,000 characters of lists, tables and
# code) takes 0.25 s; twice that leaves room for a slower machine.
CARD_SECONDS = 0.5
PLAIN_NOTE = "This and what follows is shown as plain text: it took too long to format."
_CALLS_PER_LOOK = 32  # asking for the time costs as much as a small step of a parser


class BudgetExhausted(Exception):
    """The budget, or another bound of the text, was used up in the middle of a step: the text is shown plain."""


class DrawingBudget:
    """What one card may still spend on Markdown, colours and the layout of JSON.

    It counts the thread's CPU time rather than the clock's: a busy machine must not change the look of a page.
    """

    def __init__(self, seconds: float = CARD_SECONDS) -> None:
        self._left = seconds
        self._end = 0.0
        self._calls = 0
        self._is_announced = False

    @property
    def is_spent(self) -> bool:
        return self._left <= 0

    def run[Drawn](self, draw: Callable[[], Drawn]) -> Drawn | None:
        """Return what ``draw`` returns; None where the time is used up, before or in the middle of it."""
        if self.is_spent:
            return None
        start = thread_time()
        self._end = start + self._left
        try:
            return draw()
        except BudgetExhausted:
            return None
        finally:
            self._left -= thread_time() - start

    def check(self) -> None:
        """Raise BudgetExhausted where the time is used up. To be called often by whatever ``run`` runs."""
        self._calls += 1
        if self._calls % _CALLS_PER_LOOK == 0 and thread_time() > self._end:
            raise BudgetExhausted

    def announcement(self) -> str:
        """Return the note for readers, once, behind the first text that was left plain."""
        if not self.is_spent or self._is_announced:
            return ""
        self._is_announced = True
        return PLAIN_NOTE

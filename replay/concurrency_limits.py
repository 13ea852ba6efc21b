"""How many runs may be watched at a time. Each holds a thread of the web process, however silent its provider is."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

MAX_RUNS = 50  # the process has as many threads for runs, beside those for pages
MAX_OF_A_PERSON = 8  # four side by side, in two tabs


class Refused(Exception):
    """A run that is not to be. The text is for whoever asked for it; ``status`` is that of the answer."""

    status = 409


class Busy(Refused):
    """Not now."""

    status = 429


class Slots:
    """Places for runs, of which one person may have a few."""

    def __init__(self, limit: int, of_a_person: int) -> None:
        self._limit = limit
        self._of_a_person = of_a_person
        self._taken: Counter[int] = Counter()
        self._lock = threading.Lock()

    def check(self, person: int) -> None:
        """Raises Busy where there is no place for another run of the person."""
        if self._taken.total() >= self._limit:
            raise Busy(f"{self._limit} requests are running already. Wait until one of them has ended.")
        if self._taken[person] >= self._of_a_person:
            raise Busy(f"{self._of_a_person} of your requests are running already. Wait until one of them has ended.")

    @contextmanager
    def held(self, person: int) -> Iterator[None]:
        """Have a place for as long as this lasts. Raises Busy."""
        with self._lock:
            self.check(person)
            self._taken[person] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[person] -= 1
                self._taken += Counter()  # forgets those who have none any more


slots = Slots(MAX_RUNS, MAX_OF_A_PERSON)

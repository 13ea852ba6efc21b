"""Ending runs that are under way: at once where this process carries them out, else by a mark that their own sees."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection
from django.db.utils import Error as DatabaseError

from replay.models import Run

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # how soon a stop is seen that came through another process


class Stops:
    """What this process carries out, and how each of it is ended."""

    def __init__(self) -> None:
        self._stops: dict[UUID, Callable[[], None]] = {}
        self._is_watched = False
        self._changed = threading.Condition()

    @contextmanager
    def offered(self, id: UUID, stop: Callable[[], None]) -> Iterator[None]:
        """For as long as this lasts ``stop`` ends the run, from any thread."""
        with self._changed:
            self._stops[id] = stop
            if not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, name="replay-stops", daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                del self._stops[id]
                self._changed.notify_all()

    def ask(self, run: Run) -> None:
        """End a run, wherever it is under way."""
        run.mark_stopped()
        if stop := self._stops.get(run.pk):
            stop()

    def _watch(self) -> None:
        """One thread and one connection look for all runs, and are there while any is under way."""
        try:
            while under_way := self._after_a_while():
                try:
                    stopped = Run.objects.filter(id__in=under_way, state=Run.State.STOPPED).values_list("id", flat=True)
                    for stop in [under_way[id] for id in stopped]:
                        stop()
                except DatabaseError as error:
                    logger.warning("Stops wait for the database: %s", str(error).strip())
                    connection.close()
        finally:
            connection.close()

    def _after_a_while(self) -> dict[UUID, Callable[[], None]]:
        """What is under way then; nothing as soon as nothing is."""
        with self._changed:
            self._changed.wait_for(lambda: not self._stops, LOOK_SECONDS)
            self._is_watched = bool(self._stops)
            return dict(self._stops)


stops = Stops()

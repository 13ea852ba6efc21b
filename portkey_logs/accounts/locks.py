"""Counting what there is and adding to it, as one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import models, transaction


@contextmanager
def one_at_a_time(row: models.Model) -> Iterator[None]:
    """A transaction that has a row to itself, such as a person's: of two that count what is theirs and add to it, the
    second sees what the first added. Nobody waits who only refers to the row."""
    with transaction.atomic():
        row.__class__._default_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
        yield

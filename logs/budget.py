"""Queries that may be given up: what a page shows beside its rows is not worth any wait."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import OperationalError, connection, transaction


def within[Row](ms: int, rows: Iterable[Row]) -> list[Row] | None:
    """The rows of a lazy query, or None where it took longer than ``ms``."""
    set_timeout = "SELECT set_config('statement_timeout', %s, true)"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(set_timeout, [f"{max(ms, 1)}ms"])
            found = list(rows)
            cursor.execute(set_timeout, ["0"])  # an enclosing transaction keeps its own
            return found
    except OperationalError as error:
        if "statement timeout" in str(error):
            return None
        raise

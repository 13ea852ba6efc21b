"""Queries under a time budget: what a page offers beside its rows is not worth any wait."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

_SET = "SELECT set_config('statement_timeout', %s, true)"
_REPLACE = "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)"


def within[Row](ms: int, rows: Iterable[Row]) -> list[Row] | None:
    """Return the rows of a lazy query, or None where it took longer than ``ms``.

    An enclosing transaction, or the connection, has its own limit back afterwards.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_REPLACE, [f"{max(ms, 1)}ms"])
            (earlier, _) = cursor.fetchone()
            fetched = list(rows)
            cursor.execute(_SET, [earlier])  # after a failure, the rollback does that
            return fetched
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise

"""How often each value of several columns occurs, every column by itself, from one look at the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from logs.analytics.rollup_queries import Asked, Query, Table, pieces

MOST_VALUES = 1000  # of a column, read of one piece: nobody is shown more than a few, and rows cost time


@dataclass
class Tally:
    """The most frequent values of a column, NULL left out. ``values`` is how many different ones there are.

    Not ``is_exact``: there were too many to add up across pieces, so that counts and values are at least these.
    """

    counts: Counter[str] = field(default_factory=Counter)
    values: int = 0
    is_exact: bool = True


@dataclass
class Tallies:
    """By column; ``reached`` as of ``sources.Answer``."""

    of: dict[str, Tally]
    reached: datetime | None


def tally(asked: Asked, table: Table, columns: Sequence[str], dimension: str = "") -> Tallies:
    """Count the values of the columns. ``dimension`` is the one to read of DIM. Raises OutOfTime."""
    query = Query(asked, table, tuple(columns), ("requests",), Q(), dimension)
    found, reached = pieces(query, lambda rows: _statement(rows, columns))
    tallies = {column: Tally() for column in columns}
    for piece in found:
        for place, value, requests, values in piece:
            of_column = tallies[columns[place]]
            of_column.counts[value] += requests
            of_column.values = max(of_column.values, values)
            of_column.is_exact &= values <= MOST_VALUES or len(found) == 1
    for each in tallies.values():
        each.values = max(each.values, len(each.counts))
    return Tallies(tallies, reached)


def _statement(rows: str, columns: Sequence[str]) -> str:
    """The most frequent values of each column with their requests, and how many values the column has."""
    names = ", ".join(f'"{column}"' for column in columns)
    apart = ", ".join(f'({place}, sums."{column}"::text)' for place, column in enumerate(columns))
    return (
        "WITH counted AS MATERIALIZED (SELECT one.place, one.value, sum(requests)::int8 AS requests"  # noqa: S608
        f" FROM (SELECT {names}, sum(requests) AS requests FROM {rows} GROUP BY {names}) AS sums"
        f" CROSS JOIN LATERAL (VALUES {apart}) AS one(place, value) WHERE one.value IS NOT NULL GROUP BY 1, 2)"
        " SELECT place, most.value, most.requests, n"
        " FROM (SELECT place, count(*) AS n FROM counted GROUP BY 1) AS known CROSS JOIN LATERAL"
        " (SELECT value, requests FROM counted WHERE counted.place = known.place"
        f" ORDER BY requests DESC, value LIMIT {MOST_VALUES}) AS most"
    )

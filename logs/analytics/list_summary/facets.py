"""How many of the selected logs have which value: links that narrow the list to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from logs.analytics.rollup_queries import CORE, DIM, Asked, OutOfTime
from logs.analytics.value_counts import Tally, tally
from logs.explorer.filters.address import Address
from logs.explorer.query import exactly
from logs.llm.vocabulary import CacheStatus, FallbackStatus, GatewayState, LoadbalanceStatus, RetryStatus

MOST_VALUES = 6  # of a facet: the rest is a word in the query bar away


def _words(states: type[GatewayState]) -> dict[str, str]:
    """Return the labels without the name of the feature, which is the facet's title: "Hit" for "Cache Hit"."""
    return {state.value: state.label.partition(" ")[2] or state.label for state in states}


# Filter, title, column, and the words of its values where they are fixed ones.
FACETS: list[tuple[str, str, str, dict[str, str]]] = [
    ("model", "Model", "model", {}),
    ("provider", "Provider", "provider", {}),
    ("status", "HTTP status", "status_code", {}),
    ("cache", "Cache", "cache_status", _words(CacheStatus)),
    ("retry", "Retry", "retry_status", _words(RetryStatus)),
    ("fallback", "Fallback", "fallback_status", _words(FallbackStatus)),
    ("loadbalance", "Load balance", "loadbalance_status", _words(LoadbalanceStatus)),
]


@dataclass(frozen=True)
class FacetValue:
    """``url`` narrows the list to it, or, where it is all that is asked for, takes that back."""

    words: str
    count: int
    url: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """``reached``: counted back to then only. ``others`` are the values that are not shown. Not ``is_exact``: there are
    at least so many of each."""

    title: str
    values: list[FacetValue]
    others: int
    reached: datetime | None
    is_exact: bool


def facets(asked: Asked, address: Address) -> list[Facet]:
    """All that could be counted in time. The columns are counted together: one look at the rows for all of them."""
    try:
        counted = tally(asked, CORE, [column for _, _, column, _ in FACETS])
    except OutOfTime:
        return []
    found = [
        _facet(name, title, counted.of[column], words, address, counted.reached)
        for name, title, column, words in FACETS
    ]
    try:
        users = tally(asked, DIM, ["value"], dimension="user")
    except OutOfTime:
        return found
    return [*found, _facet("user", "User", users.of["value"], {}, address, users.reached)]


def _facet(
    name: str, title: str, tally: Tally, words: dict[str, str], address: Address, reached: datetime | None
) -> Facet:
    values = []
    for value, count in tally.counts.most_common(MOST_VALUES):
        is_chosen = address.params.get(name) == exactly(value)
        url = address.changed({name: ""}) if is_chosen else address.only(name, value)
        values.append(FacetValue(words.get(value, value), count, url, is_chosen))
    return Facet(title, values, tally.values - len(values), reached, tally.is_exact)

"""Requests over time, stacked by how they ended, and what all of them add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from logs.analytics import rollup_queries, sums
from logs.analytics.percentiles import percentiles
from logs.analytics.rollup_queries import CORE, LATENCY, Asked
from logs.analytics.scope import iso
from logs.analytics.sums import Sums
from logs.explorer import presentation
from logs.explorer.filters.address import Address
from logs.llm.vocabulary import FROM_CACHE
from portkey_logs.lib import charts
from portkey_logs.lib.charts import Bar, Datum

# From the bottom of a column to its top, with their words for one and for many.
KINDS = {
    "success": ("success", "successes"),
    "hit": ("cache hit", "cache hits"),
    "client": ("client error", "client errors"),
    "server": ("server error", "server errors"),
}


@dataclass(frozen=True)
class Column:
    """One bucket: what it says, where it leads, and its bars; ``since`` and ``until`` are as an address has them."""

    words: str
    url: str
    since: str
    until: str
    left: float
    width: float
    bars: list[Bar]


@dataclass(frozen=True)
class Total:
    label: str
    value: str
    title: str = ""


@dataclass(frozen=True)
class Histogram:
    """``reached`` is set where the budget ended before the range did: all is complete from then on only."""

    columns: list[Column]
    totals: list[Total]
    start: str
    end: str
    reached: datetime | None

    @property
    def legend(self) -> dict[str, str]:
        """The kinds and their words."""
        return {kind: one.capitalize() for kind, (one, _) in KINDS.items()}


def histogram(asked: Asked, address: Address) -> Histogram:
    """Raises OutOfTime where not even the newest part could be added up."""
    answer = rollup_queries.read(asked, CORE, ("place", "is_success", "cache_status", "status_code"), sums.NAMES)
    counts: dict[int, dict[str, int]] = {}
    for row in answer.rows:
        at = counts.setdefault(row["place"], dict.fromkeys(KINDS, 0))
        at[kind_of(row)] += row["requests"]
    return Histogram(
        columns=_columns(asked, counts, address),
        totals=[*_totals(sums.total(answer.rows)), *_latencies(asked)],
        start=_moment(asked.grid.since),
        end=_moment(asked.grid.until),
        reached=answer.reached,
    )


def kind_of(row: Mapping[str, Any]) -> str:
    """How a request ended. What failed without a code of the caller's fault failed on the other side."""
    if row["is_success"]:
        return "hit" if row["cache_status"] in FROM_CACHE else "success"
    return "client" if 400 <= (row["status_code"] or 0) < 500 else "server"


def _columns(asked: Asked, counts: Mapping[int, Mapping[str, int]], address: Address) -> list[Column]:
    grid = asked.grid
    data = [
        Datum(place, at[kind], kind=kind, words=_words(asked, place, at))
        for place, at in sorted(counts.items())
        for kind in KINDS
    ]
    room = charts.WIDTH / len(grid.places)
    columns: dict[str, Column] = {}
    for mark in charts.columns("", data, len(grid.places), []).marks:
        if mark.words not in columns:
            since, until = (iso(moment) for moment in grid.span(round(mark.room[0] / room)))
            url = address.changed({"since": since, "until": until})
            columns[mark.words] = Column(mark.words, url, since, until, mark.room[0], mark.room[2], [])
        columns[mark.words].bars.extend(mark.bars)
    return list(columns.values())


def _words(asked: Asked, place: int, at: Mapping[str, int]) -> str:
    total = sum(at.values())
    parts = [f"{at[kind]:,} {one if at[kind] == 1 else many}" for kind, (one, many) in KINDS.items() if at[kind]]
    return f"{asked.grid.words(place)}: {total:,} request{'' if total == 1 else 's'} ({', '.join(parts)})"


def _totals(found: Sums) -> list[Total]:
    rate = f"{found.error_rate:.1%}" if found.error_rate else ""
    notes = [f"{presentation.cents(found.cost_saved)} saved by the cache"] if found.cost_saved else []
    notes += [f"{found.unpriced:,} without a known price"] if found.unpriced else []
    return [
        Total("Requests", f"{found.requests:,}"),
        Total("Failed", f"{found.failures:,}", rate),
        Total("Cost", presentation.cents(found.cost_spent), ", ".join(notes)),
        Total("Tokens", presentation.compact(found.total_tokens), f"{found.total_tokens:,}"),
    ]


def _latencies(asked: Asked) -> list[Total]:
    """The middle and the slow end, exact to 5%; left out where that would take too long."""
    try:
        answer = rollup_queries.read(asked, LATENCY, ("step",))
    except rollup_queries.OutOfTime:
        return []
    if answer.reached is not None:
        return []
    found = percentiles({row["step"]: row["requests"] for row in answer.rows}, (0.5, 0.95))
    return [
        Total(label, "–" if ms is None else f"≈{presentation.duration(round(ms))}", "Latency, exact to 5%")
        for label, ms in zip(("p50", "p95"), found, strict=True)
    ]


def _moment(moment: datetime) -> str:
    return f"{moment:%-d %b %Y, %H:%M} UTC"

"""Percentiles of latencies that were counted by steps (``rollups.STEP_GROWTH``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil

from logs.storage.rollups import step_bounds

# Any value inside a step is at most so far from what stands for the step.
ERROR_BOUND = 0.05
ERROR_WORDS = "Percentiles are exact to 5%: latencies are counted in steps, each 10% wider than the one before."


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The latency (ms) that at least this share of the requests do not exceed, within ERROR_BOUND; None without any.

    ``counts`` has how many requests fell into which step.
    """
    rank = ceil(round(share * sum(counts.values()), 6))
    for step in sorted(counts):
        rank -= counts[step]
        if rank <= 0 and counts[step]:
            return middle(step)
    return None


def percentiles(counts: Mapping[int, int], shares: Iterable[float]) -> list[float | None]:
    return [percentile(counts, share) for share in shares]


def middle(step: int) -> float:
    """What stands for a step: its geometric middle in whole ms, as latencies are."""
    low, high = step_bounds(step)
    whole = round((low * high) ** 0.5)
    return float(min(max(whole, ceil(low)), max(ceil(high) - 1, ceil(low))))

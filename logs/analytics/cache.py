"""The tab Cache: how often it answers, how much faster that is, and what it saves in money and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

from django.db.models import Q

from logs.analytics import cards, rollup_queries, sums
from logs.analytics.cards import UP_IS_GOOD, Card, Column, Key, Line, Table, figure, many
from logs.analytics.rollup_queries import CORE, Asked
from logs.analytics.scope import Scope, this
from logs.analytics.sums import Sums
from logs.analytics.tabs import about_logs
from logs.extension_types import TabPart
from logs.llm.vocabulary import FROM_CACHE
from portkey_logs.lib import charts
from portkey_logs.lib.charts import Datum, Point

TOP = 10
HITS = Q(cache_status__in=FROM_CACHE)
ANSWERED = Q(is_success=True)
_KEYS = ("place", "provider", "model", "request_type", "cache_status")
_SUMS = ("requests", "latency_ms", "latency_requests", "cost_saved")


class Saved(NamedTuple):
    """Time that hits saved: for each, how much longer the mean answer of the same kind takes without the cache.

    ``ms`` over all hits, and in each bucket; ``unknown`` hits have nothing of their kind to be compared with.
    """

    ms: int
    by_place: dict[int, float]
    unknown: int


def saved_time(rows: Iterable[Mapping[str, Any]]) -> Saved:
    """Of successful requests by place, provider, model, type and cache state."""
    with_cache: dict[Any, dict[int, Sums]] = defaultdict(dict)
    without: dict[Any, Sums] = defaultdict(Sums)
    for row in rows:
        kind = (row["provider"], row["model"], row["request_type"])
        if row["cache_status"] in FROM_CACHE:
            with_cache[kind].setdefault(row["place"], Sums()).add(row)
        else:
            without[kind].add(row)
    by_place: dict[int, float] = defaultdict(float)
    unknown = 0
    for kind, places in with_cache.items():
        mean = without[kind].mean_latency
        for place, hits in places.items():
            if mean is None:
                unknown += hits.requests
            else:
                by_place[place] += max(hits.latency_requests * mean - hits.latency_ms, 0.0)
    return Saved(round(sum(by_place.values())), dict(by_place), unknown)


def rate(scope: Scope) -> Card:
    answer = rollup_queries.read(scope.asked, CORE, ("place", "cache_status"))
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for row in answer.rows:
        counts[row["place"]][row["cache_status"]] = row["requests"]
    data = []
    for place in scope.grid.places:
        words = scope.grid.words(place)
        for kind, state, label in (("c1", "hit", "hits"), ("c2", "semantic_hit", "semantic hits")):
            count = counts[place].get(state, 0)
            data.append(Datum(place, count, f"{words}: {count:,} {label}", scope.logs(place, cache=state), kind))
    now, used = _totals(answer.rows)
    before = used_before = None
    if scope.compares:
        before, used_before = _totals(rollup_queries.read(scope.asked.before(), CORE, ("place", "cache_status")).rows)
    then = None if before is None or used_before is None else cards.ratio(before.cache_hits, used_before)
    simple, semantic = (sum(each.get(state, 0) for each in counts.values()) for state in FROM_CACHE)
    return Card(
        figures=[
            cards.share_figure(
                "Of all requests", now.hit_rate, None if before is None else before.hit_rate, tone=UP_IS_GOOD
            ),
            cards.share_figure("Where the cache was on", cards.ratio(now.cache_hits, used), then, tone=UP_IS_GOOD),
            cards.Figure("Hits", f"{simple:,}", scope.logs(cache="hit")),
            cards.Figure("Semantic hits", f"{semantic:,}", scope.logs(cache="semantic_hit")),
        ],
        chart=charts.columns("Cache hits over time", data, len(scope.grid.places), scope.grid.labels),
        legend=[Key("c1", "hits"), Key("c2", "semantic hits")],
        table=cards.timeline(
            scope,
            ["Hits", "Semantic hits", "Hit rate"],
            lambda place: _hits(counts[place]) if counts[place] else None,
        ),
        reached=answer.reached,
    )  # fmt: skip


def _hits(counts: Mapping[str, int]) -> list[str]:
    simple, semantic = counts.get("hit", 0), counts.get("semantic_hit", 0)
    return [f"{simple:,}", f"{semantic:,}", cards.percent((simple + semantic) / sum(counts.values()))]


def _totals(rows: Iterable[Mapping[str, Any]]) -> tuple[Sums, int]:
    """All requests, and how many used a cache at all."""
    rows = list(rows)
    return sums.total(rows), sum(row["requests"] for row in rows if row["cache_status"] not in ("disabled", "unknown"))


def latency(scope: Scope) -> Card:
    answer = rollup_queries.read(
        scope.asked, CORE, ("place", "cache_status"), ("requests", "latency_ms", "latency_requests"), only=ANSWERED
    )
    groups = sums.grouped(answer.rows, lambda row: (row["place"], row["cache_status"] in FROM_CACHE))
    points = []
    for place in scope.grid.places:
        means = [groups.get((place, is_hit), Sums()).mean_latency for is_hit in (True, False)]
        hit, other = map(cards.milliseconds, means)
        words = f"{scope.grid.words(place)}: {hit} with a hit, {other} without"
        points.append(Point(place, means, words, scope.logs(place, status=scope.outcome("ok"))))
    whole = sums.grouped(answer.rows, lambda row: row["cache_status"] in FROM_CACHE)
    fast, slow = (whole.get(is_hit, Sums()).mean_latency for is_hit in (True, False))
    speedup = slow / fast if fast and slow else None
    return Card(
        figures=[
            cards.Figure("With a hit", cards.milliseconds(fast)),
            cards.Figure("Without", cards.milliseconds(slow)),
            cards.Figure("Faster", f"×{speedup:,.1f}" if speedup else "–"),
        ],
        chart=charts.lines(
            "Mean latency with and without a hit", points, ["c1", "c2"], len(points), scope.grid.labels,
            say=cards.latency_axis,
        ),
        legend=[Key("c1", "with a hit"), Key("c2", "without, of requests that succeeded")],
        table=cards.timeline(
            scope,
            ["With a hit", "Without"],
            lambda place: (
                [cards.milliseconds(value) for value in points[place].values] if any(points[place].values) else None
            ),
        ),
        reached=answer.reached,
    )  # fmt: skip


def money(scope: Scope) -> Card:
    answer = rollup_queries.read(scope.asked, CORE, ("place",), ("requests", "cost_saved", "unpriced"), only=HITS)
    total = sums.total(answer.rows)
    before = _money_before(scope.asked) if scope.compares else None
    by_place = {row["place"]: row["cost_saved"] for row in answer.rows}
    saved = [by_place.get(place, Decimal(0)) for place in scope.grid.places]
    up_to = list(accumulate(saved))
    data = [
        Datum(
            place,
            float(cost),
            f"{scope.grid.words(place)}: {cards.cents(cost)} saved, {cards.cents(up_to[place])} up to then",
            scope.logs(place, cache="hit,semantic_hit"),
            "c3",
        )
        for place, cost in enumerate(saved)
    ]
    return Card(
        figures=[
            figure("Saved", cards.cents(total.cost_saved), total.cost_saved, before, tone=UP_IS_GOOD),
            cards.Figure("Hits without a price", f"{total.unpriced:,}", note="not in the sum"),
        ],
        chart=charts.columns(
            "Money saved over time", data, len(saved), scope.grid.labels, whole=False, say=cards.cents_axis
        ),
        table=cards.timeline(
            scope,
            ["Saved", "Up to then"],
            lambda place: [cards.cents(saved[place]), cards.cents(up_to[place])] if saved[place] else None,
            cache="hit,semantic_hit",
        ),
        reached=answer.reached,
    )


def _money_before(asked: Asked) -> Decimal:
    return sums.total(
        rollup_queries.read(asked.before(), CORE, (), ("requests", "cost_saved"), only=HITS).rows
    ).cost_saved


def time(scope: Scope) -> Card:
    answer = rollup_queries.read(scope.asked, CORE, _KEYS, _SUMS, only=ANSWERED)
    saved = saved_time(answer.rows)
    before = None
    if scope.compares:
        before = saved_time(rollup_queries.read(scope.asked.before(), CORE, _KEYS, _SUMS, only=ANSWERED).rows).ms
    data = [
        Datum(
            place,
            saved.by_place.get(place, 0.0) / 1000,
            f"{scope.grid.words(place)}: {cards.time_spent(round(saved.by_place.get(place, 0.0)))} saved",
            scope.logs(place, cache="hit,semantic_hit"),
            "c3",
        )
        for place in scope.grid.places
    ]
    notes = [
        "For each hit: the mean time that the same model takes for the same kind of request without the cache, less"
        " what the hit took."
    ]
    if saved.unknown:
        notes.append(f"{many(saved.unknown, 'hit')} had nothing to be compared with and are left out.")
    return Card(
        figures=[figure("Time saved", cards.time_spent(saved.ms), saved.ms, before, tone=UP_IS_GOOD)],
        chart=charts.columns(
            "Time saved over time",
            data,
            len(data),
            scope.grid.labels,
            whole=False,
            say=lambda s: f"{charts.number(s)} s",
        ),
        table=cards.timeline(
            scope,
            ["Saved"],
            lambda place: [cards.time_spent(round(saved.by_place[place]))] if saved.by_place.get(place) else None,
            cache="hit,semantic_hit",
        ),
        notes=notes,
        reached=answer.reached,
    )


def models(scope: Scope) -> Card:
    """Which models' answers the cache knows."""
    answer = rollup_queries.read(scope.asked, CORE, ("model", "cache_status"), ("requests", "cost_saved"))
    groups = sums.grouped(answer.rows, lambda row: row["model"])
    found = sorted(
        ((m, s) for m, s in groups.items() if s.cache_hits), key=lambda item: (-item[1].cache_hits, str(item[0]))
    )
    most = found[0][1].cache_hits if found else 0
    lines = [
        Line(
            model or "unknown",
            scope.logs(model=this(model), cache="hit,semantic_hit"),
            [f"{each.cache_hits:,}", cards.percent(each.hit_rate), cards.cents(each.cost_saved)],
            cards.ratio(each.cache_hits, most),
            is_known=bool(model),
        )
        for model, each in found[:TOP]
    ]  # fmt: skip
    more = f"And {many(len(found) - TOP, 'model')} more." if len(found) > TOP else ""
    return Card(
        table=Table("Model", [Column("Hits"), Column("Hit rate"), Column("Saved")], lines, more=more),
        reached=answer.reached,
        empty="No request in this time was answered out of a cache.",
    )


TAB = about_logs(
    "cache",
    "Cache",
    {
        "rate": TabPart("Hits", rate),
        "latency": TabPart("Latency", latency),
        "money": TabPart("Money saved", money),
        "time": TabPart("Time saved", time),
        "models": TabPart("By model", models, is_wide=True),
    },
)

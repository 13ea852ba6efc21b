"""The tab Routing: which option of which config served, and how often fallbacks and load balancers did their work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from logs.analytics import cards, rollup_queries, sums
from logs.analytics.cards import Card, Column, Key, Line, Table, many
from logs.analytics.rollup_queries import CORE, DIM
from logs.analytics.scope import Scope, this
from logs.analytics.tabs import about_logs
from logs.extension_types import TabPart
from logs.storage import rollups
from portkey_logs.lib import charts
from portkey_logs.lib.charts import Datum

TOP = 20
COLOURS = ("c1", "c2", "c3", "c4", "c5")


def options(scope: Scope) -> Card:
    answer = rollup_queries.read(
        scope.asked,
        DIM,
        ("value",),
        ("requests", "failures", "latency_ms", "latency_requests", "cost_spent", "unpriced"),
        dimension="option",
    )
    groups = sums.grouped(answer.rows, lambda row: rollups.option_of(row["value"]))
    by_config: dict[str | None, int] = defaultdict(int)
    for (_, config), each in groups.items():
        by_config[config] += each.requests
    found = sorted(groups.items(), key=lambda item: (-by_config[item[0][1]], item[0][1] or "", -item[1].requests))
    lines = [
        Line(
            path,
            scope.logs(option=path, config=this(config)) if rollups.is_option_path(path) else "",
            [
                config or "given inline",
                f"{each.requests:,}",
                cards.percent(cards.ratio(each.requests, by_config[config])),
                cards.percent(each.error_rate),
                cards.milliseconds(each.mean_latency),
                "–" if each.unpriced == each.requests else cards.cents(each.cost_spent),
            ],
            cards.ratio(each.requests, by_config[config]),
        )
        for (path, config), each in found[:TOP]
    ]
    columns = [
        Column(label) for label in ("Config", "Requests", "Share of its config", "Error rate", "Mean latency", "Spent")
    ]
    more = f"And {many(len(found) - TOP, 'option')} more." if len(found) > TOP else ""
    return Card(
        table=Table("Option", columns, lines, more=more),
        notes=["Which target of a config answered. Configs that came inline with their requests share one name."]
        if lines
        else (),
        reached=answer.reached,
        empty="No request in this time went through a config's targets.",
    )


def fallback(scope: Scope) -> Card:
    return _shares(
        scope,
        "fallback",
        "Requests with a fallback over time",
        {"active": "the first option answered", "triggered": "another option answered"},
    )


def loadbalance(scope: Scope) -> Card:
    return _shares(
        scope,
        "loadbalance",
        "Requests by load balancing over time",
        {"active": "balanced", "disabled": "not balanced"},
    )


def _shares(scope: Scope, name: str, title: str, states: Mapping[str, str]) -> Card:
    """How many requests were in which of these states, over time, and each one's share of them."""
    column = f"{name}_status"
    answer = rollup_queries.read(scope.asked, CORE, ("place", column))
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for row in answer.rows:
        if row[column] in states:
            counts[row["place"]][row[column]] = row["requests"]
    data = []
    for place in scope.grid.places:
        total = sum(counts[place].values())
        for kind, (state, label) in zip(COLOURS, states.items(), strict=False):
            count = counts[place].get(state, 0)
            share = cards.percent(cards.ratio(count, total))
            words = f"{scope.grid.words(place)}: {many(count, 'request')}, {share}, {label}"
            data.append(Datum(place, count, words, scope.logs(place, **{name: state}), kind))
    totals = {state: sum(each.get(state, 0) for each in counts.values()) for state in states}
    return Card(
        figures=[
            cards.Figure(
                label.capitalize(), f"{totals[state]:,}", scope.logs(None, **{name: state}),
                note=cards.percent(cards.ratio(totals[state], sum(totals.values()))),
            )
            for state, label in states.items()
        ],
        chart=charts.columns(title, data, len(scope.grid.places), scope.grid.labels),
        legend=[Key(kind, label) for kind, label in zip(COLOURS, states.values(), strict=False)],
        table=cards.timeline(
            scope,
            [label.capitalize() for label in states.values()],
            lambda place: _cells(counts[place], list(states)) if counts[place] else None,
        ),
        reached=answer.reached,
    )  # fmt: skip


def _cells(counts: Mapping[str, int], states: Sequence[str]) -> list[str]:
    total = sum(counts.values())
    return [f"{counts.get(state, 0):,} ({cards.percent(counts.get(state, 0) / total)})" for state in states]


def providers(scope: Scope) -> Card:
    """Which provider answered in the end."""
    answer = rollup_queries.read(scope.asked, CORE, ("place", "provider"))
    totals: dict[str | None, int] = defaultdict(int)
    by_place: dict[tuple[int, str | None], int] = {}
    for row in answer.rows:
        totals[row["provider"]] += row["requests"]
        by_place[row["place"], row["provider"]] = row["requests"]
    ranked = sorted(totals, key=lambda name: (-totals[name], str(name)))
    kinds = dict(zip(ranked, COLOURS, strict=False))
    data = []
    for place in scope.grid.places:
        for name in ranked:
            count = by_place.get((place, name), 0)
            words = f"{scope.grid.words(place)}: {many(count, 'request')} by {name or 'an unknown provider'}"
            data.append(Datum(place, count, words, scope.logs(place, provider=this(name)), kinds.get(name, "rest")))
    whole = sum(totals.values())
    return Card(
        chart=charts.columns("Requests by provider over time", data, len(scope.grid.places), scope.grid.labels),
        legend=[Key(kind, name or "unknown") for name, kind in kinds.items()]
        + ([Key("rest", "other providers")] if len(ranked) > len(kinds) else []),
        table=Table(
            "Provider",
            [Column("Requests"), Column("Share")],
            [
                Line(
                    name or "unknown", scope.logs(provider=this(name)),
                    [f"{totals[name]:,}", cards.percent(cards.ratio(totals[name], whole))],
                    cards.ratio(totals[name], whole), kinds.get(name, "rest"), is_known=bool(name),
                )
                for name in ranked[:TOP]
            ],
        ),
        reached=answer.reached,
    )  # fmt: skip


TAB = about_logs(
    "routing",
    "Routing",
    {
        "fallback": TabPart("Fallbacks", fallback),
        "loadbalance": TabPart("Load balancing", loadbalance),
        "providers": TabPart("By provider", providers, is_wide=True),
        "options": TabPart("Options that served", options, is_wide=True),
    },
)

"""The tab Users: how many there are, and who sends and costs how much."""

from __future__ import annotations

from logs.analytics import cards, rollup_queries, sums
from logs.analytics.cards import Card, Column, Line, Table, many
from logs.analytics.overview import cost_in_words, users
from logs.analytics.rollup_queries import DIM
from logs.analytics.scope import Scope, this
from logs.analytics.tabs import about_logs
from logs.extension_types import TabPart
from portkey_logs.lib import charts
from portkey_logs.lib.charts import Point

TOP = 20


def per_user(scope: Scope) -> Card:
    """How many requests a user sends in each bucket, on average over those who sent any."""
    found = rollup_queries.spread(scope.asked, "user")
    means = {place: found.requests[place] / count for place, count in found.values.items()}
    points = [
        Point(
            place,
            [means[place]],
            f"{scope.grid.words(place)}: {charts.number(means[place])} requests per user",
            scope.logs(place, user=scope.params.get("user", "*")),
        )
        for place in sorted(means)
    ]
    sent = sum(found.requests.values())
    return Card(
        figures=[
            cards.Figure("Requests per user", charts.number(sent / found.total) if found.total else "–"),
            cards.Figure("Requests with a user", f"{sent:,}", scope.logs(user=scope.params.get("user", "*"))),
        ],
        chart=charts.lines("Requests per user over time", points, ["c1"], len(scope.grid.places), scope.grid.labels),
        table=cards.timeline(
            scope,
            ["Requests per user", "Users"],
            lambda place: [charts.number(means[place]), f"{found.values[place]:,}"] if place in means else None,
        ),
        reached=found.reached,
    )


def top(scope: Scope) -> Card:
    answer = rollup_queries.read(
        scope.asked, DIM, ("value",), (*sums.NAMES, "failures", "cache_hits"), dimension="user"
    )
    groups = sums.grouped(answer.rows, lambda row: row["value"])
    found = sorted(groups.items(), key=lambda item: (-item[1].requests, item[0]))
    most = found[0][1].requests if found else 0
    lines = [
        Line(
            user,
            scope.logs(user=this(user)),
            [
                f"{each.requests:,}",
                cost_in_words(each),
                f"{each.total_tokens:,}",
                cards.percent(each.error_rate),
                cards.milliseconds(each.mean_latency),
            ],
            cards.ratio(each.requests, most),
        )
        for user, each in found[:TOP]
    ]
    columns = [Column(label) for label in ("Requests", "Spent", "Tokens", "Error rate", "Mean latency")]
    more = f"And {many(len(found) - TOP, 'user')} more: the Summary has them." if len(found) > TOP else ""
    return Card(
        table=Table("User", columns, lines, more=more),
        reached=answer.reached,
        empty="No request in this time says whom it is for. Send _user in its metadata, or user in its body.",
    )


TAB = about_logs(
    "users",
    "Users",
    {
        "unique": TabPart("Unique users", users),
        "per-user": TabPart("Requests per user", per_user),
        "top": TabPart("Users with most requests", top, is_wide=True),
    },
)

"""The tab Overview: how much, how dear, how fast, for whom, and with which models."""

from __future__ import annotations

from collections import Counter

from logs.analytics import cards, rollup_queries, sums
from logs.analytics.cards import UP_IS_BAD, UP_IS_GOOD, Card, Column, Key, Line, Table, figure, many
from logs.analytics.percentiles import ERROR_WORDS, percentiles
from logs.analytics.rollup_queries import CORE, LATENCY
from logs.analytics.scope import Scope, this
from logs.analytics.sums import Sums
from logs.analytics.tabs import about_logs
from logs.extension_types import TabPart
from portkey_logs.lib import charts
from portkey_logs.lib.charts import Datum, Point

TOP = 10
SHARES = (0.5, 0.9, 0.99)


def requests(scope: Scope) -> Card:
    course = sums.course(scope)
    now, total = course.places, course.total
    data = []
    for place, each in enumerate(now):
        words = scope.grid.words(place)
        for kind, label, count in (
            ("ok", "succeeded", each.requests - each.failures),
            ("failed", "failed", each.failures),
        ):
            url = scope.logs(place, status=scope.outcome(kind))
            data.append(Datum(place, count, f"{words}: {count:,} {label}", url, kind))
    return Card(
        figures=[
            figure(
                "Requests", f"{total.requests:,}", total.requests, course.then(lambda sums: sums.requests),
                url=scope.logs(),
            ),
            figure(
                "Failed", f"{total.failures:,}", total.failures, course.then(lambda sums: sums.failures),
                url=scope.logs(status=scope.outcome("failed")), tone=UP_IS_BAD,
            ),
            cards.share_figure(
                "Success", total.success_rate, course.then(lambda sums: sums.success_rate), tone=UP_IS_GOOD
            ),
        ],
        chart=charts.columns(
            "Requests over time", data, len(now), scope.grid.labels,
            before=[float(each.requests) for each in course.before],
        ),
        legend=[Key("ok", "succeeded"), Key("failed", "failed"), *_legend_before(scope)],
        table=cards.timeline(
            scope,
            ["Requests", "Failed"],
            lambda place: [f"{now[place].requests:,}", f"{now[place].failures:,}"] if now[place].requests else None,
        ),
        reached=course.reached,
    )  # fmt: skip


def cost(scope: Scope) -> Card:
    course = sums.course(scope)
    now, total = course.places, course.total
    data = []
    for place, each in enumerate(now):
        words, url = scope.grid.words(place), scope.logs(place)
        data.append(Datum(place, float(each.cost_spent), f"{words}: {cards.cents(each.cost_spent)} spent", url, "c1"))
        saved = scope.logs(place, cache="hit")
        data.append(Datum(place, float(each.cost_saved), f"{words}: {cards.cents(each.cost_saved)} saved", saved, "c3"))
    mean = total.cost_spent / total.paid if total.paid else None
    return Card(
        figures=[
            figure(
                "Spent", cards.cents(total.cost_spent), total.cost_spent, course.then(lambda sums: sums.cost_spent)
            ),
            figure(
                "Saved by the cache", cards.cents(total.cost_saved), total.cost_saved,
                course.then(lambda sums: sums.cost_saved), tone=UP_IS_GOOD,
            ),
            cards.Figure("Per priced request", cards.cents(mean)),
            cards.Figure("Without a price", f"{total.unpriced:,}", note="not in the sums"),
        ],
        chart=charts.columns(
            "Cost over time", data, len(now), scope.grid.labels, whole=False, say=cards.cents_axis,
            before=[float(each.cost_spent) for each in course.before],
        ),
        legend=[Key("c1", "spent"), Key("c3", "saved by the cache"), *_legend_before(scope)],
        table=cards.timeline(
            scope,
            ["Spent", "Saved", "Without a price"],
            lambda place: (
                [cards.cents(now[place].cost_spent), cards.cents(now[place].cost_saved), f"{now[place].unpriced:,}"]
                if now[place].requests
                else None
            ),
        ),
        reached=course.reached,
    )  # fmt: skip


def tokens(scope: Scope) -> Card:
    course = sums.course(scope)
    now, total = course.places, course.total
    data = []
    for place, each in enumerate(now):
        words, url = scope.grid.words(place), scope.logs(place)
        data.append(Datum(place, each.input_tokens, f"{words}: {each.input_tokens:,} tokens in", url, "c1"))
        data.append(Datum(place, each.output_tokens, f"{words}: {each.output_tokens:,} tokens out", url, "c2"))
    return Card(
        figures=[
            figure(
                "Tokens", f"{total.total_tokens:,}", total.total_tokens, course.then(lambda sums: sums.total_tokens)
            ),
            cards.Figure("In", f"{total.input_tokens:,}"),
            cards.Figure("Out", f"{total.output_tokens:,}"),
            cards.Figure("Per request", f"{total.total_tokens / total.requests:,.0f}" if total.requests else "–"),
        ],
        chart=charts.columns(
            "Tokens over time", data, len(now), scope.grid.labels, say=short,
            before=[float(each.input_tokens + each.output_tokens) for each in course.before],
        ),
        legend=[Key("c1", "in"), Key("c2", "out"), *_legend_before(scope)],
        table=cards.timeline(
            scope,
            ["In", "Out", "Total"],
            lambda place: (
                [f"{now[place].input_tokens:,}", f"{now[place].output_tokens:,}", f"{now[place].total_tokens:,}"]
                if now[place].requests
                else None
            ),
        ),
        reached=course.reached,
    )  # fmt: skip


def latency(scope: Scope) -> Card:
    answer = rollup_queries.read(scope.asked, LATENCY, ("place", "step"))
    course = sums.course(scope)
    steps: list[Counter[int]] = [Counter() for _ in scope.grid.places]
    for row in answer.rows:
        steps[row["place"]][row["step"]] += row["requests"]
    courses = [percentiles(each, SHARES) for each in steps]
    points = []
    for place, values in enumerate(courses):
        words = ", ".join(
            f"p{share * 100:.0f} {cards.milliseconds(value)}" for share, value in zip(SHARES, values, strict=True)
        )
        points.append(Point(place, values, f"{scope.grid.words(place)}: {words}", scope.logs(place)))
    overall = percentiles(sum(steps, Counter()), SHARES)
    mean = course.total.mean_latency
    return Card(
        figures=[
            figure(
                "Mean", cards.milliseconds(mean), mean or 0, course.then(lambda sums: sums.mean_latency), tone=UP_IS_BAD
            ),
            *(
                cards.Figure(f"p{share * 100:.0f}", cards.milliseconds(value))
                for share, value in zip(SHARES, overall, strict=True)
            ),
        ],
        chart=charts.lines(
            "Latency over time",
            points,
            ["c1", "c2", "c4"],
            len(courses),
            scope.grid.labels,
            say=cards.latency_axis,
            before=[each.mean_latency for each in course.before],
        ),
        legend=[
            Key("c1", "p50"),
            Key("c2", "p90"),
            Key("c4", "p99"),
            *_legend_before(scope, "mean of the period before"),
        ],
        table=cards.timeline(
            scope,
            ["p50", "p90", "p99"],
            lambda place: [cards.milliseconds(value) for value in courses[place]] if steps[place] else None,
        ),
        notes=[ERROR_WORDS],
        reached=answer.reached or course.reached,
    )


def users(scope: Scope) -> Card:
    """How many different users there were in each bucket, and in all."""
    found = rollup_queries.spread(scope.asked, "user")
    before = rollup_queries.spread(scope.asked.before(), "user").total if scope.compares else None
    data = [
        Datum(
            place,
            found.values.get(place, 0),
            f"{scope.grid.words(place)}: {many(found.values.get(place, 0), 'user')}",
            scope.logs(place),
            "c1",
        )
        for place in scope.grid.places
    ]
    return Card(
        figures=[figure("Unique users", f"{found.total:,}", found.total, before)],
        chart=charts.columns("Unique users over time", data, len(scope.grid.places), scope.grid.labels),
        table=cards.timeline(
            scope, ["Users"], lambda place: [f"{found.values[place]:,}"] if found.values.get(place) else None
        ),
        notes=["A user counts once in each bar, and once in the sum."],
        reached=found.reached,
    )  # fmt: skip


def models(scope: Scope) -> Card:
    answer = rollup_queries.read(scope.asked, CORE, ("provider", "model", "is_success"), sums.NAMES)
    groups = sums.grouped(answer.rows, lambda row: (row["model"], row["provider"]))
    found = sorted(groups.items(), key=lambda item: (-item[1].requests, str(item[0])))
    most = found[0][1].requests if found else 0
    lines = [
        Line(
            model or "unknown",
            scope.logs(model=this(model), provider=this(provider)),
            [
                provider or "–",
                f"{each.requests:,}",
                cards.percent(each.error_rate),
                cards.milliseconds(each.mean_latency),
                f"{each.total_tokens:,}",
                cost_in_words(each),
            ],
            share=cards.ratio(each.requests, most),
            is_known=bool(model),
        )
        for (model, provider), each in found[:TOP]
    ]
    columns = [Column(label) for label in ("Provider", "Requests", "Failed", "Mean latency", "Tokens", "Spent")]
    more = f"And {many(len(found) - TOP, 'model')} more: the Summary has all of them." if len(found) > TOP else ""
    return Card(
        table=Table("Model", columns, lines, more=more), reached=answer.reached, empty="No requests in this time."
    )


def unpriced(scope: Scope) -> Card:
    """The requests whose price is not known, by model: what the cost leaves out."""
    answer = rollup_queries.read(scope.asked, CORE, ("provider", "model", "is_success"), ("unpriced",))
    succeeded, failed = Counter[tuple[str | None, str | None]](), Counter[tuple[str | None, str | None]]()
    for row in answer.rows:
        if row["unpriced"]:
            (succeeded if row["is_success"] else failed)[row["model"], row["provider"]] += row["unpriced"]
    found = sorted({*succeeded, *failed}, key=lambda key: (-succeeded[key], -failed[key], str(key)))
    most = max(succeeded.values(), default=0)
    lines = [
        Line(
            model or "unknown",
            scope.logs(model=this(model), provider=this(provider)),
            [provider or "–", f"{succeeded[model, provider]:,}", f"{failed[model, provider]:,}"],
            share=cards.ratio(succeeded[model, provider], most),
            is_known=bool(model),
        )
        for model, provider in found[:TOP]
    ]
    columns = [Column("Provider"), Column("Answered"), Column("Failed")]
    more = f"And {many(len(found) - TOP, 'model')} more." if len(found) > TOP else ""
    notes = [
        "Costs leave these requests out: no price list knows the model, or nobody said what was used, as with most"
        " requests that fail."
    ]
    return Card(
        figures=[
            cards.Figure("Answered without a price", f"{succeeded.total():,}"),
            cards.Figure("Failed without a price", f"{failed.total():,}"),
        ],
        table=Table("Model", columns, lines, more=more),
        notes=notes if lines else (),
        reached=answer.reached,
        empty="Every request in this time has a price.",
    )


def cost_in_words(each: Sums) -> str:
    """What was spent; a dash where no request has a price, and a plus where some have none."""
    if each.unpriced == each.requests:
        return "–"
    return cards.cents(each.cost_spent) + ("+" if each.unpriced else "")


def short(value: float) -> str:
    """``1.2M``: numbers of tokens for an axis."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= limit:
            return charts.number(value / limit) + unit
    return charts.number(value)


def _legend_before(scope: Scope, label: str = "the period before") -> list[Key]:
    return [Key("before", label)] if scope.compares else []


TAB = about_logs(
    "overview",
    "Overview",
    {
        "requests": TabPart("Requests", requests),
        "cost": TabPart("Cost", cost),
        "tokens": TabPart("Tokens", tokens),
        "latency": TabPart("Latency", latency),
        "users": TabPart("Unique users", users),
        "unpriced": TabPart("Without a price", unpriced),
        "models": TabPart("Top models", models, is_wide=True),
    },
)

"""The tab Errors: how often requests fail, of what, what was rescued, and what failures cost in time."""

from __future__ import annotations

from collections import Counter

from django.db.models import Q

from logs.analytics import cards, rollup_queries, sums
from logs.analytics.cards import UP_IS_BAD, Card, Column, Key, Line, Table, figure, many
from logs.analytics.rollup_queries import CORE, DIM
from logs.analytics.scope import Scope, this
from logs.analytics.tabs import about_logs
from logs.explorer import presentation
from logs.extension_types import TabPart
from portkey_logs.lib import charts
from portkey_logs.lib.charts import Datum, Point

TOP = 10
COLOURED = ("c1", "c2", "c3", "c4", "c5")  # as many codes have a colour of their own, the others share one
FAILED = Q(is_success=False)
RETRIED = Q(is_success=True, retry_status="success")
FELL_BACK = Q(is_success=True, fallback_status="triggered")


def rate(scope: Scope) -> Card:
    course, lost = sums.course(scope), sums.course(scope, only=FAILED)
    now, total = course.places, course.total
    points = [
        Point(
            place,
            [None if each.error_rate is None else 100 * each.error_rate],
            f"{scope.grid.words(place)}: {cards.percent(each.error_rate)}, {each.failures:,} of {each.requests:,}",
            scope.logs(place, status=scope.outcome("failed")),
        )
        for place, each in enumerate(now)
    ]
    failed_url = scope.logs(status=scope.outcome("failed"))
    return Card(
        figures=[
            cards.share_figure(
                "Error rate", total.error_rate, course.then(lambda sums: sums.error_rate), tone=UP_IS_BAD
            ),
            figure(
                "Failed", f"{total.failures:,}", total.failures, course.then(lambda sums: sums.failures),
                url=failed_url, tone=UP_IS_BAD,
            ),
            figure(
                "Time lost", cards.time_spent(lost.total.latency_ms), lost.total.latency_ms,
                lost.then(lambda sums: sums.latency_ms), tone=UP_IS_BAD,
            ),
            cards.Figure("Mean wait", cards.milliseconds(lost.total.mean_latency)),
        ],
        chart=charts.lines(
            "Error rate over time", points, ["failed"], len(now), scope.grid.labels,
            say=lambda rate: f"{charts.number(rate)}%",
            before=[None if each.error_rate is None else 100 * each.error_rate for each in course.before],
        ),
        legend=[
            Key("failed", "failed requests, % of all"),
            *([Key("before", "the period before")] if course.before else []),
        ],
        table=cards.timeline(
            scope,
            ["Error rate", "Failed", "Requests"],
            lambda place: (
                [cards.percent(now[place].error_rate), f"{now[place].failures:,}", f"{now[place].requests:,}"]
                if now[place].requests
                else None
            ),
            status=scope.outcome("failed"),
        ),
        reached=course.reached,
    )  # fmt: skip


def codes(scope: Scope) -> Card:
    """Failures by HTTP status: over time, and in all."""
    answer = rollup_queries.read(scope.asked, CORE, ("place", "status_code"), ("requests",), only=FAILED)
    counts = Counter[int | None]()
    for row in answer.rows:
        counts[row["status_code"]] += row["requests"]
    ranked = [code for code, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0] or 0))]
    kinds = dict(zip(ranked, COLOURED, strict=False))
    by_place = {(row["place"], row["status_code"]): row["requests"] for row in answer.rows}
    data = []
    for place in scope.grid.places:
        words, rest = scope.grid.words(place), 0
        for code in ranked:
            count = by_place.get((place, code), 0)
            if code in kinds:
                text = f"{words}: {count:,} × {_code(code)}"
                data.append(Datum(place, count, text, _logs(scope, code, place), kinds[code]))
            else:
                rest += count
        url = scope.logs(place, status=",".join(f"{code}" for code in ranked if code and code not in kinds))
        data.append(Datum(place, rest, f"{words}: {rest:,} with other codes", url, "rest"))
    total = sum(counts.values())
    classes = {"4xx": 0, "5xx": 0, "": 0}
    for code, count in counts.items():
        classes[f"{code // 100}xx" if code and code // 100 in (4, 5) else ""] += count
    legend = [Key(kind, _code(code)) for code, kind in kinds.items()]
    return Card(
        figures=[
            cards.Figure("4xx, the request", f"{classes['4xx']:,}", scope.logs(status="4xx")),
            cards.Figure("5xx, the provider", f"{classes['5xx']:,}", scope.logs(status="5xx")),
            cards.Figure("Other", f"{classes['']:,}", note="no answer, or a failure within a 2xx"),
        ],
        chart=charts.columns("Failures by code over time", data, len(scope.grid.places), scope.grid.labels),
        legend=[*legend, *([Key("rest", "other codes")] if len(ranked) > len(kinds) else [])],
        table=Table(
            "Status",
            [Column("Failures"), Column("Share")],
            [
                Line(_code(code), _logs(scope, code), [f"{counts[code]:,}", cards.percent(counts[code] / total)],
                     counts[code] / total, kinds.get(code, "rest"))
                for code in ranked
            ],
        ),
        reached=answer.reached,
    )  # fmt: skip


def types(scope: Scope) -> Card:
    """Failures by the error's type, as the provider names it."""
    answer = rollup_queries.read(
        scope.asked, DIM, ("value",), ("requests", "latency_ms", "latency_requests"), dimension="error_type"
    )
    groups = sorted(sums.grouped(answer.rows, lambda row: row["value"]).items(), key=lambda item: -item[1].requests)
    most = groups[0][1].requests if groups else 0
    lines = [
        Line(
            name, scope.logs(error_type=this(name)), [f"{each.requests:,}", cards.time_spent(each.latency_ms)],
            cards.ratio(each.requests, most), "failed",
        )
        for name, each in groups[:TOP]
    ]  # fmt: skip
    more = f"And {many(len(groups) - TOP, 'type')} more." if len(groups) > TOP else ""
    return Card(
        table=Table("Error type", [Column("Requests"), Column("Time lost")], lines, more=more),
        reached=answer.reached,
        empty="No error in this time has a type.",
    )


def rescued(scope: Scope) -> Card:
    """Requests that would have failed: a retry or another option brought the answer."""
    answer = rollup_queries.read(
        scope.asked,
        CORE,
        ("place", "retry_status", "retry_count", "fallback_status"),
        ("requests", "latency_ms", "latency_requests"),
        only=RETRIED | FELL_BACK,
    )
    failed = rollup_queries.read(scope.asked, CORE, ("is_success",), ("requests",), only=FAILED)
    failures = sum(row["requests"] for row in failed.rows)
    by_retry, by_fallback, tries = Counter[int](), Counter[int](), Counter[int]()
    for row in answer.rows:
        if row["retry_status"] == "success":
            by_retry[row["place"]] += row["requests"]
            tries[row["retry_count"]] += row["requests"]
        if row["fallback_status"] == "triggered":
            by_fallback[row["place"]] += row["requests"]
    total = sums.total(answer.rows)
    before = sums.total(_rescued_before(scope)) if scope.compares else None
    ok = scope.outcome("ok")
    data = []
    for place in scope.grid.places:
        words = scope.grid.words(place)
        retry_url, fallback_url = (
            scope.logs(place, retry="success", status=ok),
            scope.logs(place, fallback="triggered", status=ok),
        )
        data.append(Datum(place, by_retry[place], f"{words}: {by_retry[place]:,} by a retry", retry_url, "c2"))
        data.append(
            Datum(place, by_fallback[place], f"{words}: {by_fallback[place]:,} by a fallback", fallback_url, "c4")
        )
    retried, fell_back = sum(by_retry.values()), sum(by_fallback.values())
    lines = [
        Line(
            "1 retry" if count == 1 else f"{count} retries",
            scope.logs(retry="success", status=ok, retries_min=str(count), retries_max=str(count)),
            [f"{tries[count]:,}"],
            cards.ratio(tries[count], total.requests),
            "c2",
        )
        for count in sorted(tries)
    ]
    if fell_back:
        lines.append(
            Line(
                "another option",
                scope.logs(fallback="triggered", status=ok),
                [f"{fell_back:,}"],
                cards.ratio(fell_back, total.requests),
                "c4",
            )
        )
    both = retried + fell_back - total.requests
    return Card(
        figures=[
            figure("Rescued", f"{total.requests:,}", total.requests, None if before is None else before.requests),
            cards.Figure("By a retry", f"{retried:,}", scope.logs(retry="success", status=ok)),
            cards.Figure("By a fallback", f"{fell_back:,}", scope.logs(fallback="triggered", status=ok)),
            cards.Figure(
                "Of all that went wrong", cards.percent(cards.ratio(total.requests, total.requests + failures))
            ),
        ],
        chart=charts.columns("Rescued requests over time", data, len(scope.grid.places), scope.grid.labels),
        legend=[Key("c2", "by a retry"), Key("c4", "by a fallback")],
        table=Table("Rescued by", [Column("Requests")], lines),
        notes=[f"In both colours, for they needed both: {many(both, 'request')}."] if both else (),
        reached=answer.reached or failed.reached,
    )  # fmt: skip


def models(scope: Scope) -> Card:
    """Which models fail, how often, and for how long callers waited in vain."""
    answer = rollup_queries.read(
        scope.asked, CORE, ("model", "is_success"), ("requests", "latency_ms", "latency_requests")
    )
    groups = sums.grouped(answer.rows, lambda row: row["model"])
    lost = Counter[str | None]()
    for row in answer.rows:
        if not row["is_success"]:
            lost[row["model"]] += row["latency_ms"]
    found = sorted(
        ((m, s) for m, s in groups.items() if s.failures), key=lambda item: (-item[1].failures, str(item[0]))
    )
    most = found[0][1].failures if found else 0
    lines = [
        Line(
            model or "unknown",
            scope.logs(model=this(model), status=scope.outcome("failed")),
            [f"{each.failures:,}", cards.percent(each.error_rate), cards.time_spent(lost[model])],
            cards.ratio(each.failures, most),
            "failed",
            is_known=bool(model),
        )
        for model, each in found[:TOP]
    ]
    more = f"And {many(len(found) - TOP, 'model')} more." if len(found) > TOP else ""
    columns = [Column("Failed"), Column("Error rate"), Column("Time lost")]
    return Card(table=Table("Model", columns, lines, more=more), reached=answer.reached, empty="No request failed.")


def _rescued_before(scope: Scope) -> list[dict[str, object]]:
    return rollup_queries.read(
        scope.asked.before(), CORE, ("is_success",), ("requests",), only=RETRIED | FELL_BACK
    ).rows


def _code(code: int | None) -> str:
    return "No answer" if code is None else presentation.status_phrase(code)


def _logs(scope: Scope, code: int | None, place: int | None = None) -> str:
    """The failures with this code; below 400 others have it too."""
    more = {} if code and code >= 400 else {"has": "error"}
    return scope.logs(place, status=str(code) if code else "!>=100", **more)


TAB = about_logs(
    "errors",
    "Errors",
    {
        "rate": TabPart("Error rate", rate),
        "codes": TabPart("By status code", codes, is_tall=True),
        "rescued": TabPart("Rescued requests", rescued),
        "types": TabPart("By type", types),
        "models": TabPart("By model", models, is_wide=True),
    },
)

"""Where sums come from: rollups where they hold the answer, else logs.

A log counts as a row of a rollup whose ``requests`` is 1, so one statement adds up all of it: whole days, the short
buckets at their ends, and the logs at the very ends of the range. It is exact to the digit, also while the worker
folds. Where a filter is about something that rollups do not know, logs are read piece by piece, newest first,
until the budget is used up: then the sums are complete from ``reached`` on, and whoever shows them says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Concat

from logs.analytics.grid import DAY, Grid
from logs.explorer.filters import LogFilterSet
from logs.llm.vocabulary import FROM_CACHE
from logs.models import RollupCore, RollupCoreDay, RollupDim, RollupDimDay, RollupLatency, RollupLatencyDay
from logs.querysets import LogQuerySet
from logs.storage import rollups, time_budget
from portkey_logs.lib import uuid7

BUDGET_MS = 500  # of one card: about as long as a person waits for a part of a page without wondering
MOST_GROUPS = 20_000  # with more, those with the most requests: a table of them is no longer read, and rows cost time

TIMES = ("since", "until")


class OutOfTime(Exception):
    """Not even the newest part could be added up within the budget."""


class Table(NamedTuple):
    """A rollup: its short buckets, its days, and the filters of the log page that its columns answer."""

    short: type[models.Model]
    days: type[models.Model]
    bucket: timedelta
    filters: frozenset[str]
    is_rolled_up: bool = True


CORE = Table(
    RollupCore,
    RollupCoreDay,
    timedelta(milliseconds=rollups.QUARTER_MS),
    frozenset(
        [
            "type",
            "provider",
            "model",
            "status",
            "cache",
            "retry",
            "retries_min",
            "retries_max",
            "fallback",
            "loadbalance",
        ]
    ),
)
DIM = Table(RollupDim, RollupDimDay, timedelta(milliseconds=rollups.HOUR_MS), frozenset())
LATENCY = Table(RollupLatency, RollupLatencyDay, timedelta(milliseconds=rollups.HOUR_MS), frozenset(["model"]))
# Latency steps by a dimension: no rollup has that, so it is always read from logs.
RAW = LATENCY._replace(is_rolled_up=False)


@dataclass(frozen=True)
class Asked:
    """Which logs of a workspace: those that the filters let through, within the time of the grid.

    ``filters`` are the values of the log page's filters without its times; ``logs`` are the logs they select,
    whenever they were.
    """

    workspace_id: int
    grid: Grid
    logs: LogQuerySet
    filters: Mapping[str, Any] = field(default_factory=dict)
    budget_ms: int = field(default_factory=lambda: BUDGET_MS)

    def before(self) -> Asked:
        """The same of the period before."""
        return replace(self, grid=self.grid.before())


@dataclass
class Answer:
    """Rows of sums; ``reached`` is set where the budget ended before the range did: they are complete from then on."""

    rows: list[dict[str, Any]]
    reached: datetime | None = None


def read(
    asked: Asked,
    table: Table,
    keys: Sequence[str],
    sums: Sequence[str] = ("requests",),
    *,
    only: Q | None = None,
    dimension: str = "",
    rolled_up_from: datetime | None = None,
) -> Answer:
    """The sums by the keys. ``place`` as a key is the number of the grid's bucket.

    ``only`` narrows further, by columns that the rollup has. ``dimension`` is the one to read of DIM; before
    ``rolled_up_from`` the rollup does not have it. Raises OutOfTime.
    """
    query = Query(asked, table, tuple(keys), tuple(sums), only or Q(), dimension)
    found, reached = pieces(query, lambda rows: _sums(rows, query), rolled_up_from)
    merged: dict[tuple[Any, ...], list[Any]] = {}
    for rows in found:
        _merge(merged, rows, query)
    names = (*keys, *sums)
    return Answer([dict(zip(names, (*key, *values), strict=True)) for key, values in merged.items()], reached)


def pieces(
    query: Query, statement: Callable[[str], str], rolled_up_from: datetime | None = None
) -> tuple[list[list[tuple[Any, ...]]], datetime | None]:
    """What a statement, made from a source of rows, says of the whole range where rollups have it, else of piece after
    piece, newest first; and ``reached`` as of ``Answer``. Raises OutOfTime."""
    asked = query.asked
    deadline = monotonic() + asked.budget_ms / 1000
    since, until = asked.grid.since, asked.grid.until
    found = []
    rolled = _whole_buckets(query, max(since, rolled_up_from or since))
    if rolled is not None:
        begin = since if rolled_up_from is None or rolled_up_from <= since else rolled[0]
        rows = _within(query.parts(begin, until, rolled), query, statement, asked.budget_ms)
        if rows is None:
            raise OutOfTime
        found.append(rows)
        until = begin
    for start, end in _windows(asked.grid, since, until):
        left_ms = int((deadline - monotonic()) * 1000)
        rows = _within([query.logs(start, end)], query, statement, left_ms) if left_ms > 0 else None
        if rows is None:
            if end == asked.grid.until:
                raise OutOfTime
            return found, end
        found.append(rows)
    return found, None


@dataclass
class Spread:
    """How a dimension is spread: its values in each of the grid's buckets and their requests; its values in all."""

    values: dict[int, int]
    requests: dict[int, int]
    total: int
    reached: datetime | None = None


def spread(asked: Asked, dimension: str) -> Spread:
    """How many values of a dimension there are: counted by the database, for it may have many. Raises OutOfTime."""
    query = Query(asked, DIM, ("place", "value"), ("requests",), Q(), dimension)
    rolled = _whole_buckets(query, asked.grid.since)
    if rolled is None:
        answer = read(asked, DIM, query.keys, dimension=dimension)
        values = Counter(row["place"] for row in answer.rows)
        requests: Counter[int] = Counter()
        for row in answer.rows:
            requests[row["place"]] += row["requests"]
        return Spread(values, requests, len({row["value"] for row in answer.rows}), answer.reached)
    sql, params = _union(query.parts(asked.grid.since, asked.grid.until, rolled), query)
    statement = (
        f"WITH each AS MATERIALIZED (SELECT place, value, sum(requests)::int8 AS requests FROM {sql} GROUP BY 1, 2)"  # noqa: S608
        " SELECT place, count(*), sum(requests)::int8 FROM each GROUP BY 1"
        " UNION ALL SELECT NULL, count(*), NULL FROM (SELECT value FROM each GROUP BY 1) AS different"
    )
    rows = time_budget.within(asked.budget_ms, _Rows(statement, params))
    if rows is None:
        raise OutOfTime
    (total,) = (count for place, count, _ in rows if place is None)
    counted = [row for row in rows if row[0] is not None]
    return Spread({row[0]: row[1] for row in counted}, {row[0]: row[2] for row in counted}, total)


@dataclass(frozen=True)
class Query:
    """One question, and how each of the three kinds of rows answers it."""

    asked: Asked
    table: Table
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    only: Q
    dimension: str

    def parts(self, since: datetime, until: datetime, rolled: tuple[datetime, datetime]) -> list[models.QuerySet[Any]]:
        """Rows that together are the range: ``rolled`` of it, whole buckets, from rollups, its ends from logs."""
        start, end = rolled
        parts = [self.logs(a, b) for a, b in ((since, start), (end, until)) if a < b]
        first, last = _ceil(start, DAY), _floor(end, DAY)
        if first >= last or ("place" in self.keys and self.asked.grid.step % DAY):
            return [self.rolled(self.table.short, start, end), *parts]
        rest = [self.rolled(self.table.short, a, b) for a, b in ((start, first), (last, end)) if a < b]
        unfolded = self.rolled(self.table.short, first, last).filter(folded=False)
        return [self.rolled(self.table.days, first, last), unfolded, *rest, *parts]

    def rolled(self, model: type[models.Model], since: datetime, until: datetime) -> models.QuerySet[Any]:
        rows: Any = model._default_manager.filter(
            self.only, workspace=self.asked.workspace_id, bucket__gte=since, bucket__lt=until
        )
        for name, value in self.asked.filters.items():
            rows = LogFilterSet.base_filters[name].filter(rows, value)
        if self.table is DIM:
            rows = rows.filter(dimension=self.dimension)
        return self._columns(rows, {"place": _place(F("bucket"), self.asked.grid.starts, models.DateTimeField())})

    def logs(self, since: datetime, until: datetime) -> models.QuerySet[Any]:
        rows = self.asked.logs.since(since).until(until).filter(self.only).order_by()
        own = dict(_OF_LOG)
        if self.dimension:
            value = own["value"] = value_of_log(self.dimension)
            known = rows.annotate(_value=value).filter(_value__isnull=False)
            rows = known if self.table is DIM else rows
        if "step" in self.keys:
            rows = rows.filter(latency_ms__isnull=False)
        starts = [uuid7.floor(uuid7.ms_of(start)) for start in self.asked.grid.starts]
        return self._columns(rows, own | {"place": _place(F("id"), starts, models.UUIDField())})

    def _columns(self, rows: models.QuerySet[Any], own: Mapping[str, Any]) -> models.QuerySet[Any]:
        columns = {f"_{name}": own.get(name, F(name)) for name in (*self.keys, *self.sums)}
        chosen: models.QuerySet[Any] = rows.annotate(**columns).values_list(*columns)
        return chosen


class _Rows:
    """The rows of a statement, fetched when somebody iterates, which is when the budget counts."""

    def __init__(self, sql: str, params: Sequence[Any]) -> None:
        self._sql, self._params = sql, params

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(self._sql, self._params)
            return iter(cursor.fetchall())


def _within(
    parts: Sequence[models.QuerySet[Any]], query: Query, statement: Callable[[str], str], ms: int
) -> list[tuple[Any, ...]] | None:
    """What the statement says of these rows; None where it took longer than ``ms``."""
    sql, params = _union(parts, query)
    return time_budget.within(ms, _Rows(statement(sql), params))


def _sums(rows: str, query: Query) -> str:
    """The sums of the rows by the keys."""
    columns = [f'"{name}"' for name in query.keys] + [_aggregate(name) for name in query.sums]
    grouping = f" GROUP BY {', '.join(str(n + 1) for n in range(len(query.keys)))}" if query.keys else ""
    order = ' ORDER BY sum("requests") DESC' if "requests" in query.sums else ""
    return f"SELECT {', '.join(columns)} FROM {rows}{grouping}{order} LIMIT {MOST_GROUPS}"  # noqa: S608


def _union(parts: Sequence[models.QuerySet[Any]], query: Query) -> tuple[str, list[Any]]:
    compiled = []
    for part in parts:
        with suppress(EmptyResultSet):  # a filter that no log can fulfil, such as an API key that there is not
            compiled.append(part.query.sql_with_params())
    if not compiled:
        nothing = ", ".join(["NULL::int8"] * (len(query.keys) + len(query.sums)))
        compiled = [(f"SELECT {nothing} WHERE false", ())]
    names = ", ".join(f'"{name}"' for name in (*query.keys, *query.sums))
    sql = f"({' UNION ALL '.join(sql for sql, _ in compiled)}) AS rows({names})"
    return sql, [param for _, params in compiled for param in params]


def _aggregate(name: str) -> str:
    if name in ("first_at", "last_at"):
        return f'{"min" if name == "first_at" else "max"}("{name}")'
    return f'coalesce(sum("{name}"), 0)::{"numeric" if name.startswith("cost_") else "int8"}'


def _merge(found: dict[tuple[Any, ...], list[Any]], rows: Iterable[tuple[Any, ...]], query: Query) -> None:
    size = len(query.keys)
    for row in rows:
        key, values = row[:size], list(row[size:])
        known = found.get(key)
        found[key] = (
            values
            if known is None
            else [_COMBINE.get(name, _add)(a, b) for name, a, b in zip(query.sums, known, values, strict=True)]
        )


def _add(a: Any, b: Any) -> Any:
    return a + b


_COMBINE = {"first_at": min, "last_at": max}


def _whole_buckets(query: Query, since: datetime) -> tuple[datetime, datetime] | None:
    """The part of the range that is whole buckets of the rollup; None where the rollup cannot answer."""
    asked, table = query.asked, query.table
    if not table.is_rolled_up or not table.filters.issuperset(asked.filters):
        return None
    if "place" in query.keys and asked.grid.step % table.bucket:
        return None
    start, end = _ceil(since, table.bucket), _floor(asked.grid.until, table.bucket)
    return (start, end) if start < end else None


def _windows(grid: Grid, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time between the two, newest first, in pieces of whole buckets of the grid: one, then two, four …"""
    places, size = list(reversed(grid.places)), 1
    while places:
        piece, places, size = places[:size], places[size:], 2 * size
        start, end = max(grid.span(piece[-1])[0], since), min(grid.span(piece[0])[1], until)
        if start < end:
            yield start, end


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % step


def _ceil(moment: datetime, step: timedelta) -> datetime:
    return moment + (_EPOCH - moment) % step


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _place(column: F, starts: Sequence[datetime] | Sequence[UUID], field: models.Field[Any, Any]) -> Func:
    """The number of the bucket that a moment or an id lies in."""
    bounds = Value(list(starts), output_field=ArrayField(field))
    return Func(column, bounds, template="width_bucket(%(expressions)s) - 1", output_field=models.IntegerField())


_FROM_CACHE = Q(cache_status__in=FROM_CACHE)
_INTEGER = models.IntegerField()
# A UUIDv7's first 48 bits are its time: written out, because PostgreSQL has a function for it only since 17.
_TIME = Func(
    F("id"),
    template="to_timestamp(('x0000' || left(translate(%(expressions)s::text, '-', ''), 12))::bit(64)::int8 / 1000.0)",
    output_field=models.DateTimeField(),
)
# The columns of rollups that a log has not got by itself.
_OF_LOG: dict[str, Any] = {
    "requests": Value(1),
    "failures": Case(When(is_success=False, then=1), default=0, output_field=_INTEGER),
    "cache_hits": Case(When(_FROM_CACHE, then=1), default=0, output_field=_INTEGER),
    "cost_spent": Case(When(_FROM_CACHE, then=None), default=F("cost")),
    "cost_saved": Case(When(_FROM_CACHE, then=F("cost")), default=None),
    "unpriced": Case(When(cost__isnull=True, then=1), default=0, output_field=_INTEGER),
    "latency_requests": Case(When(latency_ms__isnull=True, then=0), default=1, output_field=_INTEGER),
    "first_at": _TIME,
    "last_at": _TIME,
    "step": Func(
        Cast(F("latency_ms"), models.FloatField()),
        Value(rollups.STEP_STARTS, output_field=ArrayField(models.FloatField())),
        function="width_bucket",
        output_field=_INTEGER,
    ),
}


def value_of_log(dimension: str) -> Any:
    """A log's value of a dimension, as an expression; NULL where it has none."""
    if key := rollups.metadata_key(dimension):
        return KeyTextTransform(key, "metadata")
    if dimension == "option":
        config = Coalesce(F("config"), Value(""), output_field=models.TextField())
        value = Concat(F("option_path"), Value(rollups.SEPARATOR), config, output_field=models.TextField())
        return Case(When(option_path__isnull=False, then=value), default=None, output_field=models.TextField())
    return Cast(F("api_key_id"), models.TextField()) if dimension == "api_key" else F(dimension)

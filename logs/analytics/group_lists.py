"""The groups of Portkey's analytics API: what each user, model, metadata value … adds up to, in pages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict

from logs import extensions
from logs.analytics import groups, rollup_queries, sums
from logs.analytics.graphs import number, percent
from logs.analytics.groups import Groups
from logs.analytics.percentiles import percentile
from logs.analytics.report_query import QuestionError, items
from logs.analytics.rollup_queries import LATENCY, RAW, Asked
from logs.analytics.scope import iso
from logs.analytics.sums import Sums
from logs.storage import rollups
from portkey_logs.accounts.models import Workspace

PAGE_SIZE, LARGEST_PAGE = 50, 1000
# ``groupBy`` of the address -> the dimension of ours.
DIMENSIONS = {
    "ai_service": "provider",
    "provider": "provider",
    "model": "model",
    "status_code": "status_code",
    "api_key": "api_key",
    "config": "config",
    "prompt": "prompt",
    "virtual_key": "virtual_key",
    "user": "user",
}
COLUMNS: dict[str, Callable[[Sums], Any]] = {
    "requests": lambda each: each.requests,
    "cost": lambda each: number(each.cost_spent),
    "total_tokens": lambda each: each.total_tokens,
    "avg_tokens": lambda each: each.total_tokens / each.requests,
    "avg_input_tokens": lambda each: each.input_tokens / each.requests,
    "avg_output_tokens": lambda each: each.output_tokens / each.requests,
    "avg_latency": lambda each: each.mean_latency,
    "success_rate": lambda each: 100 - 100 * each.failures / each.requests,
    "error_count": lambda each: each.failures,
    "cache_hit_rate": lambda each: percent(each.hit_rate),
    "last_seen": lambda each: iso(each.last_at) if each.last_at else None,
    "first_seen": lambda each: iso(each.first_at) if each.first_at else None,
    "requests_without_price": lambda each: each.unpriced,
}
PAGE_PARAMETERS = {
    "order_by": "Column to order by; default: requests.",
    "order_by_type": "asc or desc (default).",
    "current_page": "Number of the page, from 0.",
    "page_size": f"Groups of a page, 1 to {LARGEST_PAGE}; default: {PAGE_SIZE}.",
}
COLUMNS_PARAMETER = {"columns": "Columns, separated by commas."}
PERCENTILES = {"p95_latency": 0.95, "p99_latency": 0.99}
DEFAULT_COLUMNS = ("cost", "total_tokens", "avg_latency", "success_rate", "last_seen")


@dataclass(frozen=True)
class Page:
    """``total`` is how many groups there are in all; ``reached`` as in ``sources.Answer``."""

    rows: list[dict[str, Any]]
    total: int
    reached: datetime | None


@dataclass(frozen=True)
class Order:
    """Which part of the groups a call wants, in which order."""

    by: str
    is_descending: bool
    first: int
    size: int

    @classmethod
    def read(cls, params: QueryDict, columns: Mapping[str, Any]) -> Order:
        """``order_by``, ``order_by_type``, ``current_page`` (from 0) and ``page_size``. Raises QuestionError."""
        by = params.get("order_by", "").strip() or "requests"
        if by not in columns:
            raise QuestionError(f"order_by: give one of {', '.join(columns)}.")
        direction = params.get("order_by_type", "").strip().lower() or "desc"
        if direction not in ("asc", "desc"):
            raise QuestionError("order_by_type: give asc or desc.")
        size = _whole(params, "page_size", PAGE_SIZE, LARGEST_PAGE)
        return cls(by, direction == "desc", _whole(params, "current_page", 0, 10**6) * size, size)

    def page(self, rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
        """What has no value comes last either way; what is equal is in the order of its name."""
        rows = sorted(rows, key=lambda row: str(row[key]))
        known = [row for row in rows if row[self.by] is not None]
        known.sort(key=lambda row: row[self.by], reverse=self.is_descending)
        return (known + [row for row in rows if row[self.by] is None])[self.first : self.first + self.size]


def users(asked: Asked, params: QueryDict) -> Page:
    return _listed(asked, params, "user", "user", ("cost",), as_text=("requests", "cost"))


def ai_models(asked: Asked, params: QueryDict) -> Page:
    return _listed(asked, params, "model", "ai_model", (), as_text=("requests",))


def metadata(asked: Asked, params: QueryDict, key: str) -> Page:
    dimension = rollups.metadata_dimension(key)
    page = _listed(asked, params, dimension, "metadata_value", ("cost", "avg_tokens", "last_seen"))
    values = [row["metadata_value"] for row in page.rows]
    logs = asked.logs.since(asked.grid.since).until(asked.grid.until)
    rated = extensions.rated(asked.workspace_id, logs, rollup_queries.value_of_log(dimension), values)
    for row in page.rows:
        found = rated.get(row["metadata_value"])
        row["requests_with_feedback"] = found.requests if found else 0
        row["avg_weighted_feedback"] = number(found.average) if found else None
    return page


def workspaces(asked: Asked, params: QueryDict) -> Page:
    """The key's own workspace: a key sees no other."""
    answer = rollup_queries.read(
        asked, rollup_queries.CORE, ("is_success", "cache_status"), (*sums.NAMES, "first_at", "last_at")
    )
    slug = Workspace.objects.values_list("slug", flat=True).get(pk=asked.workspace_id)
    rows = {slug: sums.total(answer.rows)} if answer.rows else {}
    return _page(Groups(rows, answer.reached), params, "workspace", _columns(params), lambda slug: slug, {})


def group_by(asked: Asked, params: QueryDict, name: str) -> Page:
    """Any of DIMENSIONS with the ``columns`` that are asked for. Raises QuestionError."""
    if name not in DIMENSIONS:
        raise QuestionError(f"{name}: group by one of {', '.join(DIMENSIONS)}, workspace or metadata/<key>.")
    return _listed(asked, params, DIMENSIONS[name], name, _columns(params))


def _columns(params: QueryDict) -> tuple[str, ...]:
    asked = tuple(items(params, "columns")) or DEFAULT_COLUMNS
    if unknown := [name for name in asked if name not in COLUMNS and name not in PERCENTILES]:
        raise QuestionError(f"columns: {unknown[0]} is not one of {', '.join([*COLUMNS, *PERCENTILES])}.")
    return asked


def _listed(
    asked: Asked, params: QueryDict, dimension: str, key: str, columns: tuple[str, ...], *,
    as_text: tuple[str, ...] = (),
) -> Page:  # fmt: skip
    wanted = {*columns, params.get("order_by", "").strip()} & PERCENTILES.keys()
    steps = _steps(asked, dimension) if wanted else {}
    name = _raw_name if dimension in groups.COLUMNS else groups.names(asked.workspace_id, dimension)
    page = _page(groups.by(asked, dimension), params, key, columns, name, steps)
    for row in page.rows:
        row.update({each: str(row[each]) for each in as_text})  # Portkey types these as texts
    return page


def _raw_name(key: Any) -> Any:
    return key


def _page(
    found: Groups, params: QueryDict, key: str, columns: tuple[str, ...], name: Callable[[Any], Any],
    steps: Mapping[Any, Counter[int]],
) -> Page:  # fmt: skip
    order = Order.read(params, COLUMNS | PERCENTILES)
    shown = ("requests", *columns)
    rows = []
    for value, each in found.rows.items():
        row = {key: name(value)}
        for column in {*shown, order.by}:
            row[column] = (
                COLUMNS[column](each)
                if column in COLUMNS
                else percentile(steps.get(value, Counter()), PERCENTILES[column])
            )
        rows.append(row)
    page = [
        {key: row[key], **{column: row[column] for column in shown}, "object": "analytics-group"}
        for row in order.page(rows, key)
    ]
    return Page(page, len(rows), found.reached)


def _steps(asked: Asked, dimension: str) -> dict[Any, Counter[int]]:
    """How many requests of each group fell into which step of latency."""
    if dimension == "model":
        rows = rollup_queries.read(asked, LATENCY, ("model", "step")).rows
    else:
        rows = rollup_queries.read(asked, RAW, ("value", "step"), dimension=dimension).rows
    steps: dict[Any, Counter[int]] = defaultdict(Counter)
    for row in rows:
        steps[row.get("value", row.get("model"))][row["step"]] += row["requests"]
    return steps


def _whole(params: QueryDict, name: str, default: int, most: int) -> int:
    text = params.get(name, "").strip()
    try:
        number = int(text) if text else default
    except ValueError:
        number = -1
    least = 1 if name == "page_size" else 0
    if not least <= number <= most:
        raise QuestionError(f"{name}: give a whole number from {least} to {most}.")
    return number

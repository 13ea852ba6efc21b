"""What stands above the rows of the list: their histogram with totals, and facets. Each is fetched by itself, within a
budget of its own, and says how far it came.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import QueryDict
from django.utils import timezone

from logs.analytics.grid import STEPS, Grid
from logs.analytics.rollup_queries import CORE, TIMES, Asked
from logs.explorer import filters
from logs.explorer.query import WORDS
from logs.models import Log, RollupCore, RollupCoreDay
from portkey_logs.accounts.models import Workspace

BUDGET_MS = 300  # of each question: nobody asked for it, so nobody should wait
MOST_BUCKETS = 60  # on 1,200 pixels a column is 20 wide: enough to point at


def ask(workspace: Workspace, params: QueryDict) -> Asked | None:
    """The logs that a query string selects, cut into buckets from its first to its last moment.

    None where there is nothing to add up: a value that cannot be understood, words to search for (bodies are never
    counted), a workspace without logs.
    """
    logs = Log.objects.in_workspace(workspace)
    wanted = filters.select(logs.none(), params).asked
    span = _span(workspace, wanted.get("since"), wanted.get("until"))
    if span is None or WORDS in wanted or not filters.select(logs.none(), params).is_valid:
        return None
    whenever = params.copy()
    for name in TIMES:
        whenever.pop(name, None)
    selection = filters.select(logs, whenever)
    return Asked(workspace.pk, _grid(*span), selection.queryset, selection.asked, BUDGET_MS)


def _span(workspace: Workspace, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime] | None:
    """From when to before when; without an end asked for, as far as there are logs, and to now at least."""
    now = timezone.now()
    if since is None:
        mine = [rows.objects.filter(workspace=workspace).order_by("bucket") for rows in (RollupCoreDay, RollupCore)]
        firsts = [first for rows in mine if (first := rows.values_list("bucket", flat=True).first())]
        if not firsts:
            return None
        since = max(min(firsts), now - timedelta(days=settings.RETENTION_DAYS + 1))
    if until is None:
        newest = RollupCore.objects.filter(workspace=workspace).order_by("-bucket")
        last = newest.values_list("bucket", flat=True).first()
        until = max(now, last + CORE.bucket) if last else now
    since, until = (_whole_ms(moment) for moment in (since, until))
    return (since, until) if since < until else None


def _grid(since: datetime, until: datetime) -> Grid:
    step = next((step for step in STEPS if (until - since) / step <= MOST_BUCKETS - 1), STEPS[-1])
    return Grid(since, until, step)


def _whole_ms(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

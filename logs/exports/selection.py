"""Which logs an export holds: those of the log page's address, or of Portkey's filters."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count
from django.http import QueryDict

from logs.explorer import filters, presentation
from logs.explorer.filters import Selection
from logs.exports import portkey
from logs.exports.models import Export
from logs.models import Log
from logs.querysets import LogQuerySet
from logs.storage.time_budget import within

COUNT_BUDGET_MS = 2000  # somebody waits for the answer


class CannotSelect(ValueError):
    """The filters cannot be understood (any more). The text is for people."""


def selected(export: Export) -> tuple[LogQuerySet, bool]:
    """The logs, and whether an index answers them at any size. Raises CannotSelect."""
    logs = Log.objects.in_workspace(export.workspace)
    if export.filters:
        try:
            logs, by_index = portkey.narrow(logs, export.filters), False
        except portkey.BadFilter as error:
            raise CannotSelect(str(error)) from error
    else:
        selection = filters.select(logs, QueryDict(export.query))
        if not selection.is_valid:
            raise CannotSelect("The filters are not understood any more")
        logs, by_index = selection.queryset, selection.answers_from_index
    if export.started_at is not None:
        logs = logs.filter(received_at__lte=export.started_at)
    return logs, by_index


def count(export: Export) -> int | None:
    """How many logs it will hold; None where counting takes too long. Raises CannotSelect."""
    logs, _ = selected(export)
    if logs.search is not None:
        return None  # to count them is to look at all of them
    counted = within(
        COUNT_BUDGET_MS, logs.order_by().values("workspace_id").annotate(logs=Count("id")).values_list("logs")
    )
    if counted is None:
        return None
    skipped, limit = portkey.page(export.filters)
    found = max(0, (counted[0][0] if counted else 0) - skipped)
    return found if limit is None else min(found, limit)


def lasting(selection: Selection, params: QueryDict) -> str:
    """The query string of a selection that means the same tomorrow: ``24h`` becomes the time it is now."""
    query = QueryDict(mutable=True)
    for term in selection.terms:
        moment = selection.asked.get(term.name)
        query[term.name] = presentation.iso(moment) if isinstance(moment, datetime) else str(params[term.name])
    return query.urlencode()

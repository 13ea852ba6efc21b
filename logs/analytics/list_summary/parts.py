"""The parts above the list by their names."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from logs.analytics import list_summary
from logs.analytics.list_summary.facets import facets
from logs.analytics.list_summary.histogram import histogram
from logs.analytics.rollup_queries import OutOfTime
from logs.explorer.filters.address import Address
from portkey_logs.accounts.models import Workspace

PARTS = {"histogram": histogram, "facets": facets}


def shown(part: str, workspace: Workspace, params: QueryDict, address: Address) -> Any:
    """What a part shows; None where there is nothing to show, or no time to find it."""
    asked = list_summary.ask(workspace, params)
    try:
        return None if asked is None else PARTS[part](asked, address)
    except OutOfTime:
        return None

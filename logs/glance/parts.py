"""The parts above the list by their names."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from logs import glance
from logs.analytics.sources import OutOfTime
from logs.filters.address import Address
from logs.glance.facets import facets
from logs.glance.histogram import histogram
from portkey_logs.accounts.models import Workspace

PARTS = {"histogram": histogram, "facets": facets}


def shown(part: str, workspace: Workspace, params: QueryDict, address: Address) -> Any:
    """What a part shows; None where there is nothing to show, or no time to find it."""
    asked = glance.ask(workspace, params)
    try:
        return None if asked is None else PARTS[part](asked, address)
    except OutOfTime:
        return None

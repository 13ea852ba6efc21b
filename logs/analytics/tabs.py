"""The tabs of the analytics page. An app above may add its own through ``logs.extensions``."""

from __future__ import annotations

from collections.abc import Mapping

from logs.analytics.rollup_queries import BUDGET_MS
from logs.analytics.scope import Scope
from logs.extension_types import AnalyticsTab, TabPart
from logs.storage.time_budget import within


def about_logs(name: str, title: str, parts: Mapping[str, TabPart], *, compares: bool = True) -> AnalyticsTab:
    """A tab whose figures are sums of logs."""
    return AnalyticsTab(
        name,
        title,
        parts,
        lambda params, workspace: Scope.read(params, workspace, name, can_compare=compares),
        _has_logs,
        compares=compares,
    )


def _has_logs(scope: Scope) -> bool:
    """Also where it takes too long to tell."""
    any_log = scope.asked.logs.since(scope.since).until(scope.until).values_list("id")[:1]
    return within(BUDGET_MS, any_log) != []

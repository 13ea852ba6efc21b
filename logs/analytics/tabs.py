"""The tabs of the analytics page. An app above may add its own through ``logs.extensions``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.http import QueryDict

from logs.analytics.scope import Scope
from logs.analytics.sources import BUDGET_MS
from logs.budget import within
from portkey_logs.accounts.models import Workspace


class Part(NamedTuple):
    """A part of a tab, computed by itself: its heading, how to compute what it shows, and its template.

    ``is_wide``: it takes the whole width; ``is_tall``: it has a table below its chart, and room is kept for both.
    ``compute`` may raise ``sources.OutOfTime``.
    """

    title: str
    compute: Callable[[Any], Any]
    is_wide: bool = False
    is_tall: bool = False
    template: str = "analytics/card.html"


@dataclass(frozen=True)
class Tab:
    """``read`` makes its scope of a query string; ``has_any`` tells whether there is anything to show at all.

    ``empty`` is the template for when there is nothing, ``note`` a sentence that holds for all of its figures.
    """

    name: str
    title: str
    parts: Mapping[str, Part]
    read: Callable[[QueryDict, Workspace], Any]
    has_any: Callable[[Any], bool]
    empty: str = "analytics/empty.html"
    note: str = ""
    stylesheets: tuple[str, ...] = ()
    compares: bool = True


def about_logs(name: str, title: str, parts: Mapping[str, Part], *, compares: bool = True) -> Tab:
    """A tab whose figures are sums of logs."""
    return Tab(
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

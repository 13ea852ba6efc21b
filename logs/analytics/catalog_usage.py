"""How much the logs use something of the catalog: what its pages say, and where their links lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from django.db.models import Count, Q, Sum
from django.utils import timezone

from logs.llm.vocabulary import FROM_CACHE
from logs.models import Log, RollupDim
from logs.storage.time_budget import within
from portkey_logs.accounts.models import Workspace

USE_SPAN = timedelta(days=30)
# Which option served is in the logs alone. A busy config has millions: the longest of these that its budget allows.
ROUTING_SPANS = (timedelta(days=30), timedelta(days=1), timedelta(hours=1))
ROUTING_BUDGET_MS = 150  # for each, so that the page stays below half a second


class Use(NamedTuple):
    """Requests of the last USE_SPAN, to the hour."""

    requests: int = 0
    failures: int = 0


def uses(workspace: Workspace, dimension: str) -> dict[str, Use]:
    """By the slugs that were used; ``dimension`` is one of ``rollups.DIMENSIONS``."""
    rows = (
        RollupDim.objects.filter(workspace=workspace, dimension=dimension, bucket__gte=timezone.now() - USE_SPAN)
        .values_list("value")
        .annotate(Sum("requests"), Sum("failures"))
        .order_by()
    )
    return {slug: Use(requests, failures) for slug, requests, failures in rows}


class Served(NamedTuple):
    """What one option of a config did; ``cached`` are answers out of the cache, ``retried`` took more than one try."""

    requests: int = 0
    failures: int = 0
    cached: int = 0
    retried: int = 0

    def __add__(self, other: object) -> Self:
        assert isinstance(other, Served)  # noqa: S101 (tells mypy; a tuple would be concatenated)
        return type(self)(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Routing:
    """Which options served since ``since``; None where even the shortest span took too long."""

    since: datetime | None
    served: dict[str, Served] = field(default_factory=dict)  # by option path

    @property
    def total(self) -> Served:
        return sum(self.served.values(), Served())

    def below(self, path: str) -> Served:
        """What the option at ``path`` served, together with all options inside it."""
        inside = path + "."
        return sum(
            (served for each, served in self.served.items() if each == path or each.startswith(inside)), Served()
        )


def routing(workspace: Workspace, config: str, version_id: str | None = None) -> Routing:
    """Which options of the config served how often, of one version or of all."""
    logs = Log.objects.in_workspace(workspace).filter(config=config)
    if version_id is not None:
        logs = logs.filter(config_version_id=version_id)
    sums = {
        "requests": Count("id"),
        "failures": Count("id", filter=Q(is_success=False)),
        "cached": Count("id", filter=Q(cache_status__in=FROM_CACHE)),
        "retried": Count("id", filter=Q(retry_status__in=("success", "failed"))),
    }
    for span in ROUTING_SPANS:
        since = timezone.now() - span
        rows = logs.since(since).order_by().values_list("option_path").annotate(**sums)
        found = within(ROUTING_BUDGET_MS, rows)
        if found is not None:
            return Routing(since, {path or "config": Served(*counts) for path, *counts in found})
    return Routing(None)

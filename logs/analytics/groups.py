"""What each model, user, config … adds up to: the rows of the Summary and of the API's groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from logs.analytics import rollup_queries, sums
from logs.analytics.rollup_queries import CORE, DIM, Asked
from logs.analytics.sums import Sums
from logs.models import MetadataKey
from logs.storage import rollups
from portkey_logs.accounts.models import ApiKey

COLUMNS = ("model", "provider", "status_code", "request_type")  # of the core rollup
DIMENSIONS = ("user", "config", "prompt", "api_key", "virtual_key")  # without a value a log is in none of their groups
_ENDS = ("first_at", "last_at")


@dataclass(frozen=True)
class Groups:
    """By key; ``reached`` as in ``sources.Answer``. The keys of ``api_key`` are ids."""

    rows: dict[Any, Sums]
    reached: datetime | None


def by(asked: Asked, dimension: str) -> Groups:
    """The groups of one of COLUMNS or DIMENSIONS, or of a metadata key (``meta.env``), declared or not."""
    if dimension in COLUMNS:
        answer = rollup_queries.read(asked, CORE, (dimension, "is_success", "cache_status"), (*sums.NAMES, *_ENDS))
        return Groups(sums.grouped(answer.rows, lambda row: row[dimension]), answer.reached)
    answer = rollup_queries.read(
        asked,
        DIM,
        ("value",),
        (*sums.NAMES, "failures", "cache_hits", *_ENDS),
        dimension=dimension,
        rolled_up_from=rolled_up_from(asked, dimension),
    )
    return Groups(sums.grouped(answer.rows, lambda row: row["value"]), answer.reached)


def rolled_up_from(asked: Asked, dimension: str) -> datetime | None:
    """From when on the rollups have this dimension; None where they always had."""
    key = rollups.metadata_key(dimension)
    if not key:
        return None
    declared = MetadataKey.objects.filter(workspace=asked.workspace_id, key=key).first()
    return declared.rolled_up_from if declared else asked.grid.until


def names(workspace_id: int, dimension: str) -> Callable[[Any], str]:
    """How to call a group: API keys by their names, everything else by itself."""
    if dimension != "api_key":
        return lambda key: "" if key is None else str(key)
    known = dict(ApiKey.objects.filter(workspace=workspace_id).values_list("id", "name"))
    return lambda key: known.get(int(key), f"API key {key}")

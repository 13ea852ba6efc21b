"""The query language of the log list: chainable verbs, each of which the page can name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models
from django.db.models.expressions import RawSQL

from portkey_logs.lib import uuid7
from portkey_logs.lib.search_words import Query

if TYPE_CHECKING:
    from logs.models import Log  # noqa: F401 (ruff does not look into the string below)
    from portkey_logs.accounts.models import Workspace


class LogQuerySet(models.QuerySet["Log"]):
    workspace_id: int | None = None  # whose logs these are, for filters that first ask another table
    lowest: UUID | None = None  # no id below this one, by ``since``
    highest: UUID | None = None  # none from this one on, by ``until``
    search: Query | None = None  # what their bodies must match; only ``pagination.fetch_page`` looks there

    def in_workspace(self, workspace: Workspace) -> Self:
        found = self.filter(workspace=workspace)
        found.workspace_id = workspace.pk
        return found

    def _clone(self) -> Self:
        copy: Self = super()._clone()  # type: ignore[misc]  # the stubs leave it out
        copy.workspace_id, copy.search = self.workspace_id, self.search
        copy.lowest, copy.highest = self.lowest, self.highest
        return copy

    def since(self, moment: datetime) -> Self:
        """Logs of events at or after the moment."""
        lowest = uuid7.floor(uuid7.ms_of(moment))
        found = self.filter(id__gte=lowest)
        found.lowest = lowest
        return found

    def until(self, moment: datetime) -> Self:
        """Logs of events before the moment."""
        highest = uuid7.floor(uuid7.ms_of(moment))
        found = self.filter(id__lt=highest)
        found.highest = highest
        return found

    def matching(self, query: Query) -> Self:
        """Logs whose bodies match. No index can say so for sure: pages look at the bodies, nothing else does."""
        found = self.all()
        found.search = query
        return found

    def received_after(self, moment: datetime) -> Self:
        """What arrived after the moment, the latest first, whenever it happened."""
        return self.filter(received_at__gt=moment).order_by("-received_at")

    def among(self, candidates: Sequence[UUID]) -> Self:
        """Those of the selection that have one of these ids, each looked up by its key."""
        return self.filter(
            id__gte=min(candidates),  # the range tells which partitions
            id__lte=max(candidates),
            id__in=RawSQL("SELECT unnest(%s::uuid[])", [list(candidates)]),
        )

    def older_than(self, cursor: UUID) -> Self:
        return self.filter(id__lt=cursor)

    def newer_than(self, cursor: UUID) -> Self:
        return self.filter(id__gt=cursor)

    def newest_first(self) -> Self:
        return self.order_by("-id")

    def oldest_first(self) -> Self:
        return self.order_by("id")

    def for_list(self, *, with_metadata: bool = False) -> Self:
        """Without the wide columns that no row shows; some show a key of the metadata."""
        found = self.defer("url", "labels", "span_name", "option_path")
        return found if with_metadata else found.defer("metadata")

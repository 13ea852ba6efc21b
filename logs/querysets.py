"""The query language of the log list: chainable verbs, each of which the page can name."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models

from logs import ids

if TYPE_CHECKING:
    from logs.models import Log  # noqa: F401 (ruff does not look into the string below)
    from portkey_logs.accounts.models import Workspace


class LogQuerySet(models.QuerySet["Log"]):
    workspace_id: int | None = None  # whose logs these are, for filters that first ask another table

    def in_workspace(self, workspace: Workspace) -> Self:
        found = self.filter(workspace=workspace)
        found.workspace_id = workspace.pk
        return found

    def _clone(self) -> Self:
        copy: Self = super()._clone()  # type: ignore[misc]  # the stubs leave it out
        copy.workspace_id = self.workspace_id
        return copy

    def since(self, moment: datetime) -> Self:
        """Logs of events at or after the moment."""
        return self.filter(id__gte=ids.floor(ids.ms_of(moment)))

    def until(self, moment: datetime) -> Self:
        """Logs of events before the moment."""
        return self.filter(id__lt=ids.floor(ids.ms_of(moment)))

    def older_than(self, cursor: UUID) -> Self:
        return self.filter(id__lt=cursor)

    def newer_than(self, cursor: UUID) -> Self:
        return self.filter(id__gt=cursor)

    def newest_first(self) -> Self:
        return self.order_by("-id")

    def oldest_first(self) -> Self:
        return self.order_by("id")

    def for_list(self) -> Self:
        """Without the wide columns that no row shows."""
        return self.defer("url", "labels", "metadata", "span_name", "option_path")

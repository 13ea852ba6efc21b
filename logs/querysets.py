"""The query language of the log list: chainable verbs, each of which the page can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models

if TYPE_CHECKING:
    from logs.models import Log
    from portkey_logs.accounts.models import Workspace


class LogQuerySet(models.QuerySet["Log"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace)

    def newest_first(self) -> Self:
        return self.order_by("-id")

    def older_than(self, cursor: UUID) -> Self:
        return self.filter(id__lt=cursor)

    def newer_than(self, cursor: UUID) -> Self:
        return self.filter(id__gt=cursor)

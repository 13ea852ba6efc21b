"""The query language of runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models

if TYPE_CHECKING:
    from portkey_logs.accounts.models import User, Workspace
    from replay.models import Batch, Run  # noqa: F401 (ruff does not look into the string below)


class RunQuerySet(models.QuerySet["Run"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace)

    def of_parents(self, workspace_id: int, log_ids: Collection[UUID]) -> Self:
        """What was run from these logs, oldest first; not what a batch never began."""
        return self.filter(workspace=workspace_id, parent_id__in=log_ids).exclude(path="").order_by("id")

    def of_logs(self, workspace_id: int, log_ids: Collection[UUID]) -> Self:
        """The runs that became these logs."""
        return self.filter(workspace=workspace_id, log_id__in=log_ids)

    def in_group(self, group: UUID) -> Self:
        return self.filter(group=group).order_by("id")

    def open(self) -> Self:
        """Those that are waiting or under way."""
        return self.filter(state__in=["pending", "running"])

    def by(self, person: User, since: datetime) -> Self:
        """What somebody ran one by one."""
        return self.filter(person=person, created_at__gte=since, batch=None)

    def newest_first(self) -> Self:
        return self.order_by("-id")

    def light(self) -> Self:
        """Without the bodies, which only a run reads."""
        return self.defer("body")


class BatchQuerySet(models.QuerySet["Batch"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace)

    def with_names(self) -> Self:
        """With what their words name: who began them, and the version of a prompt."""
        return self.select_related("person", "prompt_version__prompt")

    def running(self) -> Self:
        return self.filter(state="running")

    def unfinished(self) -> Self:
        """What the worker has to do, the oldest first: also those that were cancelled while it was away."""
        from replay.models import Run

        under_way = Run.objects.filter(state="running", batch__isnull=False).values("batch")
        return self.filter(models.Q(state="running") | models.Q(id__in=under_way)).with_names().order_by("id")

    def newest_first(self) -> Self:
        return self.order_by("-id")

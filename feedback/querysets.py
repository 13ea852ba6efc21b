"""The query language of ratings."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from feedback.models import Feedback, FeedbackTrace  # noqa: F401 (ruff does not look into the strings below)
    from portkey_logs.accounts.models import Workspace


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace)

    def standing(self) -> Self:
        """Those that were not withdrawn."""
        return self.filter(withdrawn=False)

    def of_trace(self, workspace_id: int, trace_id: str) -> Self:
        """What is said of one trace, in the order it was said."""
        return self.standing().filter(workspace=workspace_id, trace_id=trace_id).order_by("created_at", "id")

    def since(self, moment: datetime) -> Self:
        """Given at or after the moment."""
        return self.filter(created_at__gte=moment)

    def until(self, moment: datetime) -> Self:
        """Given before the moment."""
        return self.filter(created_at__lt=moment)

    def positive(self) -> Self:
        return self.filter(value__gt=0)

    def negative(self) -> Self:
        return self.filter(value__lt=0)

    def unresolved(self) -> Self:
        """Negative, and nobody has looked into it yet."""
        return self.negative().filter(resolved_at=None)

    def with_comment(self) -> Self:
        return self.exclude(comment="")


class FeedbackTraceQuerySet(models.QuerySet["FeedbackTrace"]):
    def rated(self) -> Self:
        """Those with a standing rating."""
        return self.filter(ratings__gt=0)

    def of_traces(self, workspace_id: int, trace_ids: Collection[str]) -> Self:
        return self.rated().filter(workspace=workspace_id, trace_id__in=trace_ids)

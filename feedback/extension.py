"""What feedback adds to the log pages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from feedback import dashboard_tab, figures, filters, panel_section
from feedback.models import Feedback, FeedbackTrace
from logs.extension_types import FeedbackScore, GroupRating, PanelSection
from logs.extensions import Extension
from logs.models import Log
from logs.querysets import LogQuerySet
from portkey_logs.accounts.models import Workspace


class FeedbackExtension(Extension):
    toolbar = "feedback/toolbar.html"
    footer = "feedback/bulk.html"
    stylesheets = ("css/feedback.css",)
    analytics = (dashboard_tab.TAB,)

    def narrow(self, logs: LogQuerySet, asked: Mapping[str, Any]) -> tuple[LogQuerySet, bool]:
        return filters.narrow(logs, asked)

    def scores(self, workspace_id: int, logs: Iterable[Log]) -> Mapping[UUID, FeedbackScore]:
        by_trace = {
            each.trace_id: FeedbackScore(each.ratings, each.average)
            for each in FeedbackTrace.objects.of_traces(workspace_id, {log.trace_id for log in logs})
        }
        return {log.id: by_trace[log.trace_id] for log in logs if log.trace_id in by_trace}

    def rated(
        self, workspace_id: int, logs: LogQuerySet, group: Any, values: Collection[str]
    ) -> Mapping[str, GroupRating]:
        return figures.rated(workspace_id, logs, group, values)

    def section(self, request: HttpRequest, workspace: Workspace, log: Log) -> PanelSection:
        return PanelSection("feedback/section.html", panel_section.shown(request, workspace, log))

    def maintain(self) -> bool:
        Feedback.find_logs()
        return False

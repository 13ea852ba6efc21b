"""What the tab Feedback is about: which ratings, from when to when, and the way from a figure to its logs."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import QueryDict

from feedback import filters
from feedback.models import FACTS, Feedback
from feedback.querysets import FeedbackQuerySet
from logs.analytics.rollup_queries import TIMES
from logs.analytics.scope import Scope, in_words, iso
from logs.explorer.filters import LogFilterSet, select
from logs.models import Log

_OF_RATINGS = (*filters.OF_ONE_RATING, *filters.OF_THE_SCORE)


class FeedbackScope(Scope):
    """``since`` and ``until`` (UTC) are about when a rating was given; all other filters mean what they always do."""

    how_shown = (*Scope.how_shown, "before")

    @property
    def sentence(self) -> str:
        return f"Ratings given from {in_words(self.since)} to {in_words(self.until)} UTC"

    @property
    def before(self) -> str:
        """Where a page of comments goes on."""
        return self.params.get("before", "")

    @cached_property
    def ratings(self) -> FeedbackQuerySet:
        """Standing ones, within the time and the filters; none with a value that cannot be understood."""
        if not self.is_valid:
            return Feedback.objects.none()
        return self._selected(self.form.cleaned_data).since(self.since).until(self.until)

    def logs(self, place: int | None = None, **more: str) -> str:
        """The list of the logs behind a figure: those rated so in this time."""
        since, until = (self.since, self.until) if place is None else self.grid.span(place)
        times = {"feedback_since": iso(since), "feedback_until": iso(until)}
        kind = self.params.get("feedback") or more.pop("feedback", "present")
        return self.list_url(**dict.fromkeys(TIMES), **times, **more, feedback=kind)

    def _selected(self, asked: dict[str, Any]) -> FeedbackQuerySet:
        about_logs = self._about_logs()
        found = filters.narrow_ratings(Feedback.objects.in_workspace(self.workspace).standing(), asked)
        if asked.get("feedback") == "none":
            return found.none()
        if (traces := filters.traces(asked)) is not None:
            found = found.filter(trace_id__in=traces.filter(workspace=self.workspace).values("trace_id"))
        if not about_logs:
            return found
        found = found.filter(log_id__isnull=False)
        for name in (*FACTS, "trace_id"):
            if name in about_logs:  # what a rating remembers of its log is asked without reading logs
                del about_logs[name]
                found = LogFilterSet.base_filters[name].filter(found, asked[name])
        if about_logs:
            logs = select(Log.objects.in_workspace(self.workspace), about_logs).queryset
            found = found.filter(log_id__in=logs.values("id"))
        return found

    def _about_logs(self) -> QueryDict:
        about_logs = self.filter_params()
        for name in _OF_RATINGS:
            about_logs.pop(name, None)
        return about_logs

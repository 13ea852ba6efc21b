"""What the dashboard is about: which ratings, from when to when, and the way from a figure to its logs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from feedback import filters
from feedback.models import FACTS, Feedback
from feedback.querysets import FeedbackQuerySet
from logs.filters import LogFilterSet, Term, select
from logs.models import Log
from portkey_logs.accounts.models import Workspace

DEFAULT_SPAN = timedelta(days=30)
LONGEST_SPAN = timedelta(days=400)  # every figure is bounded in time
PRESETS = (("24h", "24 h"), ("7d", "7 d"), ("30d", "30 d"), ("90d", "90 d"))
_TIMES = ("since", "until")
_OF_RATINGS = (*filters.OF_ONE_RATING, *filters.OF_THE_SCORE)


@dataclass(frozen=True)
class Scope:
    """``since`` and ``until`` (UTC) are about when a rating was given; all other filters mean what they always do."""

    workspace: Workspace
    form: forms.Form
    groups: dict[str, list[BoundField]]  # the form's fields by what they are about
    params: QueryDict  # as sent, without what is empty
    terms: list[Term]
    ratings: FeedbackQuerySet  # standing, within the time and the filters
    since: datetime
    until: datetime

    @property
    def is_valid(self) -> bool:
        return self.form.is_valid()

    @property
    def sentence(self) -> str:
        """From when to when, in words."""
        return f"Ratings given from {_words(self.since)} to {_words(self.until)} UTC"

    def url(self, name: str = "feedback", *args: str, **changed: str | None) -> str:
        """An address of the dashboard's with these filters."""
        return reverse(name, args=[self.workspace.slug, *args]) + _query(self.params, changed)

    def logs(self, **more: str) -> str:
        """The list of the logs behind a figure: those rated so in this time."""
        times = {"feedback_since": _iso(self.since), "feedback_until": _iso(self.until)}
        kind = {"feedback": self.params.get("feedback") or more.get("feedback") or "present"}
        changed = dict.fromkeys(_TIMES) | times | more | kind
        return reverse("log_list", args=[self.workspace.slug]) + _query(self.params, changed)

    def presets(self) -> list[dict[str, Any]]:
        chosen = "" if self.params.get("until") else self.params.get("since", "30d")
        return [
            {"label": label, "url": self.url(since=since, until=None), "current": since == chosen}
            for since, label in PRESETS
        ]


def read(params: QueryDict, workspace: Workspace) -> Scope:
    """What a query string asks for. With a value that cannot be understood: no ratings, and the form says why."""
    filterset = LogFilterSet(params)
    form = filterset.form
    asked = form.cleaned_data if form.is_valid() else {}
    until = asked.get("until") or timezone.now()
    since = asked.get("since") or until - DEFAULT_SPAN
    since = max(since, until - LONGEST_SPAN)
    kept = QueryDict(mutable=True)
    for name in form.fields:
        if value := params.get(name, "").strip():
            kept[name] = value
    about_logs = kept.copy()
    for name in (*_TIMES, *_OF_RATINGS):
        about_logs.pop(name, None)
    ratings = Feedback.objects.none()
    if form.is_valid():
        ratings = _ratings(workspace, asked, about_logs).since(since).until(until)
    terms = [term for term in select(Log.objects.none(), kept).terms if term.name not in _TIMES]
    return Scope(workspace, form, filterset.groups, kept, terms, ratings, since, until)


def _ratings(workspace: Workspace, asked: dict[str, Any], about_logs: QueryDict) -> FeedbackQuerySet:
    found = filters.narrow_ratings(Feedback.objects.in_workspace(workspace).standing(), asked)
    if asked.get("feedback") == "none":
        return found.none()
    if (traces := filters.traces(asked)) is not None:
        found = found.filter(trace_id__in=traces.filter(workspace=workspace).values("trace_id"))
    if not about_logs:
        return found
    found = found.filter(log_id__isnull=False)
    rest = about_logs.copy()
    for name in (*FACTS, "trace_id"):
        if name in rest:  # what a rating remembers of its log is asked without reading logs
            del rest[name]
            found = LogFilterSet.base_filters[name].filter(found, asked[name])
    if rest:
        logs = select(Log.objects.in_workspace(workspace), rest).queryset
        found = found.filter(log_id__in=logs.values("id"))
    return found


def _query(params: QueryDict, changed: dict[str, str | None]) -> str:
    query = params.copy()
    for name, value in changed.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"?{query.urlencode()}" if query else ""


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _words(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M}"

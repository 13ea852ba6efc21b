"""What an analytics page is about: which logs, from when to when, and the way from a figure to its logs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Self

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from logs.analytics.grid import Grid
from logs.analytics.rollup_queries import TIMES, Asked
from logs.explorer.filters import LogFilterSet, Term, exactly, select
from logs.models import Log
from portkey_logs.accounts.models import Workspace

DEFAULT_SPAN = timedelta(days=30)
SEARCH = "q"
LONGEST_SPAN = timedelta(days=400)  # every figure is bounded in time
PRESETS = (("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("30d", "30 d"), ("90d", "90 d"))


@dataclass(frozen=True)
class Scope:
    """``since`` and ``until`` are UTC, in whole ms as the times of logs are."""

    # What a page shows of the selection, beside the filters: with the period before, grouped by what, in which order.
    how_shown: ClassVar[tuple[str, ...]] = ("compare", "by", "sort")

    workspace: Workspace
    tab: str
    form: forms.Form
    groups: dict[str, list[BoundField]]  # the form's fields by what they are about
    params: QueryDict  # as sent, without what is empty
    terms: list[Term]
    since: datetime
    until: datetime
    ignores_search: bool  # the words that bodies are searched for narrow no figure: bodies are never counted
    can_compare: bool = True

    @classmethod
    def read(cls, params: QueryDict, workspace: Workspace, tab: str, *, can_compare: bool = True) -> Self:
        """What a query string asks for. With a value that cannot be understood the form says why."""
        filterset = LogFilterSet(params)
        form = filterset.form
        asked = form.cleaned_data if form.is_valid() else {}
        until = _whole_ms(asked.get("until") or timezone.now())
        since = _whole_ms(asked.get("since") or until - DEFAULT_SPAN)
        since = min(max(since, until - LONGEST_SPAN), until - timedelta(milliseconds=1))
        kept = QueryDict(mutable=True)
        for name in [*form.fields, *cls.how_shown]:
            if name == SEARCH:
                continue
            if value := params.get(name, "").strip():
                kept[name] = value
        terms = [term for term in select(Log.objects.none(), kept).terms if term.name not in TIMES]
        ignores_search = bool(params.get(SEARCH))
        return cls(workspace, tab, form, filterset.groups, kept, terms, since, until, ignores_search, can_compare)

    @property
    def is_valid(self) -> bool:
        return self.form.is_valid()

    @cached_property
    def grid(self) -> Grid:
        return Grid.over(self.since, self.until)

    @cached_property
    def asked(self) -> Asked:
        """The logs that the filters let through."""
        selection = select(Log.objects.in_workspace(self.workspace), self.filter_params())
        return Asked(self.workspace.pk, self.grid, selection.queryset, selection.asked)

    def filter_params(self) -> QueryDict:
        """The filters alone, without times."""
        params = self.params.copy()
        for name in (*TIMES, *self.how_shown):
            params.pop(name, None)
        return params

    @property
    def compares(self) -> bool:
        """Whether the period before is shown too."""
        return self.can_compare and "compare" in self.params

    @property
    def sentence(self) -> str:
        """From when to when, in words."""
        words = f"Requests from {in_words(self.since)} to {in_words(self.until)} UTC"
        if self.compares:
            before = self.grid.before()
            words += f", compared with {in_words(before.since)} to {in_words(before.until)}"
        if self.ignores_search:
            words += "; the search in bodies does not narrow them"
        return words

    def url(self, part: str = "", **changed: str | None) -> str:
        """The address of this tab, or of a part of it, with these filters."""
        name, args = ("analytics_part", [self.tab, part]) if part else ("analytics_tab", [self.tab])
        return reverse(name, args=[self.workspace.slug, *args]) + _query(self.params, changed)

    def tab_url(self, tab: str) -> str:
        """The same question in another tab."""
        shown_here: dict[str, str | None] = dict.fromkeys(name for name in self.how_shown if name != "compare")
        return reverse("analytics_tab", args=[self.workspace.slug, tab]) + _query(self.params, shown_here)

    def logs(self, place: int | None = None, **more: str) -> str:
        """The list of the logs behind a figure: those of a bucket of the grid, or of the whole time.

        ``more`` are further filters; a value that comes from a log is to be given through ``this``.
        """
        since, until = (self.since, self.until) if place is None else self.grid.span(place)
        return self.list_url(**{"since": iso(since), "until": iso(until)} | more)

    def list_url(self, **changed: str | None) -> str:
        """The log page with these filters."""
        not_there: dict[str, str | None] = dict.fromkeys(self.how_shown)
        return reverse("log_list", args=[self.workspace.slug]) + _query(self.params, not_there | changed)

    @property
    def csv_url(self) -> str:
        """The Summary of this scope as a file."""
        return reverse("summary_csv", args=[self.workspace.slug]) + _query(self.params, {})

    def outcome(self, kind: str) -> str:
        """The filter ``status`` for ``ok`` or ``failed``: within a filter for certain codes it stays that."""
        asked = self.params.get("status", "")
        return kind if asked in ("", "ok", "failed", "!ok", "!failed") else asked

    def presets(self) -> list[dict[str, Any]]:
        chosen = "" if self.params.get("until") else self.params.get("since", "30d")
        return [
            {"label": label, "url": self.url(since=since, until=None), "current": since == chosen}
            for since, label in PRESETS
        ]

    @property
    def compare_url(self) -> str:
        """This page with the period before, or without it where it is shown."""
        return self.url(compare=None if self.compares else "1")


def this(value: str | None) -> str:
    """The value of a text filter for what a log says; None: the log does not say."""
    return "!*" if value is None else exactly(value)


def _query(params: QueryDict, changed: dict[str, str | None]) -> str:
    query = params.copy()
    for name, value in changed.items():
        query.pop(name, None)
        if value:
            query[name] = value
    return f"?{query.urlencode()}" if query else ""


def _whole_ms(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def in_words(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%-d %b %Y, %H:%M}"

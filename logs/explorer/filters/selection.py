"""What a query string asks for: the logs, whether it could be understood, and how to say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict

from logs import extensions
from logs.explorer.filters.filterset import LogFilter, LogFilterSet
from logs.querysets import LogQuerySet

_TIMES = ("since", "until")


@dataclass(frozen=True)
class Term:
    """One active filter in words, and the address of the page without it."""

    name: str
    label: str
    value: str
    remove_query: str


@dataclass(frozen=True)
class Selection:
    """``asked`` holds what each active filter was given, as its field understood it; empty for a bad query string."""

    form: forms.Form
    groups: Mapping[str, list[BoundField]]
    queryset: LogQuerySet
    asked: Mapping[str, Any]
    terms: list[Term]
    is_valid: bool
    answers_from_index: bool

    @property
    def sentence(self) -> str:
        """What is shown and from when to when, in words."""
        return self.span + (f"; only {self.what}" if self.what else "")

    @property
    def span(self) -> str:
        """From when to when, in words."""
        since, until = self.asked.get("since"), self.asked.get("until")
        say: Callable[[datetime], str] = lambda moment: f"{moment:%-d %b %Y, %H:%M} UTC"  # noqa: E731
        if since and until:
            span = f"from {say(since)} to {say(until)}"
        elif since:
            span = f"from {say(since)} until now"
        elif until:
            span = f"until {say(until)}"
        else:
            span = "all time"
        return f"Newest first, {span}"

    @property
    def what(self) -> str:
        """Which of them, in words; empty for all."""
        what = [
            term.value if term.value.startswith(term.label) else f"{term.label} {term.value}"
            for term in self.terms
            if term.name not in _TIMES
        ]
        return ", ".join(what)


def select(queryset: LogQuerySet, params: QueryDict) -> Selection:
    """Apply a query string to the logs of a workspace. A value that cannot be understood selects nothing.

    (django-filter on its own answers *every* row for an invalid form.)
    """
    filterset = LogFilterSet(params, queryset)
    is_valid = filterset.is_valid()
    selected, by_extension = queryset.none(), False
    asked: dict[str, Any] = {}
    if is_valid:
        asked = {name: value for name, value in filterset.form.cleaned_data.items() if value not in (None, "")}
        selected, by_extension = extensions.narrow(filterset.qs, filterset.form.cleaned_data)
    return Selection(
        form=filterset.form,
        groups=filterset.groups,
        queryset=selected,
        asked=asked,
        terms=[_term(name, filterset, params) for name in filterset.filters if params.get(name, "").strip()],
        is_valid=is_valid,
        answers_from_index=by_extension or _answers_from_index(filterset, asked),
    )


def _answers_from_index(filterset: LogFilterSet, asked: Mapping[str, Any]) -> bool:
    """Whether an index finds all that is asked for, newest first, at any size. Of two values that many logs have each,
    perhaps no log has both, and no index tells. But a trace has few logs, which may well be looked through."""
    narrowing = asked.keys() - set(_TIMES)
    answered = {name for name in narrowing if _has_index(filterset.filters[name], asked[name])}
    return "trace_id" in answered or (len(narrowing) <= 1 and answered == narrowing)


def _has_index(filter: Any, value: Any) -> bool:
    return isinstance(filter, LogFilter) and filter.answers_from_index(value)


def _term(name: str, filterset: LogFilterSet, params: QueryDict) -> Term:
    rest = params.copy()
    value = rest.pop(name)[-1].strip()
    rest.pop("cursor", None)
    field: Any = filterset.form.fields[name]
    words = field.words(value) if hasattr(field, "words") else dict(getattr(field, "choices", ())).get(value, value)
    return Term(name=name, label=str(filterset.filters[name].label), value=str(words), remove_query=rest.urlencode())

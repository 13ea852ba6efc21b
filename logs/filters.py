"""The filters of the log list: the same names and meanings in the page, in JSON and in exports.

docs/filters.md describes each one; a test holds the two together. A leading ``!`` in a text value negates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import django_filters
from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from logs import extensions
from logs.ingest.record import REQUEST_TYPES
from logs.models import Log
from logs.present import TYPE_LABELS
from logs.querysets import LogQuerySet

_AGO = re.compile(r"(\d{1,4})(m|h|d|w)")
_AGO_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

CACHE_CHOICES = [
    ("disabled", "Cache Disabled"),
    ("miss", "Cache Miss"),
    ("refreshed", "Cache Refreshed"),
    ("hit", "Cache Hit"),
    ("semantic_hit", "Cache Semantic Hit"),
    ("unknown", "Unknown"),
]
RETRY_CHOICES = [
    ("not_triggered", "Retry Not Triggered"),
    ("success", "Retry Success"),
    ("failed", "Retry Failed"),
    ("unknown", "Unknown"),
]
FALLBACK_CHOICES = [
    ("disabled", "Fallback Disabled"),
    ("active", "Fallback Active"),
    ("triggered", "Fallback Triggered"),
    ("unknown", "Unknown"),
]
LOADBALANCE_CHOICES = [
    ("disabled", "Loadbalancer Disabled"),
    ("active", "Loadbalancer Active"),
    ("unknown", "Unknown"),
]


class MomentField(forms.CharField):
    """A point in time: how long ago (``30m``, ``24h``, ``7d``, ``2w``), a date, or an ISO 8601 time (UTC)."""

    def clean(self, value: str | None) -> datetime | None:
        text = super().clean(value)
        if not text:
            return None
        if ago := _AGO.fullmatch(text):
            return timezone.now() - timedelta(**{_AGO_UNITS[ago[2]]: int(ago[1])})
        try:
            moment = parse_datetime(text) or parse_date(text)
        except ValueError:
            moment = None
        if moment is None:
            raise forms.ValidationError("Give 30m, 24h, 7d, a date, or a time such as 2026-11-23T15:00Z.")
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if not 2000 <= moment.year <= 2100:  # outside, the id's 48 bits of ms would not hold it either
            raise forms.ValidationError("Give a time between the years 2000 and 2100.")
        return moment


class StatusField(forms.CharField):
    """An HTTP status: a code (``429``), a class (``5xx``), ``failed`` or ``ok``."""

    def clean(self, value: str | None) -> str:
        text = str(super().clean(value)).lower()
        if text and not re.fullmatch(r"!?([1-9]\d\d|[1-5]xx|failed|ok)", text):
            raise forms.ValidationError("Give a code such as 429, a class such as 5xx, or failed.")
        return text


class MomentFilter(django_filters.Filter):
    field_class = MomentField


class TextFilter(django_filters.CharFilter):
    """Equality; a leading ``!`` turns it into "anything but"."""

    def filter(self, qs: LogQuerySet, value: str) -> LogQuerySet:
        if not value:
            return qs
        if value.startswith("!"):
            return qs.exclude(**{self.field_name: value[1:]})
        return qs.filter(**{self.field_name: value})


class StatusFilter(django_filters.Filter):
    field_class = StatusField

    def filter(self, qs: LogQuerySet, value: str) -> LogQuerySet:
        if not value:
            return qs
        negated, text = value.startswith("!"), value.removeprefix("!")
        if text in ("failed", "ok"):
            return qs.filter(is_success=(text == "ok") != negated)
        if text.endswith("xx"):
            low = int(text[0]) * 100
            bounds = {"status_code__gte": low, "status_code__lt": low + 100}
        else:
            bounds = {"status_code": int(text)}
        return qs.exclude(**bounds) if negated else qs.filter(**bounds)


def _text(label: str, field_name: str | None = None, placeholder: str = "") -> TextFilter:
    return TextFilter(
        field_name=field_name,
        label=label,
        max_length=300,
        widget=forms.TextInput(attrs={"placeholder": placeholder, "autocomplete": "off", "spellcheck": "false"}),
    )


def _choice(label: str, field_name: str, choices: list[tuple[str, str]]) -> django_filters.ChoiceFilter:
    return django_filters.ChoiceFilter(field_name=field_name, label=label, choices=choices, empty_label="Any")


class LogFilterSet(django_filters.FilterSet):
    since = MomentFilter(label="From", method="filter_since", widget=forms.TextInput(attrs={"placeholder": "24h"}))
    until = MomentFilter(label="To", method="filter_until", widget=forms.TextInput(attrs={"placeholder": "now"}))
    type = _choice("Type", "request_type", [(name, TYPE_LABELS[name]) for name in REQUEST_TYPES])
    provider = _text("Provider", placeholder="openai")
    model = _text("Model", placeholder="gpt-4o-mini")
    status = StatusFilter(
        label="HTTP status",
        widget=forms.TextInput(attrs={"placeholder": "429, 5xx or failed", "autocomplete": "off"}),
    )
    cache = _choice("Cache", "cache_status", CACHE_CHOICES)
    retry = _choice("Retry", "retry_status", RETRY_CHOICES)
    fallback = _choice("Fallback", "fallback_status", FALLBACK_CHOICES)
    loadbalance = _choice("Load balance", "loadbalance_status", LOADBALANCE_CHOICES)
    user = _text("User")
    trace_id = _text("Trace id")
    config = _text("Config", placeholder="pc-…")
    prompt = _text("Prompt", placeholder="pp-…")

    class Meta:
        model = Log
        fields: list[str] = []

    def filter_since(self, queryset: LogQuerySet, name: str, value: datetime) -> LogQuerySet:
        return queryset.since(value)

    def filter_until(self, queryset: LogQuerySet, name: str, value: datetime) -> LogQuerySet:
        return queryset.until(value)


# Answered by an index at any size (see the indexes of ``Log``); the time range bounds the walk itself.
_INDEXED = {"model", "user", "trace_id", "config", "prompt"}


@dataclass(frozen=True)
class Term:
    """One active filter in words, and the address of the page without it."""

    name: str
    label: str
    value: str
    remove_query: str


@dataclass(frozen=True)
class Selection:
    """What a query string asks for: the logs, whether it could be understood, and how to say it."""

    form: forms.Form
    queryset: LogQuerySet
    terms: list[Term]
    is_valid: bool
    answers_from_index: bool

    @property
    def sentence(self) -> str:
        """What is shown and from when to when, in words."""
        cleaned = self.form.cleaned_data if self.is_valid else {}
        since, until = cleaned.get("since"), cleaned.get("until")
        say: Callable[[datetime], str] = lambda moment: f"{moment:%-d %b %Y, %H:%M} UTC"  # noqa: E731
        if since and until:
            span = f"from {say(since)} to {say(until)}"
        elif since:
            span = f"from {say(since)} until now"
        elif until:
            span = f"until {say(until)}"
        else:
            span = "all time"
        what = [
            term.value if term.value.startswith(term.label) else f"{term.label} {term.value}"
            for term in self.terms
            if term.name not in ("since", "until")
        ]
        return f"Newest first, {span}" + (f"; only {', '.join(what)}" if what else "")


def select(queryset: LogQuerySet, params: QueryDict) -> Selection:
    """Apply a query string to the logs of a workspace. A value that cannot be understood selects nothing.

    (django-filter on its own answers *every* row for an invalid form.)
    """
    filterset = LogFilterSet(params, queryset=queryset)
    is_valid = filterset.is_valid()
    selected, by_extension = queryset.none(), False
    if is_valid:
        selected, by_extension = extensions.narrow(filterset.qs, filterset.form.cleaned_data)
    terms = [_term(name, filterset, params) for name in filterset.filters if params.get(name, "").strip()]
    asked = {term.name for term in terms} - {"since", "until"}
    positive = {name for name in asked if not params.get(name, "").startswith("!")}
    return Selection(
        form=filterset.form,
        queryset=selected,
        terms=terms,
        is_valid=is_valid,
        answers_from_index=not asked
        or bool(positive & _INDEXED)
        or params.get("status") in ("failed", "!ok")
        or by_extension,
    )


def _term(name: str, filterset: LogFilterSet, params: QueryDict) -> Term:
    rest = params.copy()
    value = rest.pop(name)[-1].strip()
    rest.pop("cursor", None)
    choices: Any = getattr(filterset.form.fields[name], "choices", ())
    shown = dict(choices).get(value, value)
    if value.startswith("!"):
        shown = f"not {value[1:]}"
    return Term(name=name, label=str(filterset.filters[name].label), value=str(shown), remove_query=rest.urlencode())

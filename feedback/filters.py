"""Filters by rating: the same names on the log page, in JSON and on the dashboard.

All conditions on a single rating (``feedback``, ``feedback_by``, …) must hold for one and the same rating; the
range of the score is about the weighted average of all of a log's ratings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import django_filters
from django import forms
from django.db import models
from django.db.models import Exists, OuterRef, Q

from feedback.models import MAX_VALUE, MIN_VALUE, Feedback, FeedbackTrace
from feedback.querysets import FeedbackQuerySet, FeedbackTraceQuerySet
from logs.explorer.filters import MomentFilter
from logs.querysets import LogQuerySet
from portkey_logs.accounts.models import ApiKey, User

KINDS = [
    ("present", "Any"),
    ("none", "None"),
    ("positive", "Positive"),
    ("negative", "Negative"),
    ("unresolved", "Needs a look"),
]
# So many rated traces are looked up by their ids in the index of logs; beyond, a walk from the newest meets them soon.
FEW = 300
OF_ONE_RATING = (
    "feedback", "feedback_by", "feedback_comment", "feedback_source", "feedback_value_min", "feedback_value_max",
    "feedback_since", "feedback_until",
)  # fmt: skip
OF_THE_SCORE = ("feedback_min", "feedback_max")


def _number(label: str, **options: Any) -> django_filters.NumberFilter:
    return django_filters.NumberFilter(label=label, min_value=MIN_VALUE, max_value=MAX_VALUE, **options)


def _choice(label: str, choices: list[tuple[str, str]], **options: Any) -> django_filters.ChoiceFilter:
    return django_filters.ChoiceFilter(label=label, choices=choices, empty_label="Any", **options)


HIDDEN: dict[str, Any] = {"widget": forms.HiddenInput}  # what links of the dashboard say; too fine for the form
FILTERS: dict[str, django_filters.Filter] = {
    "feedback": django_filters.ChoiceFilter(label="Feedback", choices=KINDS, empty_label="With or without"),
    "feedback_min": _number("Score from"),
    "feedback_max": _number("Score to"),
    "feedback_by": django_filters.CharFilter(
        label="Rated by",
        max_length=300,
        widget=forms.TextInput(attrs={"placeholder": "E-mail or name", "autocomplete": "off", "spellcheck": "false"}),
    ),
    "feedback_comment": _choice("Comments", [("yes", "At least one")]),
    "feedback_source": _choice("Rated through", [("person", "This site"), ("api", "API")], **HIDDEN),
    "feedback_value_min": _number("Value from", **HIDDEN),
    "feedback_value_max": _number("Value to", **HIDDEN),
    "feedback_since": MomentFilter(label="Rated from", **HIDDEN),
    "feedback_until": MomentFilter(label="Rated to", **HIDDEN),
}
for _name, _filter in FILTERS.items():
    _filter.field_name = _name
    _filter.group, _filter.index = "Feedback", "where few are"
    _filter.method = lambda queryset, name, value: queryset  # ``narrow`` applies all of them together


def narrow(logs: LogQuerySet, asked: Mapping[str, Any]) -> tuple[LogQuerySet, bool]:
    """The logs whose trace was rated as asked; whether the index of traces answers that."""
    indexed = False
    for matching in (ratings(asked), traces(asked)):
        if matching is None:
            continue
        logs, found = _with_traces_of(logs, matching)
        indexed = indexed or found
    if asked.get("feedback") == "none":
        logs = logs.exclude(Exists(_of_outer_log(FeedbackTrace.objects.rated())))
    return logs, indexed


def ratings(asked: Mapping[str, Any]) -> FeedbackQuerySet | None:
    """The ratings that fulfil every condition on a single one, of all workspaces; None where none is asked."""
    kind = asked.get("feedback")
    if kind == "none" or not any(asked.get(name) not in (None, "") for name in OF_ONE_RATING):
        return None
    return narrow_ratings(Feedback.objects.standing(), asked)


def narrow_ratings(found: FeedbackQuerySet, asked: Mapping[str, Any]) -> FeedbackQuerySet:
    """The conditions on a single rating, for ratings themselves."""
    match asked.get("feedback"):
        case "positive":
            found = found.positive()
        case "negative":
            found = found.negative()
        case "unresolved":
            found = found.unresolved()
    if who := asked.get("feedback_by"):
        people = User.objects.filter(Q(email__iexact=who) | Q(name__iexact=who)).values_list("id", flat=True)
        keys = ApiKey.objects.filter(name__iexact=who).values_list("id", flat=True)
        found = found.filter(Q(person__in=list(people)) | Q(api_key__in=list(keys)))
    if asked.get("feedback_comment"):
        found = found.with_comment()
    if source := asked.get("feedback_source"):
        found = found.filter(source=source)
    return _between(
        found,
        value__gte=cast("Decimal | None", asked.get("feedback_value_min")),
        value__lte=cast("Decimal | None", asked.get("feedback_value_max")),
        created_at__gte=cast("datetime | None", asked.get("feedback_since")),
        created_at__lt=cast("datetime | None", asked.get("feedback_until")),
    )


def traces(asked: Mapping[str, Any]) -> FeedbackTraceQuerySet | None:
    """The traces whose weighted average is in the range; None where none is asked."""
    low, high = asked.get("feedback_min"), asked.get("feedback_max")
    if low is None and high is None:
        return None
    return _between(FeedbackTrace.objects.rated(), average__gte=low, average__lte=high)


def _between[Rows: models.QuerySet[Any]](rows: Rows, **bounds: Any) -> Rows:
    return rows.filter(**{name: bound for name, bound in bounds.items() if bound is not None})


def _with_traces_of(logs: LogQuerySet, matching: FeedbackQuerySet | FeedbackTraceQuerySet) -> tuple[LogQuerySet, bool]:
    if logs.workspace_id is not None:
        mine = matching.filter(workspace=logs.workspace_id)
        few = list(mine.order_by().values_list("trace_id", flat=True)[: FEW + 1])
        if len(few) <= FEW:
            return logs.filter(trace_id__in=set(few)), True
    return logs.filter(Exists(_of_outer_log(matching))), False


def _of_outer_log(rows: FeedbackQuerySet | FeedbackTraceQuerySet) -> FeedbackQuerySet | FeedbackTraceQuerySet:
    return rows.filter(workspace=OuterRef("workspace_id"), trace_id=OuterRef("trace_id"))

"""Portkey's filters of a log export: https://portkey.ai/docs. What is not known is refused, never left out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q

from logs import extensions
from logs.explorer.filters import MomentField
from logs.explorer.filters.filterset import MAX_METADATA_FILTERS
from logs.querysets import LogQuerySet

PAGE_SIZE = 50_000  # Portkey's default and its most, where pages are asked for; without them an export has no end
_MAX_VALUES = 1000  # of one list
_MAX_NUMBER = Decimal(10) ** 15
_RANGES = {
    "total_units": "total_tokens",
    "cost": "cost",
    "prompt_token": "input_tokens",
    "completion_token": "output_tokens",
}
_LISTS = {
    "ai_model": "model",
    "virtual_keys": "virtual_key",
    "configs": "config",
    "prompt_slug": "prompt",
    "trace_id": "trace_id",
}
_FEEDBACK = {"weighted_feedback_min": "feedback_min", "weighted_feedback_max": "feedback_max"}


class BadFilter(ValueError):
    """A filter that is not known, or whose value cannot be understood; the text names it."""


def narrow(logs: LogQuerySet, filters: Mapping[str, Any]) -> LogQuerySet:
    """The logs that fulfil all of them. Raises BadFilter."""
    score: dict[str, Decimal] = {}
    for name, value in filters.items():
        if value in (None, "", [], {}):
            continue
        if name in _FEEDBACK:
            score[_FEEDBACK[name]] = _number(name, value)
        elif name not in ("page_size", "current_page", "workspace_slug"):
            logs = _narrow(logs, name, value)
    page(filters)
    return extensions.narrow(logs, score)[0] if score else logs


def page(filters: Mapping[str, Any]) -> tuple[int, int | None]:
    """How many logs to pass over, and how many there are at most (None: no limit). Raises BadFilter."""
    asked = {name: filters[name] for name in ("page_size", "current_page") if filters.get(name) is not None}
    if not asked:
        return 0, None
    size = int(_number("page_size", asked.get("page_size", PAGE_SIZE)))
    number = int(_number("current_page", asked.get("current_page", 0)))  # the first is 0
    if not 1 <= size <= PAGE_SIZE or not 0 <= number <= 1_000_000:
        raise BadFilter(f"filters.page_size: give 1 to {PAGE_SIZE}, and a current_page from 0 on")
    return size * number, size


def _narrow(logs: LogQuerySet, name: str, value: Any) -> LogQuerySet:
    stem, _, end = name.rpartition("_")
    if name == "time_of_generation_min":
        return logs.since(_moment(name, value))
    if name == "time_of_generation_max":
        return logs.until(_moment(name, value) + timedelta(milliseconds=1))  # included
    if end in ("min", "max") and stem in _RANGES:
        return logs.filter(**{f"{_RANGES[stem]}__{'gte' if end == 'min' else 'lte'}": _number(name, value)})
    if name in _LISTS:
        return logs.filter(**{f"{_LISTS[name]}__in": _texts(name, value)})
    match name:
        case "status_code":
            return logs.filter(status_code__in=[_code(text) for text in _texts(name, value)])
        case "ai_org_model":
            wanted = Q()
            for text in _texts(name, value):
                provider, _, model = text.partition("__")
                wanted |= Q(provider=provider, model=model) if model else Q(provider=provider)
            return logs.filter(wanted)
        case "metadata":
            return logs.filter(labels__contains=_labels(value))
    raise BadFilter(f"filters.{name}: there is no such filter")


def _moment(name: str, value: Any) -> datetime:
    try:
        moment = MomentField().clean(value if isinstance(value, str) else None)
    except ValidationError as error:
        raise BadFilter(f"filters.{name}: {' '.join(error.messages)}") from error
    if moment is None:
        raise BadFilter(f"filters.{name}: give a time as text")
    return moment


def _number(name: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value)) if isinstance(value, (int, float, str)) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or abs(number) > _MAX_NUMBER:
        raise BadFilter(f"filters.{name}: give a number")
    return number


def _texts(name: str, value: Any) -> list[str]:
    """A list, given as such or as text with commas."""
    items = value if isinstance(value, list) else str(value).split(",") if isinstance(value, (str, int)) else [None]
    if len(items) > _MAX_VALUES or not all(isinstance(item, (str, int)) for item in items):
        raise BadFilter(f"filters.{name}: give texts, at most {_MAX_VALUES}, separated by commas")
    texts = [str(item).strip() for item in items]
    if any("\0" in text for text in texts):
        raise BadFilter(f"filters.{name}: holds a NUL")
    return [text for text in texts if text]


def _code(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) == 3):
        raise BadFilter("filters.status_code: give codes such as 429")
    return int(text)


def _labels(value: Any) -> list[str]:
    if not isinstance(value, dict) or not all(isinstance(each, (str, int, float)) for each in value.values()):
        raise BadFilter("filters.metadata: give an object of texts")
    if len(value) > MAX_METADATA_FILTERS:
        raise BadFilter(f"filters.metadata: give at most {MAX_METADATA_FILTERS} keys")
    labels = [f"{key}={each}" for key, each in value.items()]
    if any("\0" in label for label in labels):
        raise BadFilter("filters.metadata: holds a NUL")
    return labels

"""The query of Portkey's analytics calls, understood: the filters of the log page under other names, and a few more."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict

from logs.analytics.grid import Grid
from logs.analytics.rollup_queries import Asked
from logs.analytics.scope import LONGEST_SPAN
from logs.explorer.filters import MomentField, exactly, select
from logs.models import Log
from portkey_logs.accounts.models import Workspace

BUDGET_MS = 5_000  # a program waits longer than a person
FIRST, LAST = "time_of_generation_min", "time_of_generation_max"
_HINT = "Give a time in ISO 8601, such as 2026-11-23T00:00:00Z."
_MAX_VALUES = 100

# Portkey's cache states, in any case, with a blank or an underscore.
_CACHE = {"hit": "hit", "semantic hit": "semantic_hit", "miss": "miss", "semantic miss": "miss",
          "refresh": "refreshed", "refreshed": "refreshed", "disabled": "disabled"}  # fmt: skip
# Parameters that mean what a filter of ours does: its name, and how to say a value of the list.
_SAME: dict[str, str] = {
    "total_units_min": "tokens_min",
    "total_units_max": "tokens_max",
    "cost_min": "cost_min",
    "cost_max": "cost_max",
    "weighted_feedback_min": "feedback_min",
    "weighted_feedback_max": "feedback_max",
}
_LISTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "status_code": ("status", str),
    "virtual_keys": ("virtual_key", exactly),
    "configs": ("config", exactly),
    "prompt_slug": ("prompt", exactly),
    "trace_id": ("trace_id", exactly),
    "cache_status": ("cache", lambda text: _CACHE.get(text.lower().replace("_", " "), text)),
}


PARAMETERS = {
    FIRST: "Begin, in ISO 8601.",
    LAST: "End, in ISO 8601.",
    "total_units_min": "Tokens in all, at least.",
    "total_units_max": "Tokens in all, at most.",
    "cost_min": "Cost in cents, at least.",
    "cost_max": "Cost in cents, at most.",
    "prompt_token_min": "Input tokens, at least.",
    "prompt_token_max": "Input tokens, at most.",
    "completion_token_min": "Output tokens, at least.",
    "completion_token_max": "Output tokens, at most.",
    "weighted_feedback_min": "Weighted average rating, at least.",
    "weighted_feedback_max": "Weighted average rating, at most.",
    "status_code": "HTTP statuses, separated by commas.",
    "virtual_keys": "Slugs of virtual keys, separated by commas.",
    "configs": "Slugs of configs, separated by commas.",
    "prompt_slug": "Slugs of prompts, separated by commas.",
    "trace_id": "Trace ids, separated by commas.",
    "span_id": "Span ids, separated by commas.",
    "api_key_ids": "Ids of API keys, separated by commas.",
    "ai_org_model": "Provider and model, such as openai__gpt-4o, separated by commas.",
    "cache_status": "States of the cache, separated by commas.",
    "metadata": "A JSON object of metadata keys and values.",
    "workspace_slug": "Slug of the key's own workspace.",
}


class QuestionError(ValueError):
    """A parameter could not be understood; the text names it."""


def read(params: QueryDict, workspace: Workspace) -> Asked:
    """Which logs a call is about. Raises QuestionError."""
    since, until = _moment(params, FIRST), _moment(params, LAST)
    if until <= since:
        raise QuestionError(f"{LAST}: must be later than {FIRST}.")
    if until - since > LONGEST_SPAN:
        raise QuestionError(f"{FIRST}: at most {LONGEST_SPAN.days} days before {LAST}.")
    query = _as_filters(params)
    selection = select(Log.objects.in_workspace(workspace), query)
    if not selection.is_valid:
        raise QuestionError(_complaint(selection.form.errors, params))
    own = _own_filters(params)
    logs = selection.queryset
    for wanted in own.values():
        logs = logs.filter(wanted)
    asked = Asked(workspace.pk, Grid.over(since, until), logs, {**selection.asked, **own})
    return replace(asked, budget_ms=BUDGET_MS)


def items(params: QueryDict, name: str) -> list[str]:
    """A parameter that is a list with commas. Raises QuestionError for too many."""
    found = [text.strip() for text in params.get(name, "").split(",") if text.strip()]
    if len(found) > _MAX_VALUES:
        raise QuestionError(f"{name}: at most {_MAX_VALUES} values.")
    return found


def _moment(params: QueryDict, name: str) -> Any:
    text = params.get(name, "").replace(" ", "+")  # a plus that nobody escaped
    if not text:
        raise QuestionError(f"{name}: is required. {_HINT}")
    try:
        moment = MomentField(required=True).clean(text)
    except ValidationError:
        raise QuestionError(f"{name}: {_HINT}") from None
    assert moment is not None  # noqa: S101 (tells mypy: it is required)
    moment = moment.astimezone(UTC)
    return moment - timedelta(microseconds=moment.microsecond % 1000)


def _as_filters(params: QueryDict) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, filter in _SAME.items():
        if value := params.get(name, "").strip():
            query[filter] = value
    for name, (filter, say) in _LISTS.items():
        if values := items(params, name):
            query[filter] = ",".join(map(say, values))
    for key, value in _metadata(params).items():
        query[f"meta.{key}"] = exactly(value)
    return query


def _metadata(params: QueryDict) -> Mapping[str, str]:
    text = params.get("metadata", "").strip()
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or len(found) > _MAX_VALUES:
        raise QuestionError('metadata: give a JSON object such as {"env": "prod"}.')
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in found.items()}


def _own_filters(params: QueryDict) -> dict[str, Q]:
    """What no filter of the log page says."""
    found: dict[str, Q] = {}
    for name, column in (("prompt_token", "input_tokens"), ("completion_token", "output_tokens")):
        for end, lookup in (("min", "gte"), ("max", "lte")):
            if text := params.get(f"{name}_{end}", "").strip():
                found[f"{name}_{end}"] = Q(**{f"{column}__{lookup}": _whole(f"{name}_{end}", text)})
    if spans := items(params, "span_id"):
        found["span_id"] = Q(span_id__in=spans)
    if keys := items(params, "api_key_ids"):
        found["api_key_ids"] = Q(api_key__in=[_whole("api_key_ids", key) for key in keys])
    if models := items(params, "ai_org_model"):
        wanted = Q()
        for text in models:
            provider, divided, model = text.partition("__")
            if not divided:
                raise QuestionError("ai_org_model: give provider and model, such as openai__gpt-4o-mini.")
            wanted |= Q(provider=provider, model=model)
        found["ai_org_model"] = wanted
    return found


def _whole(name: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number < 2**31:
        raise QuestionError(f"{name}: give a whole number.")
    return number


def _complaint(errors: Mapping[str, Any], params: QueryDict) -> str:
    """The first error, with the caller's name of the parameter."""
    name, messages = next(iter(errors.items()))
    theirs = {ours: theirs for theirs, ours in _SAME.items()} | {ours: theirs for theirs, (ours, _) in _LISTS.items()}
    return f"{theirs.get(name, 'metadata' if name.startswith('meta.') else name)}: {messages[0]}"

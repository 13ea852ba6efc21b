"""The filters: each has its name in the address, its field in the form, and what it lets through."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import django_filters
from django import forms
from django.db.models import F, Func, Q, TextField, Value
from django.db.models.lookups import StartsWith
from django.forms.boundfield import BoundField
from django.http import QueryDict

from logs.explorer.filters.fields import (
    ChoicesField,
    End,
    EndField,
    MomentField,
    OptionField,
    SearchField,
    Statuses,
    StatusField,
    SurplusField,
    ValuesField,
)
from logs.explorer.query import Values
from logs.llm.vocabulary import (
    CacheStatus,
    Completeness,
    FallbackStatus,
    LoadbalanceStatus,
    RequestType,
    RetryStatus,
    Source,
    Vocabulary,
)
from logs.models import Log
from logs.querysets import LogQuerySet
from portkey_logs.accounts.models import ApiKey
from portkey_logs.lib.search_words import Query

META = "meta."  # and the key: filters by metadata
# Each is a field of the form, a term on the page and a condition of the statement: twenty are a screen of them.
MAX_METADATA_FILTERS = 20
GROUPS = ("Time", "Request", "Outcome", "Gateway", "Context", "Metadata", "Measures")  # of the form, in this order

HAS_CHOICES = [("image", "Images"), ("audio", "Audio"), ("tools", "Tools"), ("error", "An error")]


class LogFilter(django_filters.Filter):
    """``group`` is its place in the form; ``index`` says, in the words of docs/filters.md, what an index answers."""

    group = "More"
    index = "no"

    def __init__(self, *args: Any, group: str = "", index: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group or self.group
        self.index = index or self.index

    def filter(self, qs: LogQuerySet, value: Any) -> LogQuerySet:
        if value is None:
            return qs
        wanted = self.wanted(value)
        return qs.exclude(wanted) if getattr(value, "is_negated", False) else qs.filter(wanted)

    def wanted(self, value: Any) -> Q:
        """What the value names, before it may be turned around."""
        raise NotImplementedError

    def answers_from_index(self, value: Any) -> bool:
        """Whether an index finds what this value asks for, newest first, at any size."""
        return False


class MomentFilter(LogFilter):
    field_class = MomentField
    group = "Time"
    index = "yes"


class TextFilter(LogFilter):
    """Values of a column."""

    field_class: type[ValuesField] = ValuesField

    def wanted(self, value: Values) -> Q:
        found = Q(**{f"{self.field_name}__in": value.exact}) if value.exact else Q()
        for prefix in value.prefixes:
            found |= Q(
                **({f"{self.field_name}__startswith": prefix} if prefix else {f"{self.field_name}__isnull": False})
            )
        return found

    def answers_from_index(self, value: Values) -> bool:
        return self.index == "yes" and value.is_one


class TraceFilter(TextFilter):
    def answers_from_index(self, value: Values) -> bool:
        return not value.is_negated and not value.prefixes  # a trace has few logs: many are still few


class ChoiceFilter(TextFilter):
    field_class = ChoicesField


class ApiKeyFilter(TextFilter):
    """API keys by their names, which are looked up first, so that the index of logs answers."""

    def filter(self, qs: LogQuerySet, value: Values | None) -> LogQuerySet:
        if value is None:
            return qs
        keys = ApiKey.objects.filter(super().wanted(value))
        if qs.workspace_id is not None:
            keys = keys.filter(workspace=qs.workspace_id)
        wanted = Q(api_key__in=list(keys.values_list("id", flat=True)))
        return qs.exclude(wanted) if value.is_negated else qs.filter(wanted)


class StatusFilter(LogFilter):
    field_class = StatusField

    def wanted(self, value: Statuses) -> Q:
        found = Q(is_success__in=value.outcomes) if value.outcomes else Q()
        for low, high in value.codes:
            found |= Q(status_code__range=(low, high))
        return found

    def answers_from_index(self, value: Statuses) -> bool:
        return value.is_failed


class HasFilter(ChoiceFilter):
    _COLUMNS = {"image": "has_images", "audio": "has_audio", "tools": "has_tools"}

    def wanted(self, value: Values) -> Q:
        found = Q()
        for name in value.exact:
            found |= Q(is_success=False) if name == "error" else Q(**{self._COLUMNS[name]: True})
        return found

    def answers_from_index(self, value: Values) -> bool:
        return value.is_one and value.exact == ["error"]


class OptionFilter(LogFilter):
    """The option that served: by the number that the page shows, of the fallback or else of the load balancer."""

    field_class = OptionField

    def wanted(self, value: Values) -> Q:
        found = Q()
        for item in value.items:
            if item.is_prefix:
                found |= Q(option_path__startswith=item.text)
            elif item.text.isdecimal():
                first = f"config.targets[{int(item.text)}]"
                balanced = Q(option_path=first) | Q(option_path__startswith=first + ".")
                found |= Q(fallback_option=int(item.text)) | Q(fallback_option=None) & balanced
            else:
                found |= Q(option_path=item.text)
        return found


class EndFilter(LogFilter):
    """One end of a range of numbers; what is unknown lies in no range."""

    field_class = EndField

    def wanted(self, value: End) -> Q:
        lookup = {">": "gte", "<": "lte"}[self.extra["sign"]]
        return Q(**{f"{self.field_name}__{lookup.removesuffix('e') if value.is_strict else lookup}": value.value})


class SearchFilter(LogFilter):
    """Text in the bodies; in the form it is hidden, for it has a field of its own beside the others."""

    field_class = SearchField
    index = "yes, [see below](#search-in-bodies)"

    def filter(self, qs: LogQuerySet, value: Query | None) -> LogQuerySet:
        return qs if value is None else qs.matching(value)


class MetadataFilter(LogFilter):
    """Values of one key of the metadata, by the labels ``key=value`` that have an index."""

    field_class: type[ValuesField] = ValuesField
    group = "Metadata"
    index = "yes"

    def wanted(self, value: Values) -> Q:
        key = self.field_name
        found = Q()
        for text in value.exact:
            one = Q(labels__contains=[f"{key}={text}"])
            if "=" in key or "=" in text:  # a=b=c is two pairs, and a label does not tell which
                one &= Q(metadata__contains={key: text})
            found |= one
        for prefix in value.prefixes:
            begins = StartsWith(
                Func(F("metadata"), Value(key), function="jsonb_extract_path_text", output_field=TextField()), prefix
            )
            found |= Q(metadata__has_key=key) & (Q(begins) if prefix else Q())
        return found

    def answers_from_index(self, value: Values) -> bool:
        return value.is_one


class SurplusMetadataFilter(MetadataFilter):
    """The first filter that is too many: it has a field, so that the message has its line in the form."""

    field_class = SurplusField
    message = f"Give at most {MAX_METADATA_FILTERS} filters by metadata: this one and what follows is too many."

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(message=self.message, **kwargs)


def _input(placeholder: str = "", **attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"placeholder": placeholder, "autocomplete": "off", "spellcheck": "false"} | attrs)


def _text(label: str, group: str, placeholder: str = "", **kwargs: Any) -> TextFilter:
    return TextFilter(label=label, group=group, widget=_input(placeholder), **kwargs)


def _choice(label: str, group: str, column: str, vocabulary: type[Vocabulary]) -> ChoiceFilter:
    return ChoiceFilter(field_name=column, label=label, group=group, choices=vocabulary.choices())


def _range(label: str, column: str, **kwargs: Any) -> tuple[EndFilter, EndFilter]:
    low, high = (
        EndFilter(
            field_name=column,
            label=f"{label} {end}",
            group="Measures",
            sign=sign,
            widget=_input(inputmode="decimal"),
            **kwargs,
        )
        for end, sign in (("from", ">"), ("to", "<"))
    )
    return low, high


def _retries(end: str, sign: str) -> EndFilter:
    return EndFilter(
        field_name="retry_count", label=f"Retries {end}", group="Gateway", sign=sign, most=2**15 - 1, widget=_input("1")
    )


_COUNT = {"most": 2**31 - 1}  # what the column holds
_MS = {"ms": Decimal(1), "s": Decimal(1000), "min": Decimal(60_000), "": Decimal(1)}


class LogFilterSet(django_filters.FilterSet):
    since = MomentFilter(label="From", method="filter_since", widget=_input("24h"))
    until = MomentFilter(label="To", method="filter_until", widget=_input("now"))
    provider = _text("Provider", "Request", "openai")
    model = _text("Model", "Request", "gpt-4o-mini", index="yes")
    type = _choice("Type", "Request", "request_type", RequestType)
    has = HasFilter(label="Has", group="Request", choices=HAS_CHOICES, index="`error`")
    status = StatusFilter(label="HTTP status", group="Outcome", widget=_input("429, 5xx or failed"), index="`failed`")
    error_type = _text("Error type", "Outcome", "rate_limit_exceeded")
    completeness = _choice("Completeness", "Outcome", "completeness", Completeness)
    cache = _choice("Cache", "Gateway", "cache_status", CacheStatus)
    retry = _choice("Retry", "Gateway", "retry_status", RetryStatus)
    retries_min = _retries("from", ">")
    retries_max = _retries("to", "<")
    fallback = _choice("Fallback", "Gateway", "fallback_status", FallbackStatus)
    loadbalance = _choice("Load balance", "Gateway", "loadbalance_status", LoadbalanceStatus)
    option = OptionFilter(label="Served by option", group="Gateway", widget=_input("1 or config.targets[1]"))
    user = _text("User", "Context", index="yes")
    trace_id = TraceFilter(label="Trace id", group="Context", widget=_input("one, or several with commas"), index="yes")
    config = _text("Config", "Context", "pc-…", index="yes")
    prompt = _text("Prompt", "Context", "pp-…", index="yes")
    virtual_key = _text("Virtual key", "Context", index="yes")
    api_key = ApiKeyFilter(field_name="name", label="API key", group="Context", widget=_input("its name"), index="yes")
    source = _choice("Source", "Context", "source", Source)
    tokens_min, tokens_max = _range("Tokens", "total_tokens", **_COUNT)
    cost_min, cost_max = _range("Cost in cents", "cost", most=10**9, digits=8)
    latency_min, latency_max = _range("Latency in ms", "latency_ms", units=_MS, **_COUNT)

    q = SearchFilter(label="Text", widget=forms.HiddenInput())

    class Meta:
        model = Log
        fields: list[str] = []

    def __init__(self, data: QueryDict, queryset: LogQuerySet | None = None) -> None:
        super().__init__(data, queryset)
        named = [name for name in data if name.startswith(META)]
        for position, name in enumerate(named[: MAX_METADATA_FILTERS + 1]):
            key = name.removeprefix(META).replace("\x00", "\ufffd")  # as it is stored
            kind = MetadataFilter if position < MAX_METADATA_FILTERS else SurplusMetadataFilter
            self.filters[name] = kind(field_name=key, label=key, widget=_input())

    @property
    def groups(self) -> dict[str, list[BoundField]]:
        """The fields of the form by what they are about."""
        groups: dict[str, list[BoundField]] = {group: [] for group in GROUPS}
        for field in self.form.visible_fields():
            groups.setdefault(self.filters[field.name].group, []).append(field)
        return {group: fields for group, fields in groups.items() if fields}

    def filter_since(self, queryset: LogQuerySet, name: str, value: datetime) -> LogQuerySet:
        return queryset.since(value)

    def filter_until(self, queryset: LogQuerySet, name: str, value: datetime) -> LogQuerySet:
        return queryset.until(value)

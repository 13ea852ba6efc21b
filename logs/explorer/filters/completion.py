"""What may follow in the query bar: keys, and the values that logs have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from logs.explorer.filters.bar import names
from logs.explorer.filters.fields import StatusField
from logs.explorer.filters.filterset import ApiKeyFilter, LogFilterSet
from logs.explorer.query import HIGHEST, LOWEST, META, Place, exactly, key_of, place_at
from logs.llm.request_context import first_keys
from logs.models import Log
from logs.storage.time_budget import within
from portkey_logs.accounts.models import ApiKey, Workspace

MOST_OPTIONS = 12  # more are no help to the eye
RECENT = 2000  # logs whose values are offered: some 10 ms to read
BUDGET_MS = 100  # a suggestion that comes later than the next key is of no use
STATUSES = ("failed", "ok", "2xx", "4xx", "5xx", "429", "500", ">=400")
MOMENTS = ("30m", "1h", "24h", "7d")


@dataclass(frozen=True)
class Option:
    """``text`` is what the line gets, ``detail`` says what it means."""

    text: str
    detail: str = ""


@dataclass(frozen=True)
class Completion:
    """``options`` for what stands from ``start`` to ``end`` of the line."""

    start: int
    end: int
    options: list[Option]


def complete(workspace: Workspace, line: str, at: int) -> Completion:
    """What may stand where the caret is, before the character ``at``: the likeliest first."""
    place = place_at(line, at)
    found = _values(workspace, place.key) if place.key else _keys(workspace, place)
    return Completion(place.start, place.end, _matching(found, place.typed)[:MOST_OPTIONS])


def known_metadata(workspace: Workspace) -> dict[str, Counter[str]]:
    """The keys of the metadata of the newest logs, the commonest first, and how often each has which value."""
    found: dict[str, Counter[str]] = {}
    for metadata in _recent(workspace, "metadata"):
        for key, value in first_keys(metadata).items():
            found.setdefault(key, Counter())[value] += 1
    return dict(sorted(found.items(), key=lambda each: -each[1].total()))


def _keys(workspace: Workspace, place: Place) -> Iterable[Option]:
    known = names()
    filters = LogFilterSet.base_filters
    for name, each in filters.items():
        base = name.removesuffix(LOWEST).removesuffix(HIGHEST)
        if name == base:
            if name in known:
                yield Option(f"{name}:", str(each.label))
        elif base not in filters and name.endswith(LOWEST):
            yield Option(f"{base}:", str(each.label).removesuffix(" from"))
    if place.typed and META.startswith(place.typed[: len(META)]):
        for key in known_metadata(workspace):
            yield Option(f"{key_of(META + key)}:", "Metadata")


def _values(workspace: Workspace, key: str) -> Iterable[Option]:
    each = LogFilterSet.base_filters.get(key)
    if key.startswith(META):
        values = known_metadata(workspace).get(key.removeprefix(META).strip('"'), Counter())
        yield from _counted(values)
    elif each is None:
        return
    elif choices := getattr(each.field, "choices", None):
        pairs = choices.items() if isinstance(choices, dict) else choices
        yield from (Option(str(value), str(label)) for value, label in pairs if value)
    elif issubclass(each.field_class, StatusField):
        yield from map(Option, STATUSES)
    elif key in ("since", "until"):
        yield from map(Option, MOMENTS)
    elif isinstance(each, ApiKeyFilter):
        keys = ApiKey.objects.filter(workspace=workspace).values_list("name", flat=True)
        yield from (Option(exactly(name)) for name in dict.fromkeys(keys))
    elif key in names().values and key != "option":
        yield from _counted(Counter(value for value in _recent(workspace, each.field_name) if value is not None))


def _counted(values: Counter[str]) -> Iterable[Option]:
    return (Option(exactly(value), f"{count:,}") for value, count in values.most_common())


def _recent(workspace: Workspace, column: str) -> list[Any]:
    logs = Log.objects.in_workspace(workspace).newest_first().values_list(column, flat=True)[:RECENT]
    return within(BUDGET_MS, logs) or []


def _matching(options: Iterable[Option], typed: str) -> list[Option]:
    """Those that hold what is typed; first those that begin so."""
    typed = typed.casefold()
    found = [option for option in options if typed in option.text.casefold()]
    return sorted(found, key=lambda option: not option.text.casefold().lstrip('"').startswith(typed))

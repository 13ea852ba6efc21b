"""What other apps add to the log pages. They register in their AppConfig.ready; logs imports none of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpRequest

if TYPE_CHECKING:
    from logs.analytics import Tab
    from logs.analytics.sources import Asked
    from logs.models import Log
    from logs.querysets import LogQuerySet
    from portkey_logs.accounts.models import Workspace


@dataclass(frozen=True)
class Score:
    """How a log was rated. ``average`` is None where no rating has a weight."""

    count: int
    average: Decimal | None

    @property
    def text(self) -> str:
        """``+1``, ``−0.5``: at most two decimals; without an average, how many ratings there are."""
        return f"({self.count})" if self.average is None else signed(self.average)

    @property
    def title(self) -> str:
        ratings = f"{self.count:,} rating{'' if self.count == 1 else 's'}"
        if self.average is None:
            return f"{ratings} without weight"
        return ratings if self.count == 1 else f"Weighted average of {ratings}"

    @property
    def kind(self) -> str:
        """positive, negative or neutral."""
        return sign(self.average or Decimal(0))


@dataclass(frozen=True)
class Rated:
    """How the requests of a group were rated: how many have ratings, and the weighted average of these."""

    requests: int
    average: Decimal | None


@dataclass(frozen=True)
class Section:
    """A part of the side panel: a template and what it shows, there named ``shown``."""

    template: str
    content: Any


@dataclass(frozen=True)
class Action:
    """What can be done with a log: a button in its row and panel (a template; there ``action``), the same in JSON."""

    template: str
    content: Any
    json: Any


class Extension:
    """The places where an app may add something. Each is left as it is unless overridden."""

    # Filters of the list by name, for the form, the docs and the words of the selection; ``narrow`` applies them.
    filters: Mapping[str, Any] = {}
    toolbar = ""  # a template beside the list's filters
    footer = ""  # a template below the list
    stylesheets: tuple[str, ...] = ()
    action = ""  # what ``actions`` are called in JSON
    analytics: Sequence[Tab] = ()  # tabs of the analytics page

    def narrow(self, logs: LogQuerySet, asked: Mapping[str, Any]) -> tuple[LogQuerySet, bool]:
        """Apply this extension's filters; whether an index answers them at any size."""
        return logs, False

    def scores(self, workspace_id: int, logs: Iterable[Log]) -> Mapping[UUID, Score]:
        """The scores of these logs, in one query however many there are."""
        return {}

    def rated(self, asked: Asked, group: Any, values: Collection[str]) -> Mapping[str, Rated]:
        """How the logs that are asked for were rated, by an expression over logs that has these values."""
        return {}

    def actions(self, request: HttpRequest, workspace: Workspace, logs: Iterable[Log]) -> Mapping[UUID, Action]:
        """What whoever asks may do with these logs, in as many queries for many as for one."""
        return {}

    def section(self, request: HttpRequest, workspace: Workspace, log: Log) -> Section | None:
        """A part of the log's panel."""
        return None

    def maintain(self) -> bool:
        """One round of the worker's, seconds at most; whether there is more to do at once."""
        return False


_registered: list[Extension] = []


def register(extension: Extension) -> None:
    from logs.filters import LogFilterSet

    _registered.append(extension)
    LogFilterSet.base_filters.update(extension.filters)


def registered() -> tuple[Extension, ...]:
    return tuple(_registered)


def narrow(logs: LogQuerySet, asked: Mapping[str, Any]) -> tuple[LogQuerySet, bool]:
    """Apply the filters of all extensions; whether an index answers any of them."""
    indexed = False
    for extension in _registered:
        logs, answered = extension.narrow(logs, asked)
        indexed = indexed or answered
    return logs, indexed


def scores(workspace_id: int, logs: Iterable[Log]) -> dict[UUID, Score]:
    logs = list(logs)
    return {id: score for each in _registered for id, score in each.scores(workspace_id, logs).items()}


def rated(asked: Asked, group: Any, values: Collection[str]) -> dict[str, Rated]:
    return {value: found for each in _registered for value, found in each.rated(asked, group, values).items()}


def actions(request: HttpRequest, workspace: Workspace, logs: Iterable[Log]) -> dict[UUID, dict[str, Action]]:
    """The actions of all extensions by their names, for each log."""
    logs = list(logs)
    found: dict[UUID, dict[str, Action]] = {log.id: {} for log in logs}
    for each in _registered:
        for id, action in each.actions(request, workspace, logs).items():
            found[id][each.action] = action
    return found


def sections(request: HttpRequest, workspace: Workspace, log: Log) -> list[Section]:
    found = (extension.section(request, workspace, log) for extension in _registered)
    return [section for section in found if section is not None]


def sign(value: Decimal) -> str:
    return "positive" if value > 0 else "negative" if value < 0 else "neutral"


def signed(value: Decimal | float) -> str:
    """``+1``, ``−0.5``, ``0``, with at most two decimals and a true minus."""
    text = f"{abs(value):.2f}".rstrip("0").rstrip(".")
    if text == "0":
        return "0" if value == 0 else "≈0"
    return ("−" if value < 0 else "+") + text

"""Registry of what other apps add to the log pages. They register in ``AppConfig.ready``; logs imports none of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from logs.extension_types import AnalyticsTab, FeedbackScore, GroupRating, LogAction, PanelSection
from logs.models import Log
from logs.querysets import LogQuerySet
from portkey_logs.accounts.models import Workspace


class Extension:
    """The places where an app may add something. Each is left as it is unless overridden."""

    toolbar = ""  # a template beside the list's filters
    footer = ""  # a template below the list
    stylesheets: tuple[str, ...] = ()
    action = ""  # what ``actions`` are called in JSON
    analytics: Sequence[AnalyticsTab] = ()  # tabs of the analytics page

    def narrow(self, logs: LogQuerySet, asked: Mapping[str, Any]) -> tuple[LogQuerySet, bool]:
        """Apply the filters that the app added to the list; whether an index answers them at any size."""
        return logs, False

    def scores(self, workspace_id: int, logs: Iterable[Log]) -> Mapping[UUID, FeedbackScore]:
        """The scores of these logs, in one query however many there are."""
        return {}

    def rated(
        self, workspace_id: int, logs: LogQuerySet, group: Any, values: Collection[str]
    ) -> Mapping[str, GroupRating]:
        """Return the feedback on logs of one workspace, grouped by an expression over logs that has these values."""
        return {}

    def actions(self, request: HttpRequest, workspace: Workspace, logs: Iterable[Log]) -> Mapping[UUID, LogAction]:
        """What whoever asks may do with these logs, in as many queries for many as for one."""
        return {}

    def section(self, request: HttpRequest, workspace: Workspace, log: Log) -> PanelSection | None:
        """A part of the log's panel."""
        return None

    def maintain(self) -> bool:
        """One round of the worker's, seconds at most; whether there is more to do at once."""
        return False


_registered: list[Extension] = []


def register(extension: Extension) -> None:
    """Add an extension. Filters are added by the app itself: ``LogFilterSet.base_filters.update(...)``."""
    _registered.append(extension)


def registered() -> tuple[Extension, ...]:
    return tuple(_registered)


def narrow(logs: LogQuerySet, asked: Mapping[str, Any]) -> tuple[LogQuerySet, bool]:
    """Apply the filters of all extensions; whether an index answers any of them."""
    indexed = False
    for extension in _registered:
        logs, answered = extension.narrow(logs, asked)
        indexed = indexed or answered
    return logs, indexed


def scores(workspace_id: int, logs: Iterable[Log]) -> dict[UUID, FeedbackScore]:
    logs = list(logs)
    return {id: score for each in _registered for id, score in each.scores(workspace_id, logs).items()}


def rated(workspace_id: int, logs: LogQuerySet, group: Any, values: Collection[str]) -> dict[str, GroupRating]:
    ratings: dict[str, GroupRating] = {}
    for each in _registered:
        ratings |= each.rated(workspace_id, logs, group, values)
    return ratings


def actions(request: HttpRequest, workspace: Workspace, logs: Iterable[Log]) -> dict[UUID, dict[str, LogAction]]:
    """The actions of all extensions by their names, for each log."""
    logs = list(logs)
    found: dict[UUID, dict[str, LogAction]] = {log.id: {} for log in logs}
    for each in _registered:
        for id, action in each.actions(request, workspace, logs).items():
            found[id][each.action] = action
    return found


def sections(request: HttpRequest, workspace: Workspace, log: Log) -> list[PanelSection]:
    found = (extension.section(request, workspace, log) for extension in _registered)
    return [section for section in found if section is not None]

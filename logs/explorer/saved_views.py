"""Saved views, and how they stand in addresses: the filters themselves, the columns, and which view they came from.

An address says everything by itself, so that a link shows the same to others; ``view`` only names where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.http import QueryDict

from logs.explorer.columns import MOST_WIDTHS, Column, Columns
from logs.explorer.filters.filterset import LogFilterSet
from logs.explorer.query import META
from logs.models import COLUMNS, VIEW, ListColumns, SavedView
from portkey_logs.accounts.access import membership_of
from portkey_logs.accounts.models import User, Workspace

ALL = "all"  # in the place of a view: none, not even a default


@dataclass(frozen=True)
class Look:
    """What a person's list looks like at an address: the views to choose from, the one they chose, the columns."""

    views: Sequence[SavedView]  # one's own and the shared ones
    view: SavedView | None
    default: SavedView | None
    columns: Columns
    widths: Mapping[str, int]  # pixels, of the columns that have been given one
    is_changed: bool  # the filters or columns are others than those of the view
    changeable: set[int]  # the ids of the views that the person may change
    filters: str

    @property
    def sized(self) -> list[tuple[Column, int | None]]:
        """The columns with their widths."""
        return [(column, self.widths.get(column.name)) for column in self.columns.shown]

    @property
    def is_wide(self) -> bool:
        """Whether the columns may need more room than there is."""
        return self.columns.has_more or any(width for _, width in self.sized)

    @property
    def groups(self) -> dict[str, list[SavedView]]:
        """The views by who has them, under headings; none is empty."""
        groups = {
            "Yours": [view for view in self.views if not view.is_shared],
            "Everybody's": [view for view in self.views if view.is_shared],
        }
        return {title: views for title, views in groups.items() if views}


def visible(workspace: Workspace, person: User) -> list[SavedView]:
    """The views that the person may open, by name."""
    views = list(SavedView.objects.filter(Q(person=person) | Q(is_shared=True), workspace=workspace))
    for view in views:
        view.workspace = workspace
    return views


def look(workspace: Workspace, person: User, params: QueryDict) -> Look:
    views = visible(workspace, person)
    view = next((each for each in views if str(each.pk) == params.get(VIEW)), None)
    own_default = next((each for each in views if each.is_default and not each.is_shared), None)
    own = ListColumns.objects.filter(workspace=workspace, person=person).first()
    shown = _shown(own, params)
    filters = filters_of(params)
    return Look(
        views=views,
        view=view,
        default=own_default or next((each for each in views if each.is_default), None),
        columns=shown,
        widths=own.widths if own else {},
        is_changed=view is not None
        and (view.query != filters or (bool(view.columns) and Columns.of(view.columns) != shown)),
        changeable={view.pk for view in views if view.person_id == person.pk} | _managed(views, workspace, person),
        filters=filters,
    )


def shown_columns(workspace: Workspace, person: User, params: QueryDict) -> Columns:
    """Those of the address, else the person's own, else the usual ones."""
    return _shown(ListColumns.objects.filter(workspace=workspace, person=person).first(), params)


def _shown(own: ListColumns | None, params: QueryDict) -> Columns:
    if text := params.get(COLUMNS, ""):
        return Columns.of(text.split(","))
    return Columns.of(own.columns) if own else Columns()


@transaction.atomic
def keep_columns(workspace: Workspace, person: User, chosen: Columns | None, widths: Mapping[str, int | None]) -> None:
    """The person's own columns from now on (None: those they had), and the widths of some; None for a width: none."""
    mine = ListColumns.objects.select_for_update().filter(workspace=workspace, person=person)
    own = mine.first() or ListColumns(columns=[])
    names = own.columns if chosen is None else [] if chosen.is_usual else chosen.names
    kept = [(name, width) for name, width in (own.widths | widths).items() if width]
    if not names and not kept:
        return forget_columns(workspace, person)
    ListColumns.objects.update_or_create(
        workspace=workspace, person=person, defaults={"columns": names, "widths": dict(kept[-MOST_WIDTHS:])}
    )
    return None


def forget_columns(workspace: Workspace, person: User) -> None:
    """The usual columns in their own widths."""
    ListColumns.objects.filter(workspace=workspace, person=person).delete()


def may_change(view: SavedView, person: User) -> bool:
    """Its owner may; a shared one may be changed by whoever manages the organisation too."""
    return view.person_id == person.pk or (view.is_shared and manages(view.workspace, person))


def _managed(views: Sequence[SavedView], workspace: Workspace, person: User) -> set[int]:
    """The views of others that the person may change."""
    others = {view.pk for view in views if view.person_id != person.pk}
    return others if others and manages(workspace, person) else set()


def manages(workspace: Workspace, person: User) -> bool:
    membership = membership_of(person, workspace.organisation)
    return membership is not None and membership.can_manage


def filters_of(params: QueryDict) -> str:
    """The filters of an address alone, in an order of their own, so that two that ask for the same are equal."""
    query = QueryDict(mutable=True)
    for name in sorted(params):
        value = str(params[name]).strip()
        if value and (name in LogFilterSet.base_filters or name.startswith(META)):
            query[name] = value
    return query.urlencode()


def entrance(look: Look, path: str, params: QueryDict) -> str | None:
    """Where an address leads that names no view, for a person with a default: without any parameter to the default,
    else to the same logs in so many words, so that no link from there leads back to the default."""
    if look.default is None or VIEW in params:
        return None
    if not params:
        return look.default.get_absolute_url()
    explicit = params.copy()
    explicit[VIEW] = ALL
    return f"{path}?{explicit.urlencode()}"

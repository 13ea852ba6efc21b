"""From what a log names to what is kept of it here."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Q, QuerySet

from portkey_logs.accounts.models import Workspace
from portkey_logs.catalog.models import ConfigVersion, PromptVersion, VirtualKey


class Kept(NamedTuple):
    """Something of the catalog. ``version_id`` is set where the log's own version is known."""

    slug: str
    name: str
    number: int | None = None
    version_id: UUID | None = None
    is_archived: bool = False

    @property
    def words(self) -> str:
        """``Safe chat, version 2 (archived)``"""
        version = f", version {self.number}" if self.version_id else ""
        return self.name + version + (" (archived)" if self.is_archived else "")


def config(workspace: Workspace, slug: str, version_id: str | None) -> Kept | None:
    """The config, in the version that the log names if we have it; None where the slug is unknown here."""
    versions = ConfigVersion.objects.filter(config__workspace=workspace, config__slug=slug).select_related("config")
    return _kept(versions, "config", F("config__current"), version_id)


def prompt(workspace: Workspace, slug: str, version_id: str | None) -> Kept | None:
    """As ``config``, for a prompt."""
    versions = PromptVersion.objects.filter(prompt__workspace=workspace, prompt__slug=slug).select_related("prompt")
    return _kept(versions, "prompt", F("prompt__published"), version_id)


def virtual_key(workspace: Workspace, slug: str) -> Kept | None:
    """The virtual key; None where the slug is unknown here."""
    key = VirtualKey.objects.in_workspace(workspace).filter(slug=slug).first()
    return None if key is None else Kept(key.slug, key.name, is_archived=key.is_archived)


def _kept(versions: QuerySet[Any], name: str, present: F, version_id: str | None) -> Kept | None:
    wanted = _uuid(version_id)
    found = list(versions.filter(Q(pk=wanted) | Q(pk=present)))
    exact = next((each for each in found if each.pk == wanted), None)
    shown = exact or next(iter(found), None)
    if shown is None:
        return None
    item = getattr(shown, name)
    return Kept(item.slug, item.name, shown.number, exact.pk if exact else None, item.is_archived)


def _uuid(text: str | None) -> UUID | None:
    """Ids of other installations may have any form."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None

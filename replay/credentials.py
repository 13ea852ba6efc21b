"""Which credentials the installation has for a workspace: its virtual keys, and its configs that bring some."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from portkey_logs.accounts.models import Workspace
from portkey_logs.catalog.models import Config, VirtualKey
from replay.source import Target

FREE_PROVIDERS = frozenset({"demo"})  # they answer without a key


@dataclass(frozen=True)
class Known:
    """Slugs that calls may use, and those of virtual keys that are archived."""

    virtual_keys: frozenset[str] = frozenset()
    archived: frozenset[str] = frozenset()
    configs: frozenset[str] = frozenset()


def of(workspace_id: int, *, virtual_keys: Collection[str], configs: Collection[str]) -> Known:
    """What is known of these slugs, in at most two statements."""
    # Django asks nothing where a list is empty.
    keys = list(VirtualKey.objects.in_workspace(workspace_id).filter(slug__in=virtual_keys))
    found = Config.objects.in_workspace(workspace_id).active().filter(slug__in=configs)
    bodies = found.values_list("slug", "current__body", "current__sealed")
    return Known(
        virtual_keys=frozenset(key.slug for key in keys if key.is_active),
        archived=frozenset(key.slug for key in keys if key.is_archived),
        configs=frozenset(slug for slug, body, sealed in bodies if sealed or _names_a_key(body)),
    )


def problem(workspace: Workspace, target: Target) -> str:
    """Why a target that somebody chose cannot be run, in words; "" where it can."""
    if slug := target.virtual_key:
        key = VirtualKey.objects.in_workspace(workspace).filter(slug=slug).first()
        if key is None:
            return f"There is no virtual key {slug} in this workspace."
        if not key.is_active:
            return f"The virtual key {slug} {'is archived' if key.is_archived else 'has expired'}."
    elif target.config and not target.config.startswith("{"):
        if not Config.objects.in_workspace(workspace).active().filter(slug=target.config).exists():
            return f"There is no config {target.config} in this workspace, or it is archived."
    elif target.provider and target.provider not in FREE_PROVIDERS:
        return f"No credential is known for {target.provider}. Choose a virtual key to go on."
    return ""


def _names_a_key(body: Any) -> bool:
    """Whether a config refers to a virtual key somewhere: ``"virtual_key": …`` or ``"provider": "@slug"``."""
    if isinstance(body, dict):
        if body.get("virtual_key") or str(body.get("provider", "")).startswith("@"):
            return True
        return any(_names_a_key(value) for value in body.values())
    return isinstance(body, list) and any(_names_a_key(value) for value in body)

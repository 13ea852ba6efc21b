"""Who may do what: one pure table, which pages, templates and the API ask. docs/rights.md has it for people.

Knows no Django.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """Something that not everybody may do in a workspace."""

    VIEW = "view"  # logs, analytics, configs, prompts, virtual keys, exports that are done
    RUN = "run"  # calls: through capture, in the playground, replays
    EXPORT = "export"
    MANAGE_CATALOG = "manage_catalog"  # save what production calls: configs, prompts, virtual keys
    MANAGE_ORGANISATION = "manage_organisation"  # members, API keys, settings


@dataclass(frozen=True)
class Standing:
    """What a person is in an organisation. ``role`` is "" for those who are no members."""

    role: str = ""
    may_manage_catalog: bool = False


# What people read of the right where it is given.
CATALOG_LABEL = "May change what production calls"
CATALOG_HINT = (
    "Save, publish and archive configs, prompts and virtual keys. They decide where calls and their contents go."
    " Owners and admins may always."
)

_OF_MEMBERS = frozenset({Right.VIEW, Right.RUN, Right.EXPORT})
_OF_ROLES = {"owner": frozenset(Right), "admin": frozenset(Right), "member": _OF_MEMBERS}

_REASONS = {
    Right.MANAGE_CATALOG: "You may not change what production calls. An owner or an admin can give you that right.",
    Right.MANAGE_ORGANISATION: "Only an owner or an admin of the organisation may do this.",
}

_READING = ("list", "read")
_RIGHTS_OF_SCOPES = {
    "logs.write": Right.RUN,
    "logs.view": Right.VIEW,
    "logs.export": Right.EXPORT,
    "analytics.view": Right.VIEW,
}


def allows(standing: Standing, right: Right) -> bool:
    """Whether someone of this standing has the right."""
    if right is Right.MANAGE_CATALOG and standing.role and standing.may_manage_catalog:
        return True
    return right in _OF_ROLES.get(standing.role, ())


def refusal(standing: Standing, right: Right) -> str:
    """Why someone of this standing may not, in words for them; "" where they may."""
    if allows(standing, right):
        return ""
    return _REASONS.get(right, "You are no member of this organisation.")


def right_of_scope(scope: str) -> Right:
    """The right that a person needs for what the scope lets an API key do: ``configs.create``, ``logs.view``."""
    if scope in _RIGHTS_OF_SCOPES:
        return _RIGHTS_OF_SCOPES[scope]
    return Right.VIEW if scope.rpartition(".")[2] in _READING else Right.MANAGE_CATALOG


def scopes_in_force(scopes: Iterable[str], owner: Standing | None) -> tuple[str, ...]:
    """Those of a key's scopes whose right its owner has now: a key never does more than its owner may.

    None: the key is the workspace's own, made on the command line; nothing is taken from it.
    """
    return tuple(scope for scope in scopes if owner is None or allows(owner, right_of_scope(scope)))

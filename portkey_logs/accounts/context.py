"""What the frame around every page needs: the workspace switcher and the person's role."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest

from portkey_logs.accounts.models import Membership, User, Workspace


class Frame:
    """The signed-in person's place. Each part is read when a template first renders it."""

    def __init__(self, user: User, slug: str | None) -> None:
        self._user = user
        self._slug = slug

    @cached_property
    def workspaces(self) -> list[Workspace]:
        """All the person may open, by name, each with its organisation."""
        return list(Workspace.objects.for_user(self._user).select_related("organisation").order_by("name", "id"))

    @property
    def workspace(self) -> Workspace | None:
        """The one in the URL; on pages outside any workspace the first, so that there is a way back."""
        if self._slug is None:
            return self.workspaces[0] if self.workspaces else None
        return next((workspace for workspace in self.workspaces if workspace.slug == self._slug), None)

    @cached_property
    def membership(self) -> Membership | None:
        """The person's membership of the workspace's organisation."""
        if self.workspace is None:
            return None
        return Membership.objects.filter(user=self._user, organisation=self.workspace.organisation_id).first()


def frame(request: HttpRequest) -> dict[str, Any]:
    """``frame`` for signed-in people's pages, nothing for anyone else and for API calls."""
    user = getattr(request, "user", None)
    if user is None or hasattr(request, "grant") or not user.is_authenticated:
        return {}
    match = request.resolver_match
    return {"frame": Frame(user, match.kwargs.get("workspace") if match else None)}

"""What the frame around every page needs: the workspace switcher and the person's role."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest

from portkey_logs.accounts.models import Membership, User, Workspace


class Frame:
    """Computed when a template asks: a page that does not render it costs no query."""

    def __init__(self, user: User, slug: str | None) -> None:
        self._user, self._slug = user, slug

    @cached_property
    def workspaces(self) -> list[Workspace]:
        """Every workspace the person may open."""
        workspaces = Workspace.objects.for_user(self._user).select_related("organisation")
        return list(workspaces.order_by("organisation__name", "name", "id"))

    @cached_property
    def workspace(self) -> Workspace | None:
        """The workspace that the address names; elsewhere, the first."""
        named = (workspace for workspace in self.workspaces if workspace.slug == self._slug)
        return next(named, self.workspaces[0] if self.workspaces and not self._slug else None)

    @cached_property
    def membership(self) -> Membership | None:
        """The person's role in the organisation of that workspace."""
        if self.workspace is None:
            return None
        return Membership.objects.filter(user=self._user, organisation=self.workspace.organisation_id).first()


def frame(request: HttpRequest) -> dict[str, Any]:
    """``frame`` for signed-in people; nothing on signed-out pages and API calls."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    slug = request.resolver_match.kwargs.get("workspace") if request.resolver_match else None
    return {"frame": Frame(user, slug)}

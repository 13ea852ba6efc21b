"""What replay adds to the log pages: the button, the family in the panel, comparing, and replaying many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.http import HttpRequest

from logs.extension_types import LogAction, PanelSection
from logs.extensions import Extension
from logs.models import Log
from portkey_logs.accounts.models import Workspace
from replay import facts, models, panel_section, work
from replay.facts import Rights


class ReplayExtension(Extension):
    action = "replay"
    toolbar = "replay/toolbar.html"
    stylesheets = ("css/replay.css",)

    def actions(self, request: HttpRequest, workspace: Workspace, logs: Iterable[Log]) -> Mapping[UUID, LogAction]:
        verdicts = facts.verdicts(workspace.pk, logs, _rights(request))
        return {id: panel_section.action(workspace, id, verdict) for id, verdict in verdicts.items()}

    def section(self, request: HttpRequest, workspace: Workspace, log: Log) -> PanelSection | None:
        shown = panel_section.family(workspace, log)
        return PanelSection("replay/family.html", shown) if shown else None

    def maintain(self) -> bool:
        models.settle()
        models.drop_expired()
        return work.work()


def _rights(request: HttpRequest) -> Rights:
    """Members may do all of it; an API key what its scopes say."""
    grant = getattr(request, "grant", None)
    if grant is None:
        return facts.MEMBER
    return Rights(see_bodies=grant.allows("logs.view"), run=grant.allows("logs.write"))

"""What replay adds to the log pages: the family in the panel, and comparing."""

from __future__ import annotations

from django.http import HttpRequest

from logs.extensions import Extension, Section
from logs.models import Log
from portkey_logs.accounts.models import Workspace
from replay import models, section


class ReplayExtension(Extension):
    toolbar = "replay/toolbar.html"
    stylesheets = ("css/replay.css",)

    def section(self, request: HttpRequest, workspace: Workspace, log: Log) -> Section | None:
        shown = section.family(workspace, log)
        return Section("replay/family.html", shown) if shown else None

    def maintain(self) -> bool:
        models.settle()
        models.drop_expired()
        return False

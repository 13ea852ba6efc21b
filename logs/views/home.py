"""The front door: the workspace a person most likely wants."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from logs.models import Log
from portkey_logs.accounts.models import User, Workspace


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """To the first workspace that has logs, else to the first; without any, a page that says so."""
    workspaces = list(Workspace.objects.for_user(cast(User, request.user)))
    if not workspaces:
        return render(request, "logs/no_workspace.html", status=403)
    chosen = next((w for w in workspaces if Log.objects.in_workspace(w).exists()), workspaces[0])
    return redirect("log_list", workspace=chosen.slug)

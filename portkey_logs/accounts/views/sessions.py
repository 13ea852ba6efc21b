"""One's own sessions, and ending them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portkey_logs.accounts.access import SignedInRequest
from portkey_logs.accounts.browsers import browser_name
from portkey_logs.accounts.models import Actor, AuditEvent

MAX_SHOWN = 100


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: SignedInRequest) -> HttpResponse:
    """List one's sessions, newest first. A POST ends the one that ``session`` names, or all others without it."""
    current = request.session.session_key
    others = request.user.sessions.filter(expire_date__gt=timezone.now()).exclude(session_key=current)
    if request.method == "POST":
        handle = request.POST.get("session")
        keys = [each.session_key for each in others if handle is None or each.handle == handle]
        ended, _ = request.user.sessions.filter(session_key__in=keys).delete()
        if ended:
            AuditEvent.record(None, Actor(request.user), "session.end", request.user.email, f"{ended} ended")
            messages.success(request, "Signed out there." if ended == 1 else f"Signed out of {ended} sessions.")
        return redirect("sessions")
    newest = F("signed_in_at").desc(nulls_last=True)
    shown = request.user.sessions.filter(Q(pk=current) | Q(pk__in=others)).order_by(newest)[:MAX_SHOWN]
    rows = [{"session": each, "name": browser_name(each.browser), "is_current": each.pk == current} for each in shown]
    return render(request, "accounts/sessions.html", {"rows": rows, "has_others": others.exists()})

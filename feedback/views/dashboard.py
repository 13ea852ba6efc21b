from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


@login_required
def dashboard(request: HttpRequest, workspace: str) -> HttpResponse:
    return redirect("log_list", workspace)


@login_required
def fragment(request: HttpRequest, workspace: str, part: str) -> HttpResponse:
    return redirect("log_list", workspace)

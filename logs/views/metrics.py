"""``GET /metrics`` of web: numbers on the process, in the text format of Prometheus."""

from __future__ import annotations

from collections import Counter

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from logs.capture.metrics import over_share_lines
from portkey_logs.api.keys import ApiRequest, api_key_required
from portkey_logs.front.shares import key_shares


@require_safe
@api_key_required("logs.view")
def metrics(request: ApiRequest) -> HttpResponse:
    """The refusals of the key's own workspace: how much others send is none of its business."""
    workspace_id = request.grant.workspace_id
    counts = key_shares().over_share.copy()
    own = Counter({label: count for label, count in counts.items() if label[1] == workspace_id})
    page = "\n".join([*over_share_lines("portkey_logs_web_", own), ""])
    return HttpResponse(page, content_type="text/plain; version=0.0.4; charset=utf-8")

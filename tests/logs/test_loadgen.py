"""``manage.py loadgen``: realistic logs in any number, and rollups that say exactly what the logs say."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from logs.models import Log, LogBody
from portkey_logs.accounts.models import ApiKey
from tests.factories import People
from tests.logs.analytics import sums

pytestmark = pytest.mark.django_db(transaction=True)


def load(**options: object) -> None:
    wanted = {"logs": 3000, "body_kb": 0.5, "days": 2} | options
    call_command("loadgen", workspace="acme", stderr=StringIO(), **wanted)


def test_copy_makes_varied_logs_with_bodies_and_exact_rollups(people: People) -> None:
    load(seed=3)
    logs = Log.objects.in_workspace(people.workspace)
    assert logs.count() == LogBody.objects.filter(workspace=people.workspace).count() == 3000
    seen = logs.aggregate(
        first=Min("received_at"), last=Max("received_at"), failed=Count("id", filter=Q(is_success=False)),
        hits=Count("id", filter=Q(cache_status="hit")), retried=Count("id", filter=Q(retry_count__gt=0)),
        fell_back=Count("id", filter=Q(fallback_status="triggered")), streams=Count("id", filter=Q(stream=True)),
        priced=Count("cost"), prompts=Count("prompt"), configs=Count("config"), users=Count("user", distinct=True),
        models=Count("model", distinct=True), traces=Count("trace_id", distinct=True),
    )  # fmt: skip
    assert all(seen.values()), seen
    assert 1.5 < (seen["last"] - seen["first"]).total_seconds() / 86400 < 2.01
    assert seen["last"] <= timezone.now() + timedelta(minutes=1)
    assert all(log.id.version == 7 for log in logs[:50])
    assert sums.core_of_logs() == sums.core_of_rollups()
    assert sums.dimensions_of_logs() == sums.dimensions_of_rollups()


def test_what_it_cannot_do_is_said(people: People) -> None:
    for wrong in ({"logs": 0}, {"days": 400}, {"workspace": "nowhere"}, {"via": "api", "url": "http://127.0.0.1:1"}):
        with pytest.raises(CommandError):
            call_command("loadgen", **{"workspace": "acme", "logs": 1} | wrong)
    assert not ApiKey.objects.active().filter(name="loadgen").exists()

"""Low 14: the targets of forms answer strangers as everything else does."""

from __future__ import annotations

from django.test import Client

from portkey_logs.accounts import workspace_urls
from portkey_logs.accounts.models import User
from tests.factories import People


def test_form_targets_answer_strangers_alike(people: People, client: Client) -> None:
    """Every route of a workspace that takes no further argument."""
    client.force_login(User.objects.create_user("stranger@example.org"))
    paths = [str(pattern.pattern) for pattern in workspace_urls.urlpatterns if "<" not in str(pattern.pattern)]
    assert paths
    for path in paths:
        for slug in ("acme", "nowhere"):
            assert client.get(f"/w/{slug}/{path}").status_code == 404, path

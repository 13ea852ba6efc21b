"""The test button of a virtual key: a real call through capture, told in words, kept as a log."""

from __future__ import annotations

from typing import Any

import pytest

from logs.models import Log
from portkey_logs.accounts.models import Actor
from portkey_logs.catalog.models import VirtualKey
from tests.logs.processes import wait_until
from tests.replay.conftest import World

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]  # capture has to see the keys


def test_it_says_whether_the_key_works(world: World, settings: Any) -> None:
    settings.TRUSTED_HOSTS = ["127.0.0.1"]
    by, secret = Actor(world.people.alice), "sk-proj-0123456789abcdefghij"

    def make(slug: str, orders: str) -> None:
        host = f"{world.provider.url}/x/{orders}/v1"
        VirtualKey.create(world.people.workspace, slug, "openai", secret, by=by, slug=slug, custom_host=host)

    def told(slug: str) -> str:
        answer = world.page.post(f"/w/acme/virtual-keys/{slug}/test/", {"model": "gpt-4o-mini"}, follow=True)
        return str(next(iter(answer.context["messages"])))

    make("good", "ok")
    make("bad", "fail-9.code-401")
    wait_until(lambda: told("good") == "The key works: gpt-4o-mini answered.")  # capture reads new keys every 2 s
    log = Log.objects.filter(virtual_key="good", is_success=True).newest_first()[0]
    assert log.model == "gpt-4o-mini"
    assert told("bad") == "The key does not work with gpt-4o-mini: stub error"
    assert log.requested_model in world.page.get("/w/acme/virtual-keys/good/").context["test_model"]

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from logs.ingest import rows
from logs.models import Log
from portkey_logs.lib import uuid7
from tests.e2e import gateway as servers
from tests.e2e.gateway import Process
from tests.emptying import empty_tables
from tests.factories import People, make_record, sign_in
from tests.logs.processes import database_url
from tests.replay.installation import Provider, provider


@dataclass
class World:
    """A provider, capture in front of it, and a member's browser."""

    people: People
    provider: Provider
    capture: Process
    page: Client

    def log(self, orders: str = "ok", body: bytes | None = None, **changes: Any) -> Log:
        """A stored call of a provider that needs no key."""
        headers = {
            "content-type": "application/json",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"{self.provider.url}/x/{orders}/v1",
        }
        changes = {"source": "capture", "request_headers": headers} | changes
        if body is not None:
            changes["request_body"] = body
        return self.store(make_record(self.people.workspace.pk, id=uuid7.uuid7(), **changes))

    def store(self, record: Any) -> Log:
        assert [outcome.state for outcome in rows.commit_batch(connection, [record])] == ["stored"]
        return Log.objects.get(workspace=self.people.workspace, id=record.id)

    def run(self, accept: str = "text/html", **form: Any) -> Any:
        """What the playground's form sends."""
        return self.page.post("/w/acme/playground/run/", form, headers={"accept": accept})

    def events(self, **form: Any) -> list[tuple[str, dict[str, Any]]]:
        """All events of a streamed run, without the signs of life."""
        response = self.run("text/event-stream", **form)
        assert response.status_code == 200, response.content
        return parsed(response.getvalue())


def parsed(raw: bytes) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block.split("\n", 1) for block in raw.decode().split("\n\n") if block.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


@dataclass
class Servers:
    """Processes that several tests share. They need nobody's account: whoever runs a request brings a pass."""

    provider: Provider
    capture: Process


def _servers(folder: Path, **env: str) -> Iterator[Servers]:
    known = {
        "DATABASE_URL": database_url(),
        "PORTKEY_LOGS_SECRET_KEY": settings.SECRET_KEY,  # passes are signed with it
        "PORTKEY_LOGS_TRUSTED_HOSTS": "127.0.0.1",
    }
    with provider() as stub, servers.capture(folder, known | env).running() as capture:
        yield Servers(stub, capture)
    empty_tables()
    connection.close()  # beside a browser's event loop it is another one, which nobody else would close


@pytest.fixture(scope="module")
def direct_servers(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """Without a gateway: calls go straight to the provider."""
    with django_db_blocker.unblock():
        yield from _servers(tmp_path_factory.mktemp("replay"))


@pytest.fixture(scope="module")
def gateway_servers(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """With the real gateway."""
    folder = tmp_path_factory.mktemp("replay")
    with django_db_blocker.unblock(), servers.npm_gateway(folder).running() as gateway:
        yield from _servers(folder, PORTKEY_GATEWAY_URL=gateway.url)


@pytest.fixture
def alice(client: Client, people: People) -> Client:
    """alice's browser, with no server behind it."""
    return sign_in(client, "alice")


@pytest.fixture
def world(direct_servers: Servers, people: People, settings: Any) -> World:
    return _world(direct_servers, people, settings)


@pytest.fixture
def behind_gateway(gateway_servers: Servers, people: People, settings: Any) -> World:
    return _world(gateway_servers, people, settings)


def _world(running: Servers, people: People, settings: Any) -> World:
    settings.CAPTURE_URL = running.capture.url
    running.provider.reset()
    return World(people, running.provider, running.capture, sign_in(Client(), "alice"))

"""Every captured request, replayed unedited through the real gateway: the provider gets what it got at first."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.db import connection

from logs.ingest import normalise
from logs.models import Log
from logs.viewer.bodies import read_side
from portkey_logs.accounts.models import Actor
from portkey_logs.catalog.models import Config, Invalid
from replay import runner, source
from replay.eligibility import ENDPOINTS
from replay.models import Run
from replay.runner import Attempt, Ineligible
from tests.factories import make_key
from tests.logs.ingest.gateway_fixtures import FIXTURES, exchange_of
from tests.logs.processes import wait_until
from tests.replay.conftest import World

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]  # threads have to see what is stored

# The gateway from npm has no cache: it asks the provider where the gateway of these captures did not.
ASKED_NOBODY = ("cache_hit", "cache_hit_after_refresh", "cache_stream_2")
# Its config stays as it was sent, for the catalog keeps none like it, and so the key in it is not known.
NOT_OFFERED = {"err_config_bad_mode": "No credential is known for this request. Choose a virtual key to go on."}
# They name what only the caller's own gateway can know or reach, and so capture says no before a gateway is asked.
REFUSED_BY_CAPTURE = {
    "err_config_id": "There is no config pc-abc-123 in this workspace",
    "err_custom_host": "The host 10.0.0.5 is",
    "err_virtual_key_provider": "There is no virtual key openai-prod in this workspace",
}
REPLAYABLE = [name for name, fixture in FIXTURES.items() if fixture["request"]["path"] in ENDPOINTS.values()]
THREADS = 8


def test_an_unedited_replay_is_the_original_to_the_byte(
    behind_gateway: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = behind_gateway
    settings.TRUSTED_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(runner, "RUNS_A_MINUTE", len(REPLAYABLE))
    originals = {name: stored(world, name) for name in REPLAYABLE}
    wait_until(lambda: knows_configs(world))
    runs, refused = {}, {}
    for name, log in originals.items():
        try:
            runs[name] = runner.start_run(
                user=world.people.alice, workspace=world.people.workspace, source=source.of_log(log)
            )
        except Ineligible as reason:
            refused[name] = str(reason)
    assert refused == NOT_OFFERED
    with ThreadPoolExecutor(THREADS) as threads:
        replays = dict(zip(runs, threads.map(carried_out, runs.values()), strict=True))
    wrong = {
        name: problem
        for name, replay in replays.items()
        if (problem := difference(world, name, originals[name], replay))
    }
    assert wrong == {}


def stored(world: World, name: str) -> Log:
    """The capture as a log whose credentials are known here: of a call without a key, or with a config of ours."""
    exchange = exchange_of(name)
    headers = {
        name: value for name, value in exchange.request_headers.items() if name not in ("authorization", "x-api-key")
    }
    # Each has a path of its own at the provider, which is asked by several at a time.
    here = lambda match: f"{world.provider.url}/x/{match[1] or 'ok'}.of-{name}/v1"  # noqa: E731
    headers = {key: re.sub(r"http://127\.0\.0\.1:900\d(?:/x/([^/]+))?/v1", here, text) for key, text in headers.items()}
    if headers.get("x-portkey-config", "").startswith("{"):
        try:
            body = json.loads(headers["x-portkey-config"])
            config = Config.create(world.people.workspace, name, body, by=Actor(person=world.people.alice))
            headers["x-portkey-config"] = config.slug
        except Invalid:
            pass  # the gateway refuses it, and so it is to be refused again
    exchange.request_headers = headers
    record = normalise.to_record(
        exchange, workspace_id=world.people.workspace.pk, api_key_id=None, now_ms=1_795_000_000_000
    )
    return world.store(record)


def knows_configs(world: World) -> bool:
    """Whether capture has read the last of the configs by now."""
    key = make_key(world.people.workspace)[1]
    last = Config.objects.order_by("created_at").last()
    assert last is not None
    headers = {"x-portkey-api-key": key, "x-portkey-config": last.slug}
    wait_until(lambda: httpx.post(f"{world.capture.url}/v1/models", headers=headers).status_code != 401)
    answer = httpx.post(f"{world.capture.url}/v1/chat/completions", headers=headers, json={"messages": []})
    world.provider.reset()
    return last.slug not in answer.text


def carried_out(run: Run) -> Log:
    try:
        attempt = Attempt(run)
        for step in (attempt.events, attempt.conclude):
            for _ in step():
                pass
        assert attempt.log is not None
        return attempt.log
    finally:
        connection.close()


def difference(world: World, name: str, original: Log, replay: Log) -> Any:
    """What is not as it was; None where all is."""
    fixture = FIXTURES[name]
    if read_side(replay, "request").octets != read_side(original, "request").octets:
        return "capture sent another body"
    if reason := REFUSED_BY_CAPTURE.get(name):
        return None if reason in (replay.error_message or "") else replay.error_message
    if (replay.config, replay.metadata, replay.path) != (original.config, original.metadata, original.path):
        return "another config, metadata or path"
    if name in ASKED_NOBODY:
        return None
    received = [body for path, body in world.provider.calls if f"of-{name}/" in path]
    if received != [call["body"] for call in fixture["provider_calls"]]:
        return f"the provider received {received}"
    if replay.status_code != fixture["response"]["status"]:
        return f"status {replay.status_code}: {replay.error_message}"
    return None

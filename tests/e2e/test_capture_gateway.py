"""SDK -> capture -> the real Portkey gateway -> a stub provider; each call is on the log page with its states."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import time
import urllib.error
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import portkey_ai
import psycopg
import pytest
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from tests.e2e import gateway as servers
from tests.e2e.gateway import Process
from tests.emptying import empty_tables
from tests.factories import make_key, make_people
from tests.logs.processes import database_url, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db]  # what the fixture below stores is committed

PROVIDER_KEY = "sk-stub-provider-key-0123456789abcdef"
CONFIG_KEY = "sk-stub-config-key-fedcba9876543210"
ASK = [{"role": "user", "content": "Say hi"}]
TEXT = "Hello from the stub …!"
SECONDS_TO_THE_PAGE = 2.0
_numbers = itertools.count()


@dataclass
class World:
    """Everything that runs, and a member's browser."""

    stub: Process
    gateway: Process
    capture: Process
    key: str
    page: Client
    folder: Path

    def host(self, orders: str = "") -> str:
        """The stub's address with what it shall do; no two are the same, so that its counts are not shared."""
        return f"{self.stub.url}/x/{'+'.join(filter(None, [orders, f'call{next(_numbers)}']))}/v1"

    def target(self, orders: str = "", **more: Any) -> dict[str, Any]:
        return {"provider": "openai", "api_key": CONFIG_KEY, "custom_host": self.host(orders), **more}

    def openai(self, config: Any = None, **headers: str) -> openai.OpenAI:
        """The openai SDK with its own provider key; only base URL and headers are ours."""
        ours = {"x-portkey-api-key": self.key}
        if config is None:
            ours |= {"x-portkey-provider": "openai", "x-portkey-custom-host": self.host()}
        else:
            ours["x-portkey-config"] = json.dumps(config)
        return openai.OpenAI(
            api_key=PROVIDER_KEY, base_url=f"{self.capture.url}/v1", default_headers=ours | headers, max_retries=0
        )

    def portkey(self, config: Any) -> portkey_ai.Portkey:
        return portkey_ai.Portkey(api_key=self.key, base_url=f"{self.capture.url}/v1", config=config)

    def log(self, log_id: str) -> dict[str, Any]:
        """The log's JSON twin, as soon as the list shows it."""
        wait_until(lambda: f'data-log-id="{log_id}"' in self.page.get("/w/acme/logs/").content.decode())
        return self.page.get(f"/w/acme/logs/{log_id}.json").json()["log"]

    def raw(self, log_id: str, side: str) -> bytes:
        response = self.page.get(f"/w/acme/logs/{log_id}/raw/{side}")
        assert response.status_code == 200
        return response.getvalue()

    def panel(self, log_id: str) -> str:
        return self.page.get(f"/w/acme/logs/{log_id}/").content.decode()


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("capture")
    with django_db_blocker.unblock():
        people = make_people()
        key = make_key(people.workspace)[1]
        page = Client()
        page.force_login(people.alice, "django.contrib.auth.backends.ModelBackend")
        page.get("/w/acme/logs/")  # the first page compiles the templates
        with servers.stub_provider(folder).running() as stub, servers.npm_gateway(folder).running() as gateway:
            env = {"DATABASE_URL": database_url(), "PORTKEY_GATEWAY_URL": gateway.url}
            with servers.capture(folder, env | {"PORTKEY_LOGS_TRUSTED_HOSTS": "127.0.0.1"}).running() as capture:
                yield World(stub, gateway, capture, key, page, folder)
        empty_tables()


def states(log: dict[str, Any]) -> list[str]:
    return [log["gateway"][name]["label"] for name in ("cache", "retry", "fallback", "loadbalance")]


QUIET = ["Cache Disabled", "Retry Not Triggered", "Fallback Disabled", "Loadbalancer Disabled"]


def test_the_gateway_we_start_shows_nothing_to_anybody(world: World) -> None:
    for path in ("/public/", "/public/logs", "/log/stream"):
        for server in (world.gateway, world.capture):
            with pytest.raises(urllib.error.HTTPError) as caught:
                servers.get(server.url + path)
            assert caught.value.code == 404


def test_a_chat(world: World) -> None:
    answer = world.openai(**{"x-portkey-metadata": '{"_user":"ada"}'}).chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=ASK
    )
    assert answer.parse().choices[0].message.content == TEXT
    log_id = answer.headers["x-portkey-log-id"]
    log = world.log(log_id)
    assert states(log) == QUIET
    assert (log["provider"], log["model"], log["tokens"]["total"], log["user"]) == ("openai", "gpt-4o-mini", 15, "ada")
    assert (log["source"], log["completeness"], log["status_code"]) == ("capture", "complete", 200)
    assert log["trace_id"] == answer.headers["x-portkey-trace-id"]
    assert json.loads(world.raw(log_id, "request")) == {"model": "gpt-4o-mini", "messages": ASK}
    assert world.raw(log_id, "response") == answer.content
    assert answer.headers["x-portkey-log-url"].endswith(f"/w/acme/logs/{log_id}/")
    assert TEXT in world.panel(log_id)


def test_a_streamed_chat(world: World) -> None:
    create = world.openai().chat.completions.with_streaming_response.create
    with create(model="gpt-4o-mini", messages=ASK, stream=True) as answer:
        received = b"".join(answer.iter_bytes())
        log_id = answer.headers["x-portkey-log-id"]
    log = world.log(log_id)
    assert (log["stream"], log["is_success"], log["completeness"]) == (True, True, "complete")
    assert log["time_to_first_token_ms"] is not None
    assert world.raw(log_id, "response") == received
    assert received.endswith(b"data: [DONE]\n\n")
    assert TEXT in world.panel(log_id)


def test_a_call_is_soon_on_the_page(world: World) -> None:
    waits = []
    for _ in range(3):  # a busy machine may hold up one of them
        answer = world.openai().chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=ASK)
        began = time.monotonic()
        world.log(answer.headers["x-portkey-log-id"])
        waits.append(time.monotonic() - began)
    assert min(waits) < SECONDS_TO_THE_PAGE


def test_the_portkey_sdk_streams_and_learns_its_log(world: World) -> None:
    client = world.portkey(world.target("usage"))
    words = [
        chunk.choices[0].delta.content or ""
        for chunk in client.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True)
        if chunk.choices
    ]
    assert "".join(words) == TEXT
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    log = world.log(answer.get_headers()["log-id"])
    assert (log["tokens"]["origin"], log["tokens"]["total"]) == ("provider", 15)


Ask = Callable[[Any], Any]
KINDS: dict[str, tuple[str, Ask]] = {
    "tools": (
        "chat_completion",
        lambda sdk: sdk.chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=ASK, tools=[{"type": "function", "function": {"name": "weather"}}]
        ),
    ),
    "vision": (
        "chat_completion",
        lambda sdk: sdk.chat.completions.with_raw_response.create(
            model="gpt-4o-mini",
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBOR" * 20_000}}
                    ],
                }
            ],
        ),
    ),
    "completions": (
        "completion",
        lambda sdk: sdk.completions.with_raw_response.create(model="gpt-3.5-turbo-instruct", prompt="Say hi"),
    ),
    "embeddings": (
        "embedding",
        lambda sdk: sdk.embeddings.with_raw_response.create(model="text-embedding-3-small", input="hi"),
    ),
    "images": (
        "image_generation",
        lambda sdk: sdk.images.with_raw_response.generate(model="gpt-image-1", prompt="a cat"),
    ),
    "responses": ("response", lambda sdk: sdk.responses.with_raw_response.create(model="gpt-4o-mini", input="Say hi")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_call(world: World, kind: str) -> None:
    request_type, ask = KINDS[kind]
    answer = ask(world.openai())
    log_id = answer.headers["x-portkey-log-id"]
    log = world.log(log_id)
    assert (log["request_type"], log["is_success"], log["completeness"]) == (request_type, True, "complete")
    assert states(log) == QUIET
    assert world.raw(log_id, "response") == answer.content
    assert world.raw(log_id, "request") == answer.http_request.content


def test_a_streamed_response(world: World) -> None:
    with world.openai().responses.with_streaming_response.create(
        model="gpt-4o-mini", input="Say hi", stream=True
    ) as answer:
        received = b"".join(answer.iter_bytes())
        log_id = answer.headers["x-portkey-log-id"]
    log = world.log(log_id)
    assert (log["request_type"], log["is_success"], log["tokens"]["total"]) == ("response", True, 15)
    assert world.raw(log_id, "response") == received


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_messages(world: World, stream: bool) -> None:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 20, "messages": ASK, "stream": stream}
    headers = {
        "x-portkey-api-key": world.key,
        "x-portkey-provider": "anthropic",
        "x-portkey-custom-host": world.host(),
        "x-api-key": PROVIDER_KEY,
        "authorization": f"Bearer {PROVIDER_KEY}",
    }
    answer = httpx.post(f"{world.capture.url}/v1/messages", json=body, headers=headers)
    log_id = answer.headers["x-portkey-log-id"]
    log = world.log(log_id)
    assert (log["request_type"], log["provider"], log["stream"]) == ("message", "anthropic", stream)
    assert (log["is_success"], log["tokens"]["total"]) == (True, 15)
    assert world.raw(log_id, "response") == answer.content
    assert TEXT in world.panel(log_id)


def _configs(world: World) -> dict[str, tuple[dict[str, Any], int, list[str]]]:
    """name -> config, status, and the states that it leads to, where they are not the quiet ones."""
    target = world.target
    fallback, balance = {"mode": "fallback"}, {"mode": "loadbalance"}
    nested = {"strategy": fallback, "targets": [target("always-500"), target()]}
    check = {"default.contains": {"operator": "none", "words": ["Say"]}}
    retry = {"attempts": 2}
    return {
        "retry": (target("fail-2-503", retry={"attempts": 3}), 200, ["Retry Success on 2 Tries"]),
        "retries run out": (target("always-500", retry=retry), 500, ["Retry Failed"]),
        "not retried": (target("always-400", retry=retry), 400, []),
        "fallback at rest": ({"strategy": fallback, "targets": [target(), target()]}, 200, ["Fallback Active"]),
        "fallback": (
            {"strategy": fallback, "targets": [target("always-500"), target("always-429"), target()]},
            200,
            ["Fallback Triggered on Option 2"],
        ),
        "fallback all failed": (
            {"strategy": fallback, "targets": [target("always-500"), target("always-503")]},
            503,
            ["Fallback Triggered on Option 1"],
        ),
        "load balance": (
            {"strategy": balance, "targets": [target(weight=1), target(weight=1)]},
            200,
            ["Loadbalancer Active"],
        ),
        "nested": (
            {"strategy": balance, "targets": [nested]},
            200,
            ["Fallback Triggered on Option 1", "Loadbalancer Active"],
        ),
        "guardrail passes on": (target(input_guardrails=[check | {"deny": False}]), 246, []),
        "guardrail denies": (target(input_guardrails=[check | {"deny": True}]), 446, []),
        "timeout": (target("delay-1500", request_timeout=150), 408, []),
        "refused by the gateway": ({"strategy": {"mode": "nonsense"}, "targets": [target()]}, 400, []),
    }


CASES = [
    "retry",
    "retries run out",
    "not retried",
    "fallback at rest",
    "fallback",
    "fallback all failed",
    "load balance",
    "nested",
    "guardrail passes on",
    "guardrail denies",
    "timeout",
    "refused by the gateway",
]


@pytest.mark.parametrize("case", CASES)
def test_states_of_the_gateway(world: World, case: str) -> None:
    config, status, expected = _configs(world)[case]
    headers = {"x-portkey-api-key": world.key, "x-portkey-config": json.dumps(config)}
    answer = httpx.post(
        f"{world.capture.url}/v1/chat/completions", json={"model": "gpt-4o-mini", "messages": ASK}, headers=headers
    )
    assert answer.status_code == status
    log_id = answer.headers["x-portkey-log-id"]
    log = world.log(log_id)
    changed = [state for state, quiet in zip(states(log), QUIET, strict=True) if state != quiet]
    assert changed == expected
    assert (log["status_code"], log["is_success"]) == (status, status in (200, 246))
    assert world.raw(log_id, "response") == answer.content


def test_a_stream_that_the_provider_cuts_is_a_failure(world: World) -> None:
    client = world.openai(world.target("cut-2"))
    with client.chat.completions.with_streaming_response.create(
        model="gpt-4o-mini", messages=ASK, stream=True
    ) as answer:
        log_id = answer.headers["x-portkey-log-id"]
        received = b""
        try:
            for chunk in answer.iter_bytes():
                received += chunk
        except httpx.TransportError:
            pass
    log = world.log(log_id)
    assert (log["status_code"], log["is_success"], log["completeness"]) == (200, False, "cut")
    assert world.raw(log_id, "response") == received


def test_chunks_arrive_one_by_one(world: World) -> None:
    client = world.openai(world.target("gap-150"))
    began = time.monotonic()
    chunks = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True)
    arrivals = [time.monotonic() - began for _ in chunks]
    assert arrivals[-1] - arrivals[0] > 0.7


def test_what_the_client_receives_is_what_the_gateway_sent(world: World) -> None:
    for stream in (False, True):
        body = {"model": "gpt-4o-mini", "messages": ASK, "stream": stream}
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": world.host(), "x-portkey-trace-id": "same"}
        direct = httpx.post(f"{world.gateway.url}/v1/chat/completions", json=body, headers=headers)
        ours = {"x-portkey-api-key": world.key}
        through = httpx.post(f"{world.capture.url}/v1/chat/completions", json=body, headers=headers | ours)
        assert through.content == direct.content
        varying = {"date", "x-portkey-log-id", "x-portkey-log-url", "connection", "keep-alive"}
        for name in (set(direct.headers) | set(through.headers)) - varying:
            assert through.headers.get(name) == direct.headers.get(name), name


def test_no_secret_is_kept_anywhere(world: World) -> None:
    """Runs last: after all of the above."""
    secrets = [world.key, PROVIDER_KEY, CONFIG_KEY]
    deep = {
        "strategy": {"mode": "fallback"},
        "targets": [{"targets": [world.target(aws_secret_access_key=CONFIG_KEY)]}],
    }
    client = world.openai(deep, **{"x-portkey-sensitive-headers": "x-team-pin", "x-team-pin": "pin-code-1234567890"})
    with pytest.raises(openai.APIError):
        client.chat.completions.create(model="gpt-4o-mini", messages=ASK, extra_query={"key": "sk-query-0123456789ab"})
    secrets += ["pin-code-1234567890", "sk-query-0123456789ab"]

    with psycopg.connect(database_url()) as database:
        tables = [name for (name,) in database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        text = ""
        for table in tables:
            rows = database.execute(f'SELECT t::text FROM "{table}" t').fetchall()  # type: ignore[arg-type]
            text += "".join(row[0] for row in rows)
    ids = [item["id"] for item in world.page.get("/w/acme/logs.json").json()["data"]]
    assert len(ids) > 20
    for log_id in ids:
        text += world.panel(log_id) + world.page.get(f"/w/acme/logs/{log_id}.json").content.decode()
    for secret in secrets:
        assert secret not in text
        assert secret.encode().hex() not in text
    found = subprocess.run(
        ["grep", "-rlFa", *itertools.chain(*(("-e", secret) for secret in secrets)), str(world.folder)],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert found.stdout == ""

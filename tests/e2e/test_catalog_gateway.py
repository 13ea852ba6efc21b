"""Configs, prompts and virtual keys through the SDK, capture and the real Portkey gateway."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import portkey_ai
import psycopg
import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from portkey_logs.accounts.models import ApiKey
from portkey_logs.catalog import schema
from tests.catalog.configs import GOOD, bad
from tests.e2e import gateway as servers
from tests.e2e.test_capture_gateway import TEXT, World, states
from tests.emptying import empty_tables
from tests.factories import make_key, make_people
from tests.logs.processes import database_url, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db]  # what the fixture below stores is committed

FIRST_SECRET = "sk-first-virtual-key-0123456789"
SECOND_SECRET = "sk-second-virtual-key-9876543210"
INLINE_SECRET = "sk-inline-of-config-5555566666"
SECRETS = (FIRST_SECRET, SECOND_SECRET, INLINE_SECRET)
ASK = [{"role": "user", "content": "Say hi"}]
DEFAULT_CONFIG = "pc-default"


@dataclass
class Catalogued(World):
    """``default_key`` is a key whose calls take the config ``pc-default``."""

    default_key: str

    def log(self, log_id: str) -> dict[str, Any]:
        """The log's JSON twin, as soon as it is there."""
        address = f"/w/acme/logs/{log_id}.json"
        wait_until(lambda: self.page.get(address).status_code == 200)
        return self.page.get(address).json()["log"]


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Catalogued]:
    folder = tmp_path_factory.mktemp("catalog")
    with django_db_blocker.unblock():
        from django.test import Client

        people = make_people()
        key = make_key(people.workspace, scopes=ApiKey.SCOPES)[1]
        default_key = make_key(people.workspace, default_config=DEFAULT_CONFIG)[1]
        page = Client()
        page.force_login(people.alice, "django.contrib.auth.backends.ModelBackend")
        page.get("/w/acme/logs/")  # the first page compiles the templates
        with servers.stub_provider(folder).running() as stub, servers.npm_gateway(folder).running() as gateway:
            env = {"DATABASE_URL": database_url(), "PORTKEY_LOGS_TRUSTED_HOSTS": "127.0.0.1"}
            with servers.web(folder, env).running() as web:
                env |= {"PORTKEY_GATEWAY_URL": gateway.url, "PORTKEY_LOGS_WEB_URL": web.url}
                with servers.capture(folder, env).running() as capture:
                    yield Catalogued(stub, gateway, capture, key, page, folder, default_key)
        empty_tables()


@pytest.fixture(scope="module")
def sdk(world: Catalogued) -> portkey_ai.Portkey:
    """One base URL for everything: capture hands the catalog's calls to web. Two keys, of which the first fails."""
    client = portkey_ai.Portkey(api_key=world.key, base_url=f"{world.capture.url}/v1")
    hosts = {"first": world.host("always-500"), "second": world.host()}
    for slug, secret in (("first", FIRST_SECRET), ("second", SECOND_SECRET)):
        client.virtual_keys.create(name=slug, slug=slug, provider="openai", key=secret, custom_host=hosts[slug])
    return client


def when_known(ask: Any) -> Any:
    """The answer, as soon as capture has read what was just saved."""
    answers: list[Any] = []

    def is_known() -> bool:
        try:
            answers.append(ask())
        except Exception as error:  # the SDK raises its own and openai's
            if getattr(error, "status_code", None) != 404:
                raise
        return bool(answers)

    wait_until(is_known, 5)
    return answers[0]


def chat(world: Catalogued, model: str = "gpt-4o-mini", **options: Any) -> Any:
    client = portkey_ai.Portkey(api_key=world.key, base_url=f"{world.capture.url}/v1", **options)
    return when_known(lambda: client.chat.completions.create(model=model, messages=ASK))


def log_of(world: Catalogued, answer: Any) -> dict[str, Any]:
    return world.log(answer.get_headers()["log-id"])


def columns(log: dict[str, Any], *names: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(names)} FROM log WHERE id = %s", [log["id"]])
        return cursor.fetchone()


def test_a_virtual_key(world: Catalogued, sdk: portkey_ai.Portkey) -> None:
    for answer in (
        chat(world, virtual_key="second"),
        chat(world, provider="@second"),
        chat(world, "@second/gpt-4o-mini"),
    ):
        assert answer.choices[0].message.content == TEXT
        assert log_of(world, answer)["virtual_key"] == "second"


def test_a_config_over_two_keys_and_its_version_after_an_edit(world: Catalogued, sdk: portkey_ai.Portkey) -> None:
    fallback = {"strategy": {"mode": "fallback"}, "targets": [{"virtual_key": "first"}, {"virtual_key": "second"}]}
    made = sdk.configs.create(name="Two", config=fallback)
    answer = chat(world, config=made.slug)
    assert answer.choices[0].message.content == TEXT
    log = log_of(world, answer)
    assert (log["config"], log["virtual_key"]) == (made.slug, "second")
    assert states(log)[2] == "Fallback Triggered on Option 1"
    changed = sdk.configs.update(slug=made.slug, config={"virtual_key": "second"})
    wait_until(lambda: states(log_of(world, chat(world, config=made.slug)))[2] == "Fallback Disabled", 10)
    later = log_of(world, chat(world, config=made.slug))
    assert columns(log, "config_version_id") == (made.version_id,)
    assert columns(later, "config_version_id") == (changed.version_id,)


def test_secrets_inside_a_config_and_the_default_of_a_key(world: Catalogued, sdk: portkey_ai.Portkey) -> None:
    body = {"provider": "openai", "api_key": INLINE_SECRET, "custom_host": world.host()}
    made = sdk.post("/configs", name="Inline", slug=DEFAULT_CONFIG, config=body)
    client = portkey_ai.Portkey(api_key=world.default_key, base_url=f"{world.capture.url}/v1")
    answer = when_known(lambda: client.chat.completions.create(model="gpt-4o-mini", messages=ASK))
    log = log_of(world, answer)
    assert (log["config"], columns(log, "config_version_id")) == (DEFAULT_CONFIG, (made.version_id,))


def test_a_prompt_streamed_and_not(world: Catalogued, sdk: portkey_ai.Portkey) -> None:
    string = json.dumps([{"role": "user", "content": "Greet {{name}}"}])
    made = sdk.prompts.create(
        name="Greet", collection_id="c", string=string, parameters={"temperature": 0}, model="m", virtual_key="second"
    )
    run = sdk.prompts.completions.create
    answer = when_known(lambda: run(prompt_id=made.slug, variables={"name": "Ada"}))
    assert answer.choices[0].message.content == TEXT
    log = log_of(world, answer)
    chunks = list(run(prompt_id=made.slug, variables={"name": "Bob"}, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    assert sdk.prompts.render(prompt_id=made.slug, variables={"name": "Ada"}).data.messages[0].content == "Greet Ada"

    sent = json.loads(world.raw(log["id"], "request"))
    assert (sent["messages"][0]["content"], sent["model"]) == ("Greet Ada", "m")
    assert (log["prompt"], log["virtual_key"], log["request_type"]) == (made.slug, "second", "chat_completion")
    assert log["variables"] == {"name": "Ada"}
    changed = sdk.prompts.update(made.slug, string=string.replace("Greet", "Hail"))
    sdk.prompts.publish(made.slug, version=2)
    found = ("prompt_version_id", "prompt_in_config_target")
    assert columns(log, *found) == (made.version_id, False)
    assert changed.version_id != made.version_id


def test_a_prompt_in_a_nested_target(world: Catalogued, sdk: portkey_ai.Portkey) -> None:
    string = json.dumps([{"role": "user", "content": "Greet {{name}} at length: " + "word " * 5000}])
    made = sdk.prompts.create(
        name="Long", collection_id="c", string=string, parameters={}, model="m", virtual_key="second"
    )
    inner = {"strategy": {"mode": "loadbalance"}, "targets": [{"prompt_id": made.slug}]}
    config = {"strategy": {"mode": "fallback"}, "targets": [{"virtual_key": "first"}, inner]}
    for given in (config, sdk.configs.create(name="Nested", config=config).slug):
        log = log_of(world, chat(world, config=given))
        assert (log["prompt"], states(log)[2:]) == (
            made.slug,
            ["Fallback Triggered on Option 1", "Loadbalancer Active"],
        )
        assert columns(log, "prompt_version_id", "prompt_in_config_target") == (made.version_id, True)


def test_what_cannot_be_used_is_named(world: Catalogued, sdk: portkey_ai.Portkey) -> None:
    sdk.virtual_keys.create(name="gone", slug="gone", provider="openai", key=FIRST_SECRET)
    sdk.virtual_keys.delete(slug="gone")
    client = portkey_ai.Portkey(api_key=world.key, base_url=f"{world.capture.url}/v1", virtual_key="gone")
    with pytest.raises(Exception, match=r"virtual key gone") as refused:
        client.chat.completions.create(model="m", messages=ASK)
    assert refused.value.status_code in (400, 404)  # type: ignore[attr-defined]


def test_no_secret_is_anywhere(world: Catalogued, sdk: portkey_ai.Portkey) -> None:
    """Runs last: in the database, the spool, the snapshots and what the processes printed. The stub got them."""
    with psycopg.connect(database_url()) as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [database.execute(f'SELECT t::text FROM "{table}" t').fetchall() for (table,) in tables]  # type: ignore[call-overload]
    stored = "\n".join(row[0] for found in rows for row in found)
    ids = database_ids()
    shown = "\n".join(world.page.get(f"/w/acme/logs/{id}.json").content.decode() for id in ids)
    assert len(ids) > 5
    files = "\n".join(path.read_bytes().decode("latin-1") for path in folder_files(world.folder))
    assert "catalog.json" in [path.name for path in folder_files(world.folder)]
    for secret in SECRETS:
        assert secret not in stored
        assert secret not in shown
        assert secret not in files


def database_ids() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM log")
        return [str(row[0]) for row in cursor.fetchall()]


def folder_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# --- what we accept, the gateway accepts -----------------------------------------------------------------------


def answer_to(url: str, config: Any, provider: str | None) -> tuple[int, str]:
    headers = {"content-type": "application/json", "x-portkey-config": json.dumps(config)}
    if provider:
        headers["x-portkey-provider"] = provider
    request = urllib.request.Request(f"{url}/v1/chat/completions", b'{"model":"m","messages":[]}', headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def aimed(config: Any, host: str) -> Any:
    """The config with each of its targets led to the stub, unless it leads somewhere by itself."""
    if not isinstance(config, dict):
        return config
    config = dict(config)
    if isinstance(config.get("targets"), list):
        config["targets"] = [aimed(target, host) for target in config["targets"]]
    elif isinstance(config.get("provider"), str) or "retry" in config or "cache" in config:
        config.setdefault("custom_host", host)
    return config


REFUSAL = ("Invalid config passed", "needs to be passed", "This version of config", "No conditions passed")
FAILS_LATER = ("strategy.default", "then", "weight", "targets")  # where the gateway would hang or fail each call


@pytest.mark.parametrize("name", [name for name in GOOD if name != "a public host"])
def test_a_config_that_we_take_is_taken(world: Catalogued, name: str) -> None:
    config = aimed(GOOD[name], world.host())
    assert schema.check(config, frozenset({"127.0.0.1"})).errors == []
    provider = None if config.keys() & {"provider", "targets"} else "openai"
    status, text = answer_to(world.gateway.url, config, provider)
    assert not (status == 400 and any(words in text for words in REFUSAL)), text


def test_what_the_gateway_refuses_we_refuse(world: Catalogued) -> None:
    """And most of what we refuse it refuses: the rest it takes, to fail at each call."""
    refused = 0
    for config, path in bad():
        assert schema.check(config, frozenset({"127.0.0.1"})).errors
        if path.endswith(FAILS_LATER) or "then" in path or "query" in path:
            continue
        status, text = answer_to(world.gateway.url, aimed(config, world.host()), None)
        refused += status == 400 and any(words in text for words in REFUSAL)
    assert refused >= 50

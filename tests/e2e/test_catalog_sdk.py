"""The real ``portkey-ai`` SDK makes, reads, changes and removes configs, prompts and virtual keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from portkey_ai import Portkey
from portkey_ai.api_resources.exceptions import BadRequestError, NotFoundError, PermissionDeniedError

from portkey_logs.accounts.models import ApiKey, AuditEvent
from tests.catalog.configs import FALLBACK, TARGET
from tests.factories import People, make_key, make_people

SECRET = "sk-virtual-key-0123456789abcdef"
MESSAGES = [{"role": "user", "content": "Greet {{name}}"}]


@pytest.fixture
def people(server: str, monkeypatch: pytest.MonkeyPatch) -> People:
    monkeypatch.setenv("NO_PROXY", "*")  # the SDK is kept from a proxy that the machine may have
    return make_people()


@pytest.fixture
def sdk(server: str, people: People) -> Portkey:
    key = make_key(people.workspace, scopes=ApiKey.SCOPES)[1]
    return Portkey(api_key=key, base_url=f"{server}/v1")


@pytest.fixture
def stranger(server: str, people: People) -> Portkey:
    return Portkey(api_key=make_key(people.elsewhere, scopes=ApiKey.SCOPES)[1], base_url=f"{server}/v1")


def test_configs(sdk: Portkey, stranger: Portkey) -> None:
    made = sdk.configs.create(name="Two of them", config=FALLBACK, is_default=0, workspace_id="acme")
    assert (made.slug[:3], made.data["version_id"]) == ("pc-", made.version_id)
    config = sdk.configs.retrieve(slug=made.slug)
    assert (config.name, config.config["strategy"], config.status) == ("Two of them", FALLBACK["strategy"], "active")
    assert config.config["targets"][0]["api_key"] == "sk********def"
    changed = sdk.configs.update(slug=made.slug, name="One", config=TARGET, status="active")
    assert changed.version_id != made.version_id
    assert [item["name"] for item in sdk.configs.list().data] == ["One"]
    answer = httpx.get(
        f"{sdk.base_url}/configs/{made.slug}/versions", headers={"x-portkey-api-key": sdk.api_key}, trust_env=False
    )
    versions = answer.json()["data"]
    assert [version["version_id"] for version in versions] == [changed.version_id, made.version_id]
    assert json.loads(versions[1]["config"])["strategy"] == FALLBACK["strategy"]
    assert TARGET["api_key"] not in answer.text
    with pytest.raises(NotFoundError, match="no config"):
        stranger.configs.retrieve(slug=made.slug)
    assert stranger.configs.list().data == []
    sdk.configs.delete(slug=made.slug)
    assert sdk.configs.list().data == []
    with pytest.raises(NotFoundError):
        sdk.configs.retrieve(slug=made.slug)


def test_an_invalid_config_is_refused_with_path_and_reason(sdk: Portkey) -> None:
    with pytest.raises(BadRequestError, match=r"targets\[1\].provider: is not a provider"):
        sdk.configs.create(name="c", config={**FALLBACK, "targets": [TARGET, {**TARGET, "provider": "nope"}]})
    warned = sdk.configs.create(name="c", config={"virtual_key": "nowhere", "colour": 1})
    assert [warning["path"] for warning in warned.warnings] == ["colour", "virtual_key"]
    with pytest.raises(BadRequestError, match="API key"):
        sdk.configs.create(name="c", config=TARGET, is_default=1)


def test_virtual_keys_and_providers(sdk: Portkey, stranger: Portkey, people: People) -> None:
    made = sdk.virtual_keys.create(name="OpenAI", provider="openai", key=SECRET, note="prod", slug="openai-prod")
    assert made.slug == "openai-prod"
    azure = sdk.virtual_keys.create(
        name="Azure", provider="azure-openai", key=SECRET, resourceName="r", deploymentName="d", apiVersion="2026-01"
    )
    key = sdk.virtual_keys.retrieve(slug=azure.slug)
    assert key.data["model_config"]["deployment_id"] == "d"
    listed = sdk.virtual_keys.list()
    assert [item["slug"] for item in listed.data] == [azure.slug, "openai-prod"]
    assert {item["status"] for item in listed.data} == {"active"}
    assert SECRET not in str(listed)
    sdk.virtual_keys.update(slug="openai-prod", name="OpenAI 2", key="sk-another-0123456789xyz", note="n2")
    provider = sdk.providers.retrieve(slug="openai-prod")
    assert (provider.name, provider.note, provider.key) == ("OpenAI 2", "n2", "sk********xyz")
    assert sdk.providers.list().total == 2
    sdk.providers.create(
        name="x", integration_id="anthropic", key=SECRET, slug="claude", expires_at="2020-01-01T00:00:00Z"
    )
    assert sdk.providers.retrieve(slug="claude").status == "expired"
    sdk.providers.update(slug="claude", expires_at="2099-01-01T00:00:00Z")
    assert sdk.providers.retrieve(slug="claude").expires_at == "2099-01-01T00:00:00.000Z"
    with pytest.raises(NotFoundError):
        stranger.virtual_keys.retrieve(slug="openai-prod")
    with pytest.raises(BadRequestError, match="usage_limits"):
        sdk.virtual_keys.create(name="n", provider="openai", key=SECRET, usage_limits={"credit_limit": 5})
    with pytest.raises(BadRequestError, match="taken"):
        sdk.virtual_keys.create(name="n", provider="openai", key=SECRET, slug="openai-prod")
    sdk.virtual_keys.delete(slug="openai-prod")
    assert "openai-prod" not in str(sdk.virtual_keys.list())
    actions = list(AuditEvent.objects.filter(subject="openai-prod").values_list("action", flat=True))
    assert sorted(actions) == [
        f"virtual_key.{verb}" for verb in ("archive", "change", "create", "rename", "rotate_secret")
    ]


def test_prompts(sdk: Portkey, stranger: Portkey) -> None:
    made = sdk.prompts.create(
        name="Greeting",
        collection_id="c",
        string=json.dumps(MESSAGES),
        parameters={"temperature": 0.1},
        model="gpt-4o",
        virtual_key="openai-prod",
        version_description="first",
    )
    assert made.slug.startswith("pp-greeti-")
    assert made.warnings[0]["path"] == "virtual_key"
    rendered = sdk.prompts.render(prompt_id=made.slug, variables={"name": "Ada"}, temperature=0.7)
    assert rendered.data.messages[0].content == "Greet Ada"
    assert (rendered.data.model, rendered.data.temperature) == ("gpt-4o", 0.7)
    changed = sdk.prompts.update(made.slug, string="Say {{what}}", name="Saying")
    prompt = sdk.prompts.retrieve(made.slug)
    assert (prompt.name, prompt.prompt_version, prompt.prompt_version_id) == ("Saying", 1, made.version_id)
    assert json.loads(prompt.string) == MESSAGES
    assert sdk.prompts.retrieve(f"{made.slug}@latest").prompt_version_id == changed.version_id
    sdk.prompts.publish(made.slug, version=2)
    prompt = sdk.prompts.retrieve(made.slug)
    assert (prompt.string, prompt.parameters, prompt.model) == ("Say {{what}}", {"temperature": 0.1}, "gpt-4o")
    assert [v["prompt_version_status"] for v in sdk.prompts.versions.list(made.slug).data] == ["active", "archived"]
    assert sdk.prompts.versions.retrieve(made.slug, made.version_id).prompt_version_description == "first"
    assert [item["slug"] for item in sdk.prompts.list(search="saying").data] == [made.slug]
    assert stranger.prompts.list().data == []
    with pytest.raises(NotFoundError):
        sdk.prompts.publish(made.slug, version=9)
    with pytest.raises(BadRequestError, match="never closed"):
        sdk.prompts.update(made.slug, string="{{#open}}")
    sdk.prompts.delete(made.slug)
    assert sdk.prompts.list().data == []


Ask = Callable[[Portkey], Any]
CALLS: list[tuple[str, Ask]] = [
    ("configs.list", lambda sdk: sdk.configs.list()),
    ("configs.create", lambda sdk: sdk.configs.create(name="n", config=TARGET)),
    ("configs.delete", lambda sdk: sdk.configs.delete(slug="pc-1")),
    ("prompts.publish", lambda sdk: sdk.prompts.publish("pp-1", version=1)),
    ("virtual_keys.update", lambda sdk: sdk.virtual_keys.update(slug="v", name="n")),
    ("virtual_keys.read", lambda sdk: sdk.providers.retrieve(slug="v")),
]


def test_each_call_takes_its_scope(server: str, people: People) -> None:
    for scope, ask in CALLS:
        others = tuple(set(ApiKey.SCOPES) - {scope})
        with pytest.raises(PermissionDeniedError, match=scope.replace(".", r"\.")):
            ask(Portkey(api_key=make_key(people.workspace, scopes=others)[1], base_url=f"{server}/v1"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "name"),
        (b"nonsense", "JSON"),
        (b"[]", "object"),
        (b'{"name": 5, "config": {}}', "name: must be a string"),
        (b'{"name": "n", "config": "{"}', "must be JSON"),
        (b'{"name": "n", "config": null}', "must be an object"),
        (b'{"name": "n\\u0000", "config": {"retry": {"attempts": 1}}}', "name"),
        (b'{"name": "n", "workspace_id": "elsewhere"}', "belongs to the workspace acme"),
        (b'{"name": "n", "config": ' + b"[" * 100_000, "JSON"),
    ],
)
def test_bad_bodies_are_refused_in_words(server: str, people: People, body: bytes, said: str) -> None:
    headers = {"x-portkey-api-key": make_key(people.workspace, scopes=ApiKey.SCOPES)[1]}
    answer = httpx.post(f"{server}/v1/configs", content=body, headers=headers, trust_env=False)
    assert answer.status_code in (400, 403)
    assert said in answer.json()["data"]["message"]
    assert answer.json()["error"]["message"] == answer.json()["data"]["message"]


def test_other_methods_are_refused(server: str, people: People) -> None:
    headers = {"x-portkey-api-key": make_key(people.workspace, scopes=ApiKey.SCOPES)[1]}
    answer = httpx.patch(f"{server}/v1/configs", headers=headers, trust_env=False)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD")

"""Slugs in calls: what the gateway gets, what the log keeps, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiohttp import web

from logs.record import LogRecord
from portkey_logs.catalog import inline
from portkey_logs.catalog.catalog_cache import Key, Shelf, StoredConfig, StoredPrompt, StoredVersion
from portkey_logs.catalog.prompts import PromptSource
from portkey_logs.catalog.vault import vault
from tests.logs.capture.harness import CHAT, GRANT, Client, Stand, run, stand

SECRET = "sk-virtual-key-0123456789abcdef"
OTHER = "sk-ant-other-key-fedcba9876543210"
INLINE = "sk-inline-key-abcdef0123456789"
ANSWER = {"model": "gpt-4o", "choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}


def key(slug: str, provider: str = "openai", secret: str = SECRET, **more: Any) -> Key:
    return Key(slug=slug, provider=provider, sealed=vault().seal(secret), **more)


def config(slug: str, body: Any, **more: Any) -> StoredConfig:
    masked, secrets = inline.take_out(body)
    sealed = vault().seal(json.dumps(secrets)) if secrets else ""
    return StoredConfig(slug=slug, version_id=f"version-of-{slug}", body=json.dumps(masked), sealed=sealed, **more)


def prompt(slug: str, *templates: Any, archived: bool = False, **more: Any) -> StoredPrompt:
    """The last template is the newest version, the first one is published."""
    versions = [
        StoredVersion(
            id=f"{slug}-v{number}",
            number=number,
            source=json.dumps(msgspec.to_builtins(PromptSource(template=template, model="gpt-4o-prompt"))),
            **more,
        )
        for number, template in enumerate(templates, 1)
    ]
    return StoredPrompt(slug=slug, published_id=versions[0].id, versions=versions[::-1], archived=archived)


def greeting(word: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"{word} {{{{name}}}}"}]


NESTED = {
    "strategy": {"mode": "fallback"},
    "targets": [
        {"virtual_key": "openai-prod", "retry": {"attempts": 1}},
        {
            "strategy": {"mode": "loadbalance"},
            "targets": [{"provider": "@claude"}, {"prompt_id": "pp-greet", "override_params": {"temperature": 0.5}}],
        },
    ],
}


def shelf_of(*items: Any) -> Shelf:
    shelf = Shelf({}, {}, {})
    for item in items:
        place = {Key: shelf.keys, StoredConfig: shelf.configs, StoredPrompt: shelf.prompts}[type(item)]
        place[item.slug] = item
    return shelf


SHELF = shelf_of(
    key("openai-prod", options={"openai_project": "p"}),
    key("claude", "anthropic", OTHER),
    key("azure", "azure-openai", options={"resource_name": "r", "deployment_id": "d"}),
    key("hosted", custom_host="https://llm.example.com/v1"),
    key("bedrock", "bedrock", options={"aws_region": "eu-west-1", "aws_access_key_id": "AK"}),
    key("vertex", "vertex-ai", '{"private_key": "secret"}', options={"vertex_region": "eu"}),
    key("old", archived=True),
    key("late", expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
    config("pc-nested", NESTED),
    config("pc-inline", {"provider": "openai", "api_key": INLINE, "cache": {"mode": "simple"}}),
    config("pc-retry", {"retry": {"attempts": 2}}),
    config("pc-old", {"retry": {"attempts": 2}}, archived=True),
    config("pc-broken", {"virtual_key": "nowhere"}),
    prompt("pp-greet", greeting("Greet"), greeting("Hail"), virtual_key="openai-prod"),
    prompt("pp-by-config", greeting("Hi"), config="pc-nested"),
    prompt("pp-text", "Say {{name}}", virtual_key="openai-prod"),
    prompt("pp-old", greeting("Hi"), archived=True),
)


class Seen:
    """What the upstream got, and the log that was kept."""

    def __init__(self, client: Client, requests: list[Any], records: list[LogRecord]) -> None:
        self.client = client
        self.requests = requests
        self.record = records[-1]

    @property
    def config(self) -> Any:
        return json.loads(self.requests[0][1]["x-portkey-config"])

    @property
    def headers(self) -> Any:
        return self.requests[0][1]

    @property
    def path(self) -> str:
        return str(self.requests[0][0])

    @property
    def body(self) -> Any:
        return json.loads(self.requests[0][2])

    @property
    def logged(self) -> dict[str, str]:
        return self.record.request_headers

    def leaks(self) -> bool:
        """Whether the log or the answer holds a secret."""
        text = msgspec.json.encode(self.record).decode() + self.client.body.decode()
        return any(secret in text for secret in (SECRET, OTHER, INLINE))


def call(path: str = "/v1/chat/completions", body: Any = CHAT, option: str = "config", **options: Any) -> Seen:
    """One call; ``option`` is what the gateway says answered."""
    requests: list[Any] = []
    seen: list[Seen] = []
    headers = options.pop("headers", {})
    grant = options.pop("grant", GRANT)

    async def handler(request: web.Request) -> web.StreamResponse:
        requests.append((request.path, _lower(request), await request.read()))
        return web.json_response(ANSWER, headers={"x-portkey-last-used-option-index": option})

    async def scenario() -> None:
        async with stand(handler, grant, shelf=SHELF, **options) as place:
            seen.append(Seen(await _call(place, path, body, headers), requests, place.records))

    run(scenario())
    return seen[0]


def _lower(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


async def _call(place: Stand, path: str, body: Any, headers: dict[str, Any]) -> Client:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in headers.items()}
    content = body if isinstance(body, (bytes, list)) else json.dumps(body).encode()
    return await place.call(path, content, **texts)


# --- what the gateway gets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{"x_portkey_virtual_key": "openai-prod"}, {"x_portkey_provider": "@openai-prod"}])
def test_a_virtual_key_by_header(headers: dict[str, str]) -> None:
    seen = call(headers=headers)
    assert seen.config == {"provider": "openai", "openai_project": "p", "api_key": SECRET}
    assert not {"x-portkey-virtual-key", "x-portkey-provider"} & seen.headers.keys()
    assert seen.requests[0][2] == CHAT
    assert (seen.record.virtual_key, seen.record.config, seen.leaks()) == ("openai-prod", None, False)


def test_a_virtual_key_in_the_model() -> None:
    body = b'{ "model" : "@openai-prod/gpt-4o", "n":1e0, "messages":[{"role":"user","content":"\xc3\xa9"}]}'
    seen = call(body=body)
    assert seen.config["api_key"] == SECRET
    assert seen.body["model"] == "gpt-4o"
    assert b'"n":1e0' in seen.requests[0][2]
    assert (seen.record.virtual_key, seen.record.request_body, seen.leaks()) == ("openai-prod", body, False)


def test_a_virtual_key_in_the_model_of_a_large_body() -> None:
    picture = "x" * 400_000
    body = json.dumps({"messages": [{"role": "user", "content": picture}], "model": "@openai-prod/m"}).encode()
    seen = call(body=[body[:300_000], body[300_000:350_000], body[350_000:]])
    assert (seen.body["model"], seen.config["api_key"]) == ("m", SECRET)
    assert seen.record.request_body == body


@pytest.mark.parametrize(
    "headers", [{"x_portkey_virtual_key": "openai-prod"}, {"x_portkey_config": "pc-inline"}], ids=str
)
def test_a_large_upload_of_a_file_gets_the_key(headers: dict[str, str]) -> None:
    """A form above what is sent on in one piece: its parts came without the key."""
    head = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    form = head + b"\0" * 600_000 + b"\r\n--b--\r\n"
    seen = call(
        "/v1/audio/transcriptions",
        body=[form[:300_000], form[300_000:]],
        headers=headers | {"content_type": "multipart/form-data; boundary=b"},
    )
    assert seen.config["api_key"] in (SECRET, INLINE)
    assert seen.requests[0][2] == form
    assert (seen.record.request_body, seen.leaks()) == (form, False)


def test_each_provider_takes_its_secret_where_it_wants_it() -> None:
    assert call(headers={"x_portkey_virtual_key": "bedrock"}).config == {
        "provider": "bedrock",
        "aws_region": "eu-west-1",
        "aws_access_key_id": "AK",
        "aws_secret_access_key": SECRET,
    }
    vertex = call(headers={"x_portkey_virtual_key": "vertex"}).config
    assert vertex["vertex_service_account_json"] == {"private_key": "secret"}
    hosted = call(headers={"x_portkey_virtual_key": "hosted"}, trusted_hosts=frozenset({"llm.example.com"})).config
    assert hosted["custom_host"] == "https://llm.example.com/v1"


@pytest.mark.parametrize("by", ["slug", "default", "inline"])
def test_a_config_with_keys_and_a_prompt_in_nested_targets(by: str) -> None:
    headers = {"slug": {"x_portkey_config": "pc-nested"}, "default": {}, "inline": {"x_portkey_config": NESTED}}[by]
    grant = msgspec.structs.replace(GRANT, default_config="pc-nested") if by == "default" else GRANT
    body = {"model": "m", "messages": [], "variables": {"name": "Ada"}}
    option = "config.targets[1].targets[1]"
    seen = call(body=body, headers=headers, grant=grant, option=option)
    first, second = seen.config["targets"]
    assert first == {"provider": "openai", "openai_project": "p", "api_key": SECRET, "retry": {"attempts": 1}}
    assert second["targets"][0] == {"provider": "anthropic", "api_key": OTHER}
    assert second["targets"][1] == {
        "provider": "openai",
        "openai_project": "p",
        "api_key": SECRET,
        "override_params": {
            "model": "gpt-4o-prompt",
            "messages": [{"role": "user", "content": "Greet Ada"}],
            "temperature": 0.5,
        },
    }
    assert seen.body == {"model": "m", "messages": []}
    assert "pp-greet" not in str(seen.headers) + str(seen.body)
    record = seen.record
    assert (record.prompt, record.prompt_version_id) == ("pp-greet", "pp-greet-v1")
    assert (record.prompt_in_config_target, record.virtual_key) == (True, "openai-prod")
    assert (record.gateway.fallback_option, record.gateway.loadbalance_status) == (1, "active")
    expected = (None, None) if by == "inline" else ("pc-nested", "version-of-pc-nested")
    assert (record.config, record.config_version_id) == expected
    assert json.loads(seen.logged["x-portkey-config"])["targets"][0] == NESTED["targets"][0]
    assert not seen.leaks()


def test_another_target_of_the_same_config_has_no_prompt() -> None:
    seen = call(headers={"x_portkey_config": "pc-nested"}, option="config.targets[0]")
    assert (seen.record.prompt, seen.record.prompt_in_config_target) == (None, False)
    assert seen.record.virtual_key == "openai-prod"


def test_secrets_inside_a_stored_config() -> None:
    seen = call(headers={"x_portkey_config": "pc-inline"})
    assert seen.config["api_key"] == INLINE
    assert json.loads(seen.logged["x-portkey-config"])["api_key"] == "sk********789"
    assert (seen.record.config, seen.leaks()) == ("pc-inline", False)


def test_a_config_without_a_provider_takes_the_virtual_key_of_the_call() -> None:
    seen = call(headers={"x_portkey_config": "pc-retry", "x_portkey_virtual_key": "openai-prod"})
    assert seen.config == {
        "retry": {"attempts": 2}, "provider": "openai", "openai_project": "p", "api_key": SECRET,
    }  # fmt: skip
    assert (seen.record.config, seen.record.virtual_key) == ("pc-retry", "openai-prod")


def test_a_prompt_is_run() -> None:
    seen = call("/v1/prompts/pp-greet/completions", {"variables": {"name": "Ada"}, "temperature": 0, "stream": False})
    assert seen.path == "/v1/chat/completions"
    assert seen.body == {
        "model": "gpt-4o-prompt",
        "messages": [{"role": "user", "content": "Greet Ada"}],
        "temperature": 0,
        "stream": False,
    }
    assert seen.config["api_key"] == SECRET
    record = seen.record
    assert (record.prompt, record.prompt_version_id, record.prompt_in_config_target) == (
        "pp-greet",
        "pp-greet-v1",
        False,
    )
    assert (record.virtual_key, record.request_type, record.requested_model) == (
        "openai-prod", "chat_completion", "gpt-4o-prompt",
    )  # fmt: skip
    assert record.request_body == seen.requests[0][2]
    assert json.loads(record.variables or b"") == {"name": "Ada"}
    assert not seen.leaks()


def test_variables_are_content_and_kept_where_that_is() -> None:
    asked = {"variables": {"name": "Ada"}}
    assert (
        call("/v1/prompts/pp-greet/completions", asked, headers={"x-portkey-debug": "false"}).record.variables is None
    )
    assert call("/v1/chat/completions", {"model": "m", "messages": []}).record.variables is None


@pytest.mark.parametrize(
    ("name", "word"), [("pp-greet@latest", "Hail"), ("pp-greet@1", "Greet"), ("pp-greet@2", "Hail")]
)
def test_a_version_of_a_prompt_by_name(name: str, word: str) -> None:
    seen = call(f"/v1/prompts/{name}/completions", {"variables": {"name": "Ada"}})
    assert seen.body["messages"][0]["content"] == f"{word} Ada"


def test_a_prompt_with_a_config_and_a_prompt_of_text() -> None:
    seen = call("/v1/prompts/pp-by-config/completions", {"variables": {"name": "Ada"}}, "config.targets[0]")
    assert (seen.record.config, seen.record.prompt, seen.record.virtual_key) == (
        "pc-nested",
        "pp-by-config",
        "openai-prod",
    )
    seen = call("/v1/prompts/pp-text/completions", b"{}")
    assert (seen.path, seen.body["prompt"]) == ("/v1/completions", "Say ")


def test_without_a_gateway_a_virtual_key_leads_to_its_provider() -> None:
    async def scenario() -> None:
        got: list[Any] = []

        async def handler(request: web.Request) -> web.StreamResponse:
            got.append((request.path, _lower(request)))
            return web.json_response(ANSWER)

        async with stand(handler, gateway=False, shelf=shelf_of(), trusted_hosts=frozenset({"127.0.0.1"})) as place:
            shelf = place.app.registry.shelf(GRANT.workspace_id)
            shelf.keys["local"] = key("local", custom_host=f"{place.upstream}/base")
            shelf.prompts["pp-local"] = prompt("pp-local", greeting("Hi"), virtual_key="local")
            await place.call(x_portkey_virtual_key="local")
            await place.call("/v1/prompts/pp-local/completions", b'{"variables": {"name": "Ada"}}')
            for path, headers in got:
                assert (path, headers["authorization"]) == ("/base/chat/completions", f"Bearer {SECRET}")
            assert [record.virtual_key for record in place.records] == ["local", "local"]
            assert SECRET not in msgspec.json.encode(place.records).decode()

    run(scenario())


# --- what is refused -------------------------------------------------------------------------------------------

REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"headers": {"x_portkey_virtual_key": "nowhere"}}, 404, "no virtual key nowhere"),
    ({"headers": {"x_portkey_virtual_key": "old"}}, 400, "old is archived"),
    ({"headers": {"x_portkey_virtual_key": "late"}}, 400, "late has expired"),
    ({"headers": {"x_portkey_provider": "@nowhere"}}, 404, "no virtual key nowhere"),
    ({"body": {"model": "@nowhere/m"}}, 404, "no virtual key nowhere"),
    ({"headers": {"x_portkey_config": "pc-nowhere"}}, 404, "no config pc-nowhere"),
    ({"headers": {"x_portkey_config": "pc-old"}}, 400, "pc-old is archived"),
    ({"headers": {"x_portkey_config": "pc-broken"}}, 404, "no virtual key nowhere in this workspace (config)"),
    ({"headers": {"x_portkey_config": {"strategy": {"mode": "single"}, "targets": [{"prompt_id": "pp-old"}]}}}, 400, "pp-old is archived (config.targets[0])"),
    ({"headers": {"x_portkey_config": {"prompt_id": "pp-text", "virtual_key": "claude"}}}, 400, "is for /v1/completions"),
    ({"path": "/v1/prompts/pp-nowhere/completions"}, 404, "no prompt pp-nowhere"),
    ({"path": "/v1/prompts/pp-greet@9/completions"}, 404, "no version '9'"),
    ({"path": "/v1/prompts/pp-greet/completions", "body": b"nonsense"}, 400, "JSON object"),
    ({"path": "/v1/prompts/pp-greet/completions", "body": {"variables": [1]}}, 400, "variables must be an object"),
    ({"headers": {"x_portkey_config": {"targets": [{"prompt_id": "pp-greet"}] * 21}}}, 400, "More than 20 targets run a prompt"),
    # The secret would leave for a host of the caller's choice.
    ({"headers": {"x_portkey_virtual_key": "openai-prod", "x_portkey_custom_host": "https://e.example"}}, 400, "custom-host"),
    ({"headers": {"x_portkey_config": "pc-inline", "x_portkey_custom_host": "https://e.example"}}, 400, "custom-host"),
    ({"headers": {"x_portkey_config": {"virtual_key": "openai-prod", "custom_host": "https://e.example"}}}, 400, "custom_host"),
    ({"headers": {"x_portkey_config": {"virtual_key": "openai-prod", "customHost": "https://e.example"}}}, 400, "customHost"),
    ({"headers": {"x_portkey_config": {"virtual_key": "openai-prod", "provider": "azure-openai", "resource_name": "e"}}}, 400, "not azure-openai"),
    ({"headers": {"x_portkey_config": {"virtual_key": "openai-prod", "output_guardrails": [{"default.log": {"logURL": "https://e.example"}}]}}}, 400, "default.log"),
    ({"headers": {"x_portkey_config": {"virtual_key": "openai-prod", "outputGuardrails": [{"x": {"id": "log"}}]}}}, 400, "default.log"),
    ({"headers": {"x_portkey_virtual_key": "openai-prod", "x_portkey_default_output_guardrails": [{"log": {}}]}}, 400, "default.log"),
    ({"headers": {"x_portkey_config": {"virtual_key": "openai-prod", "forward_headers": ["X-Portkey-Config"]}}}, 400, "forwarded"),
    ({"headers": {"x_portkey_virtual_key": "openai-prod", "x_portkey_forward_headers": "a,x-portkey-config"}}, 400, "forwarded"),
    # What the gateway hands down to targets, spells otherwise, or reads out of the path.
    ({"headers": {"x_portkey_config": {"custom_host": "https://e.example", "targets": [{"virtual_key": "openai-prod"}]}}}, 400, "custom_host above config.targets[0]"),
    ({"headers": {"x_portkey_config": {"customHost": "https://e.example", "targets": [{"targets": [{"provider": "@claude"}]}]}}}, 400, "custom_host above config.targets[0].targets[0]"),
    ({"headers": {"x_portkey_config": {"custom_Host": "https://e.example", "targets": [{"override_params": {"model": "@claude/m"}}]}}}, 400, "custom_host above"),
    ({"headers": {"x_portkey_config": {"forward_Headers": ["x-portkey-config"], "targets": [{"virtual_key": "openai-prod"}]}}}, 400, "forwarded"),
    ({"headers": {"x_portkey_config": {"virtual_key": "openai-prod", "forward_headers": ["x-port\u212aey-config"]}}}, 400, "forwarded"),
    ({"headers": {"x_portkey_config": {"output_Guardrails": [{"log": {}}], "targets": [{"virtual_key": "openai-prod"}]}}}, 400, "default.log"),
    ({"headers": {"x_portkey_config": {"virtual_key": "openai-prod", "output_guardrails": [{"default.log.x": {}}]}}}, 400, "default.log"),
    ({"headers": {"x_portkey_virtual_key": "openai-prod", "x_portkey_default_input_guardrails": '[{"l\\u006fg": {}}]'}}, 400, "default.log"),
    ({"headers": {"x_portkey_virtual_key": "openai-prod", "x_portkey_default_input_guardrails": "[{"}}, 400, "must be JSON"),
    ({"headers": {"x_portkey_virtual_key": "hosted"}, "path": "/v1/proxy.e.example/chat"}, 400, "names a host"),
    ({"headers": {"x_portkey_virtual_key": "hosted"}, "path": "/v1/proxy%2f@e.example/chat"}, 400, "names a host"),
    ({"headers": {"x_portkey_virtual_key": "azure"}, "path": "/v1/proxy/e.example/x.openai.azure.com/chat"}, 400, "names a host"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "status", "said"), REFUSALS, ids=lambda value: str(value)[:60])
def test_refusals_name_what_cannot_be_used(given: dict[str, Any], status: int, said: str) -> None:
    seen = call(**given)
    assert seen.requests == []
    assert seen.client.status == status
    message = json.loads(seen.client.body)["message"]
    assert said in message
    assert (seen.record.status_code, seen.record.is_success, seen.record.error_message) == (status, False, message)
    assert not seen.leaks()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x_portkey_provider": "openai", "authorization": "Bearer sk-own"}, CHAT),
        ({"x_portkey_config": '{ "provider":"openai", "api_key": "k" }'}, b'{"a" : "@x", "model": 5}'),
        ({"x_portkey_config": "not a slug"}, b'{"messages": ["@\\ud800"], "model": "m"}'),
        ({"x_portkey_provider": "openai"}, b'{"model": "@nowhere'),
        ({"x_portkey_provider": "openai", "content_encoding": "gzip"}, b'{"model": "@nowhere/m"}'),
    ],
)
def test_what_names_nothing_of_ours_passes_to_the_byte(headers: dict[str, str], body: bytes) -> None:
    seen = call(body=body, headers=headers)
    assert seen.requests[0][2] == body
    for name, value in headers.items():
        assert seen.headers[name.replace("_", "-")] == value


def test_a_provider_that_names_the_key_it_refuses_does_not_put_it_into_the_list() -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        sent = json.loads(request.headers["x-portkey-config"])["api_key"]
        return web.json_response({"error": {"message": f"No such key: {sent}"}}, status=401)

    async def scenario() -> None:
        async with stand(refuse, shelf=Shelf({"plain": key("plain", secret="a secret of no known make")})) as place:
            await place.call(x_portkey_virtual_key="plain")
            assert place.records[0].error_message == "No such key: a ********ake"

    run(scenario())

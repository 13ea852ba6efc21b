"""C1: through the gateway from npm, no foreign host sees a stored secret, wherever a call names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from portkey_logs.catalog.catalog_cache import Shelf
from tests.e2e import gateway as servers
from tests.logs.capture.harness import Shelves, run, serve, stand
from tests.logs.capture.test_resolve import config, key, prompt, shelf_of

pytestmark = pytest.mark.processes

KEY_SECRET = "sk-stored-key-0123456789abcdef"
CONFIG_SECRET = "sk-stored-config-0123456789abcdef"
HOOK_SECRET = "hook-stored-0123456789abcdef"
SECRETS = (KEY_SECRET, CONFIG_SECRET, HOOK_SECRET)
CALLERS = "sk-of-the-caller-0123456789"
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    "verdict": True,
}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def gateway_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.npm_gateway(tmp_path_factory.mktemp("gateway")).running() as gateway:
        yield gateway.url


def shelf(own: str) -> Shelf:
    """Keys and configs whose host is the provider's."""
    failing = {"provider": "openai", "api_key": CONFIG_SECRET, "custom_host": f"{own}/v1"}
    checked = {
        "output_guardrails": [{"default.webhook": {"webhookURL": f"{own}/h", "headers": {"x-key": HOOK_SECRET}}}]
    }
    return shelf_of(
        key("ours", secret=KEY_SECRET, custom_host=f"{own}/v1"),
        key("gemini", "google", KEY_SECRET, custom_host=f"{own}/v1"),
        config("pc-ours", failing | checked),
        config("pc-fallback", {"strategy": {"mode": "fallback"}, "targets": [failing, {"virtual_key": "ours"}]}),
        prompt("pp-ours", [{"role": "user", "content": "Hi"}], virtual_key="ours"),
    )


def call(gateway_url: str, headers: Json, body: Any = None, path: str = "/v1/chat/completions") -> tuple[int, str, str]:
    """Status of a call, all that the foreign host got, and all that the provider got.

    ``FOREIGN`` in headers and body is the foreign host; it and the provider answer alike.
    """
    got: dict[str, list[str]] = {"foreign": [], "own": []}
    statuses: list[int] = []

    def listener(name: str) -> Any:
        async def answer(request: web.Request) -> web.Response:
            text = (await request.read()).decode()
            got[name].append(f"{request.raw_path} {dict(request.headers)} {text}")
            return web.json_response(COMPLETION, status=500 if "fail" in text else 200)

        return answer

    async def scenario() -> None:
        options = {"gateway_url": gateway_url, "trusted_hosts": frozenset({"127.0.0.1"})}
        async with serve(listener("own")) as own, stand(listener("foreign"), gateway=False, **options) as it:
            it.app.registry = Shelves(shelf(own))

            def text(value: Any) -> str:
                return (value if isinstance(value, str) else json.dumps(value)).replace("FOREIGN", it.upstream)

            asked = text(body or {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
            client = await it.call(path, asked, **{name: text(value) for name, value in headers.items()})
            assert not any(secret in client.body.decode() for secret in SECRETS)
            statuses.append(client.status)

    run(scenario())
    return statuses[0], "\n".join(got["foreign"]), "\n".join(got["own"])


def tree(mode: str, *targets: Json, **more: Any) -> Json:
    return {"strategy": {"mode": mode}, "targets": list(targets), **more}


OURS: Json = {"virtual_key": "ours"}
FOREIGN: Json = {"provider": "openai", "api_key": CALLERS, "custom_host": "FOREIGN/v1"}
FORWARDING = FOREIGN | {"forward_headers": ["authorization", "x-other", "x-api-key"]}
WEBHOOK = {"default.webhook": {"webhookURL": "FOREIGN/hook", "headers": {"a": "b"}}}
PROTO = {"custom_host": "FOREIGN/v1", "customHost": "FOREIGN/v1"}
FAILING = {"model": "m", "messages": [{"role": "user", "content": "fail"}]}

# Calls that the foreign host has a part in; it gets the call, and no secret of ours.
BOTH = {
    "fallback from ours": (tree("fallback", OURS, FOREIGN), FAILING),
    "fallback to ours": (tree("fallback", FOREIGN, OURS), FAILING),
    "fallback, forwarding": (tree("fallback", OURS, FORWARDING), FAILING),
    "weights": (tree("loadbalance", OURS | {"weight": 0}, FORWARDING | {"weight": 1}), None),
    "nested": (tree("fallback", tree("single", OURS), tree("loadbalance", FORWARDING)), FAILING),
    "conditional": (
        {
            "strategy": {
                "mode": "conditional",
                "conditions": [{"query": {"params.model": {"$eq": "x"}}, "then": "ours"}],
                "default": "foreign",
            },
            "targets": [OURS | {"name": "ours"}, FOREIGN | {"name": "foreign"}],
        },
        None,
    ),
    "webhook beside": (OURS | {"input_guardrails": [WEBHOOK]}, None),
    "webhook above": (tree("single", OURS, after_request_hooks=[{"type": "guardrail", "checks": [
        {"id": "default.webhook", "parameters": WEBHOOK["default.webhook"]}]}]), None),
}  # fmt: skip
# Calls that never get there: refused, or the foreign host is not what they lead to.
NEVER = {
    "host above": tree("single", OURS, custom_host="FOREIGN/v1"),
    "host above, camel": tree("fallback", tree("single", OURS), customHost="FOREIGN/v1"),
    "host beside": OURS | {"custom_host": "FOREIGN/v1"},
    "host below": OURS | {"targets": [{"custom_host": "FOREIGN/v1"}]},
    "host below a strategy": tree("single", {"custom_host": "FOREIGN/v1", "provider": "openai"}, virtual_key="ours"),
    "prototype above": tree("single", OURS, ____proto____=PROTO),
    "prototype beside": OURS | {"____proto____": PROTO},
    "forwarded config": tree("fallback", OURS, FOREIGN | {"forward_headers": ["X-Portkey-Config"]}),
    "log of a target": OURS | {"output_guardrails": [{"default.log": {"logURL": "FOREIGN/log"}}]},
    "log by another name": OURS | {"output_guardrails": [{"metadata": {"id": "log", "logURL": "FOREIGN/log"}}]},
    "key in the model": {"custom_host": "FOREIGN/v1", "override_params": {"model": "@ours/m"}},
}


@pytest.mark.parametrize("name", BOTH)
def test_a_foreign_host_in_the_tree_gets_no_stored_secret(gateway_url: str, name: str) -> None:
    config, body = BOTH[name]
    headers = {"x_portkey_config": config, "authorization": f"Bearer {CALLERS}", "x_other": "o"}
    _, foreign, _ = call(gateway_url, headers, body)
    assert foreign, "the call was to reach the foreign host"
    assert not any(secret in foreign for secret in SECRETS)


@pytest.mark.parametrize("name", NEVER)
def test_no_foreign_host_is_called_with_a_stored_secret(gateway_url: str, name: str) -> None:
    status, foreign, _ = call(gateway_url, {"x_portkey_config": NEVER[name]}, FAILING)
    assert status in (200, 400, 500)
    assert foreign == ""


HEADERS = [
    {"x_portkey_custom_host": "FOREIGN/v1"},
    {"x_portkey_forward_headers": "x-portkey-config, authorization"},
    {"x_portkey_default_output_guardrails": [{"default.log": {"logURL": "FOREIGN/log"}}]},
    {"x_portkey_default_input_guardrails": [WEBHOOK]},
    {"x_portkey_provider": "openai", "x_portkey_azure_foundry_url": "FOREIGN", "x_portkey_azure_resource_name": "x"},
    {"x_portkey_provider": "ollama"},
]
NAMING = [
    {"x_portkey_virtual_key": "ours"},
    {"x_portkey_provider": "@ours"},
    {"x_portkey_config": "pc-ours"},
    {"x_portkey_config": "pc-fallback"},
    {"x_portkey_config": tree("single", OURS)},
]


@pytest.mark.parametrize("naming", NAMING, ids=lambda naming: json.dumps(naming)[:40])
@pytest.mark.parametrize("extra", HEADERS, ids=lambda extra: " ".join(extra)[:50])
def test_no_header_brings_a_stored_secret_to_a_foreign_host(gateway_url: str, naming: Json, extra: Json) -> None:
    _, foreign, _ = call(gateway_url, naming | extra)
    assert not any(secret in foreign for secret in SECRETS)


def test_a_prompt_with_a_key_goes_to_no_foreign_host(gateway_url: str) -> None:
    path = "/v1/prompts/pp-ours/completions"
    assert KEY_SECRET in call(gateway_url, {}, {"variables": {}}, path)[2]
    for headers in (
        {"x_portkey_custom_host": "FOREIGN/v1"},
        {"x_portkey_config": {"custom_host": "FOREIGN/v1"}},
        {"x_portkey_config": tree("single", {"prompt_id": "pp-ours"}, custom_host="FOREIGN/v1")},
    ):
        _, foreign, _ = call(gateway_url, headers, {"variables": {}, "custom_host": "FOREIGN/v1"}, path)
        assert not any(secret in foreign for secret in SECRETS)


@pytest.mark.parametrize("model", ["../../files/f?x=", "..\\..\\files#", "%2e%2e/%2e%2e/files", ["../../files"]])
def test_m2_a_model_leads_to_no_other_route(gateway_url: str, model: Any) -> None:
    status, _, own = call(gateway_url, {"x_portkey_virtual_key": "gemini"}, {"model": model, "messages": []})
    assert (status, own) == (403, "")


@pytest.mark.parametrize(
    "spelling", [{"content_encoding": "identity"}, {"content_encoding": ""}, {"content_type": "audio/wav"}], ids=str
)
def test_m2_a_body_that_is_declared_otherwise_is_read_as_well(gateway_url: str, spelling: Json) -> None:
    headers = {"x_portkey_virtual_key": "gemini"} | spelling
    status, _, own = call(gateway_url, headers, {"model": "../../files/f?x=", "messages": []})
    assert status in (403, 415)
    assert own == ""


def test_each_secret_reaches_its_own_host(gateway_url: str) -> None:
    """What the refusals must not break."""
    assert KEY_SECRET in call(gateway_url, {"x_portkey_virtual_key": "ours"})[2]
    own = call(gateway_url, {"x_portkey_config": "pc-ours"})[2]
    assert CONFIG_SECRET in own
    assert HOOK_SECRET in own
    own = call(gateway_url, {"x_portkey_config": "pc-fallback"}, FAILING)[2]
    assert CONFIG_SECRET in own
    assert KEY_SECRET in own

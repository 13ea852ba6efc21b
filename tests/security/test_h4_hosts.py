"""H4: an organisation limits outside hosts, and a caller's own key goes to no host that only a stored config names."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from aiohttp import web
from django.test import Client
from pytest_django.asserts import assertContains

from portkey_logs.accounts.models import Actor, AuditEvent
from portkey_logs.catalog.catalog_cache import Registry, Shelves, _Loader
from portkey_logs.catalog.hosts import HostPolicy
from portkey_logs.catalog.models import Config, Invalid, VirtualKey
from tests.factories import People
from tests.logs.capture.harness import run, stand
from tests.logs.capture.test_resolve import config, key, shelf_of

LOCAL = frozenset({"127.0.0.1"})
OUTSIDE = "https://llm.example.com/v1"
OWN = {"authorization": "Bearer sk-of-the-caller", "x_api_key": "sk-of-the-caller"}


def call(shelf: Any, path: str = "/v1/chat/completions", *, gateway: bool = False, **headers: Any) -> tuple[int, str]:
    """Status of a call, and all that its upstream got; ``HOST`` is the upstream."""
    received: list[str] = []

    async def upstream(request: web.Request) -> web.Response:
        received.append(f"{request.path_qs} {dict(request.headers)}")
        return web.json_response({})

    statuses: list[int] = []

    async def scenario() -> None:
        async with stand(upstream, gateway=gateway, shelf=shelf, trusted_hosts=LOCAL) as it:
            host = f"{it.upstream}/v1"
            for item in shelf.configs.values():
                msgspec.structs.force_setattr(item, "body", item.body.replace("HOST", host))
            texts = {
                name: (value if isinstance(value, str) else json.dumps(value)).replace("HOST", host)
                for name, value in headers.items()
            }
            statuses.append((await it.call(path, b"{}", **texts)).status)

    run(scenario())
    return statuses[0], "\n".join(received)


@pytest.mark.parametrize(
    ("mode", "host", "allowed"),
    [
        ("any", "llm.example.com", True),
        ("providers", "llm.example.com", False),
        ("providers", "api.openai.com", True),
        ("providers", "API.OPENAI.COM.", True),
        ("providers", "api.openai.com.evil.example", False),
        ("listed", "llm.example.com", True),
        ("listed", "LLM.example.com.", True),
        ("listed", "other.example.com", False),
        ("listed", "a.b.example.org", True),
        ("listed", "example.org", False),
        ("listed", "badexample.org", False),
        ("listed", "api.anthropic.com", True),
    ],
)
def test_the_policy(mode: str, host: str, allowed: bool) -> None:
    assert HostPolicy(mode, frozenset({"llm.example.com", "*.example.org"})).allows(host) is allowed


@pytest.mark.parametrize("gateway", [False, True])
@pytest.mark.parametrize(
    "headers",
    [
        {"x_portkey_custom_host": OUTSIDE, "x_portkey_provider": "openai"},
        {"x_portkey_config": {"provider": "openai", "custom_host": OUTSIDE}},
        {"x_portkey_config": {"provider": "openai", "customHost": OUTSIDE}},
        {"x_portkey_config": "pc-outside"},
        {"x_portkey_virtual_key": "hosted"},
    ],
    ids=str,
)
def test_hosts_that_are_not_allowed_are_refused(headers: dict[str, Any], gateway: bool) -> None:
    items = (config("pc-outside", {"provider": "openai", "custom_host": OUTSIDE}), key("hosted", custom_host=OUTSIDE))
    shelf = msgspec.structs.replace(shelf_of(*items), host_policy=HostPolicy("providers"))
    assert call(shelf, gateway=gateway, **headers) == (403, "")


def test_guardrail_webhooks_are_outside_hosts_too() -> None:
    shelf = msgspec.structs.replace(shelf_of(), host_policy=HostPolicy("providers"))
    hook = {"default.webhook": {"webhookURL": "https://hooks.example.com/x"}}
    tree = {"provider": "openai", "api_key": "sk-own", "input_guardrails": [hook]}
    assert call(shelf, gateway=True, x_portkey_config=tree) == (403, "")
    image = {"provider": "openai", "override_params": {"image": "https://pictures.example.com/a.png"}}
    assert call(shelf, gateway=True, x_portkey_config=image)[0] != 403, "content is no address to connect to"


@pytest.mark.parametrize("gateway", [False, True])
def test_a_host_of_a_stored_config_gets_no_key_of_the_caller(gateway: bool) -> None:
    shelf = shelf_of(config("pc-host", {"custom_host": "HOST"}))
    path = "/v1/chat/completions?key=sk-of-the-caller&a=b"
    status, received = call(
        shelf, path, gateway=gateway, x_portkey_config="pc-host", x_portkey_provider="openai", **OWN
    )
    assert status == 200
    assert "sk-of-the-caller" not in received
    assert "a=b" in received


@pytest.mark.parametrize("gateway", [False, True])
@pytest.mark.parametrize("spelling", ["https:", "https:/", "HTTPS:///", "https:\\", " https:\\\\", "ht\ttps://"])
def test_no_spelling_of_a_host_passes_the_list(spelling: str, gateway: bool) -> None:
    shelf = msgspec.structs.replace(shelf_of(), host_policy=HostPolicy("listed", frozenset({"llm.example.com"})))
    tree = {"provider": "openai", "api_key": "sk-own", "customHost": f"{spelling}foreign.example/v1"}
    hook = {"default.webhook": {"webhookURL": f"{spelling}foreign.example/v1"}}
    status, received = call(shelf, gateway=gateway, x_portkey_config=tree)
    assert (status in (400, 403), received) == (True, "")
    if gateway:
        assert status == 403
        tree = {"provider": "openai", "api_key": "sk-own", "input_guardrails": [{"metadata": hook}]}
        assert call(shelf, gateway=gateway, x_portkey_config=tree) == (403, "")


@pytest.mark.parametrize("name", ["custom_host", "customHost", "azure_foundry_url", "huggingfaceBaseUrl"])
@pytest.mark.parametrize("host", ["HOST", "http:foreign.example", "https:\\\\foreign.example", "//foreign.example"])
def test_no_spelling_of_a_stored_host_gets_a_key_of_the_caller(name: str, host: str) -> None:
    shelf = shelf_of(config("pc-host", {name: host, "forward_headers": ["authorization"], "retry": {"attempts": 1}}))
    _, received = call(shelf, gateway=True, x_portkey_config="pc-host", x_portkey_provider="openai", **OWN)
    assert "sk-of-the-caller" not in received


def test_a_host_that_the_caller_named_gets_the_callers_key() -> None:
    status, received = call(shelf_of(), x_portkey_custom_host="HOST", x_portkey_provider="openai", **OWN)
    assert status == 200
    assert "Bearer sk-of-the-caller" in received
    status, received = call(shelf_of(), x_portkey_config={"provider": "openai", "custom_host": "HOST"}, **OWN)
    assert (status, "Bearer sk-of-the-caller" in received) == (200, True)


def test_a_stored_guardrail_that_sends_headers_on_is_refused_beside_a_callers_key() -> None:
    hook = {"default.log": {"logURL": "https://hooks.example.com/x"}}
    shelf = shelf_of(config("pc-log", {"retry": {"attempts": 1}, "output_guardrails": [hook]}))
    given = {"x_portkey_config": "pc-log", "x_portkey_provider": "openai"}
    assert call(shelf, gateway=True, **given, **OWN) == (400, "")


# --- saving and settings -------------------------------------------------------------------------------------------


def test_what_is_saved_names_allowed_hosts_only(people: People) -> None:
    by = Actor(people.alice)
    people.workspace.organisation.host_policy = "listed"
    people.workspace.organisation.allowed_hosts = ["llm.example.com"]
    people.workspace.organisation.save(update_fields=["host_policy", "allowed_hosts"])
    Config.create(people.workspace, "c", {"provider": "openai", "api_key": "sk-1", "custom_host": OUTSIDE}, by=by)
    other = {"provider": "openai", "api_key": "sk-1", "custom_host": "https://other.example.com"}
    with pytest.raises(Invalid, match=r"other\.example\.com"):
        Config.create(people.workspace, "d", other, by=by)
    with pytest.raises(Invalid, match=r"other\.example\.com"):
        VirtualKey.create(people.workspace, "k", "openai", "sk-1", by=by, custom_host="https://other.example.com")


def test_capture_reads_the_policy_with_the_catalog(people: People, tmp_path: Any) -> None:
    held = Registry("the catalog", _Loader(), lambda: tmp_path / "catalog.json", Shelves, {})
    held.refresh()
    assert held.shelf(people.workspace.pk).host_policy == HostPolicy()
    people.workspace.organisation.host_policy = "providers"
    people.workspace.organisation.save(update_fields=["host_policy"])
    held.refresh()
    assert held.shelf(people.workspace.pk).host_policy.mode == "providers"
    assert held.shelf(people.elsewhere.pk).host_policy == HostPolicy()


def test_owners_and_admins_set_the_list(people: People, client: Client) -> None:
    client.force_login(people.alice)
    url = "/w/acme/settings/hosts/"
    form = {"host_policy": "listed", "allowed_hosts": "LLM.example.com\n*.example.org\nllm.example.com"}
    assert client.post(url, form).status_code == 302
    people.workspace.organisation.refresh_from_db()
    assert people.workspace.organisation.allowed_hosts == ["llm.example.com", "*.example.org"]
    assert AuditEvent.objects.filter(action="organisation.outside_hosts").count() == 1
    assertContains(client.get("/w/acme/settings/"), "*.example.org")
    wrong = client.post(url, {"host_policy": "listed", "allowed_hosts": "https://x.example"})
    assertContains(wrong, "no host name", status_code=422)

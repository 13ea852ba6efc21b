"""C1, M1: a stored secret reaches no host but its own, whatever configs, headers and bodies say."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from portkey_logs.accounts.models import Actor, AuditEvent
from portkey_logs.catalog.inline import MaskSent, resolve_masks, take_out
from portkey_logs.catalog.models import Config, Invalid, VirtualKey
from portkey_logs.catalog.sealed import ForeignDestination, SealedSecret, destinations, open_config, origin_of
from tests.factories import People
from tests.logs.capture.harness import Shelves, run, stand
from tests.logs.capture.test_resolve import config, key, shelf_of

SECRET = "sk-stored-secret-0123456789abcdef"
LOCAL = frozenset({"127.0.0.1"})
FOREIGN = "https://foreign.example/v1"

Json = dict[str, Any]


def shelf() -> Any:
    return shelf_of(
        key("ours", secret=SECRET),
        key("hosted", secret=SECRET, custom_host="https://llm.example.com/v1"),
        key("claude", "anthropic", SECRET),
        config("pc-secret", {"provider": "openai", "api_key": SECRET}),
        config("pc-no-provider", {"api_key": SECRET, "retry": {"attempts": 1}}),
    )


def sent_to_listener(headers: dict[str, Any], body: Any = None, *, gateway: bool = False) -> tuple[int, str]:
    """Make one call that names the listener as ``HOST``; return the status and all that the listener got."""
    received: list[str] = []

    async def listener(request: web.Request) -> web.Response:
        received.append(f"{request.raw_path} {dict(request.headers)} {(await request.read()).decode()}")
        return web.json_response({"choices": []})

    async def scenario() -> int:
        async with stand(listener, gateway=gateway, shelf=shelf(), trusted_hosts=LOCAL) as it:
            texts = {
                name: (value if isinstance(value, str) else json.dumps(value)).replace("HOST", f"{it.upstream}/v1")
                for name, value in headers.items()
            }
            content = json.dumps(body or {"model": "gpt-4o", "messages": []}).encode()
            return (await it.call("/v1/chat/completions", content, **texts)).status

    statuses: list[int] = []

    async def keep() -> None:
        statuses.append(await scenario())

    run(keep())
    return statuses[0], "\n".join(received)


HOST_BELOW = [
    {"virtual_key": "ours", "targets": [{"custom_host": "HOST"}]},
    {"provider": "@ours", "targets": [{"customHost": "HOST"}]},
    {"virtual_key": "ours", "strategy": {"mode": "single"}, "targets": [{"custom_host": "HOST", "provider": "openai"}]},
    {"virtual_key": "ours", "targets": [{"targets": [{"custom_host": "HOST"}]}]},
    {"targets": [{"override_params": {"model": "@ours/gpt-4o"}, "custom_host": "HOST"}]},
    {"targets": [{"virtual_key": "ours"}], "custom_host": "HOST"},
    {"targets": [{"virtual_key": "ours", "custom_host": "HOST"}]},
]


@pytest.mark.parametrize("gateway", [False, True])
@pytest.mark.parametrize("tree", HOST_BELOW, ids=lambda tree: json.dumps(tree)[:70])
def test_a_host_below_or_above_a_key_is_refused(tree: Json, gateway: bool) -> None:
    status, received = sent_to_listener({"x_portkey_config": tree}, gateway=gateway)
    assert status == 400
    assert received == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"x_portkey_virtual_key": "ours", "x_portkey_custom_host": "HOST"},
        {"x_portkey_config": "pc-secret", "x_portkey_custom_host": "HOST"},
        {"x_portkey_config": "pc-no-provider", "x_portkey_custom_host": "HOST", "x_portkey_provider": "openai"},
        {"x_portkey_config": "pc-no-provider", "x_portkey_provider": "ollama"},
    ],
)
def test_a_host_or_provider_in_a_header_is_refused(headers: dict[str, str]) -> None:
    status, received = sent_to_listener(headers)
    assert status == 400
    assert SECRET not in received


@pytest.mark.parametrize("spelling", ["anthropic", " Anthropic ", "ANTHROPIC"])
@pytest.mark.parametrize(
    "headers",
    [
        {"x_portkey_virtual_key": "ours"},
        {"x_portkey_config": '{"virtual_key": "ours"}'},
        {"x_portkey_config": '{"targets": [{"virtual_key": "ours"}]}'},
        {"x_portkey_config": "pc-secret"},
    ],
    ids=str,
)
def test_m1_a_provider_beside_a_key_must_be_the_keys(headers: dict[str, str], spelling: str) -> None:
    status, _ = sent_to_listener({**headers, "x_portkey_provider": spelling})
    assert status == 400


@pytest.mark.parametrize("path", ["/v1/files?x=", "/v1/files#", "/v2"])
def test_m2_a_host_below_a_key_is_refused_where_only_its_path_differs(path: str) -> None:
    received: list[str] = []

    async def listener(request: web.Request) -> web.Response:
        received.append(request.raw_path)
        return web.json_response({})

    async def scenario() -> None:
        async with stand(listener, gateway=False, trusted_hosts=LOCAL) as it:
            it.app.registry = Shelves(shelf_of(key("own", secret=SECRET, custom_host=f"{it.upstream}/v1")))
            for tree in (
                {"virtual_key": "own", "targets": [{"custom_host": it.upstream + path}]},
                {"targets": [{"provider": "@own", "targets": [{"customHost": it.upstream + path}]}]},
            ):
                assert (await it.call(x_portkey_config=json.dumps(tree))).status == 400

    run(scenario())
    assert received == []


@pytest.mark.parametrize(
    "tree",
    [
        {"provider": "openai", "api_key": "k", "custom_host": "https://user:word@llm.example.com/v1"},
        {"provider": "openai", "api_key": "k\r\nx-other: y", "custom_host": "HOST"},
        {"provider": ["openai"], "custom_host": "HOST"},
        {"targets": [{"virtual_key": ["ours"], "provider": 7}]},
    ],
    ids=str,
)
def test_what_no_call_can_be_made_of_is_refused_in_words(tree: Json) -> None:
    assert sent_to_listener({"x_portkey_config": tree, "authorization": "Bearer sk-own"}) == (400, "")


def test_the_key_of_a_host_still_reaches_it() -> None:
    """What the refusals must not break: a key whose own host is the listener."""
    received: list[str] = []

    async def listener(request: web.Request) -> web.Response:
        received.append(request.headers["authorization"])
        return web.json_response({"choices": []})

    async def scenario() -> None:
        async with stand(listener, gateway=False, shelf=shelf(), trusted_hosts=LOCAL) as it:
            own = key("own", secret=SECRET, custom_host=f"{it.upstream}/v1")
            it.app.registry._value = {1: shelf_of(own)}  # type: ignore[attr-defined]
            it.app.registry.shelf = lambda workspace_id: shelf_of(own)  # type: ignore[method-assign]
            assert (await it.call("/v1/chat/completions", x_portkey_virtual_key="own")).status == 200
            again = await it.call(
                "/v1/chat/completions",
                x_portkey_config='{"virtual_key": "own", "targets": [{"request_timeout": 5000}]}',
            )
            assert again.status == 200

    run(scenario())
    assert received == [f"Bearer {SECRET}"] * 2


# --- any tree ------------------------------------------------------------------------------------------------------

PROVIDERS = st.sampled_from(["openai", "anthropic", "groq", "bedrock", "OpenAI", " openai ", "nowhere", "", 7, None])
NAMES_OF_A_HOST = st.sampled_from(["custom_host", "customHost", "custom_Host"])


def sealed(provider: str = "openai", host: str = "") -> SealedSecret:
    return SealedSecret(SECRET, destinations({"provider": provider, "custom_host": host}), "the virtual key ours")


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Json:
    """Configs with sealed secrets and foreign hosts anywhere."""
    node: Json = {}
    if draw(st.booleans()):
        node["provider"] = draw(PROVIDERS)
    if draw(st.integers(0, 3)) == 0:
        node[draw(NAMES_OF_A_HOST)] = draw(
            st.sampled_from([FOREIGN, "http://foreign.example", "//foreign.example", ""])
        )
    if draw(st.booleans()):
        node[draw(st.sampled_from(["api_key", "apiKey", "aws_secret_access_key"]))] = sealed()
    if draw(st.integers(0, 4)) == 0:
        node["override_params"] = {"tools": [{"headers": {"authorization": sealed()}}]}
    if depth and draw(st.booleans()):
        node["targets"] = draw(st.lists(trees(depth=depth - 1), max_size=3))
    return node


def leads_to(node: Json, host: Any = None) -> set[str]:
    """Every origin by which a config could leave, as the gateway hands hosts down."""
    own = next((value for name, value in node.items() if name.replace("_", "").lower() == "customhost" and value), None)
    found = {str(own or host)} if own or host else set()
    for target in node.get("targets", []):
        found |= leads_to(target, own or host)
    return found


def nodes_with_secret(node: Json, host: Any = None) -> list[tuple[Json, Any]]:
    own = next((value for name, value in node.items() if name.replace("_", "").lower() == "customhost" and value), host)
    mine = [(node, own)] if SECRET in json.dumps({k: v for k, v in node.items() if k != "targets"}) else []
    return mine + [each for target in node.get("targets", []) for each in nodes_with_secret(target, own)]


@settings(max_examples=400)
@given(trees(), st.sampled_from([None, FOREIGN]), PROVIDERS)
def test_no_tree_opens_a_secret_for_a_foreign_host(tree: Json, host: Any, provider: Any) -> None:
    try:
        opened = open_config(tree, host, provider)
    except ForeignDestination:
        return
    for node, reached in nodes_with_secret(opened, host):
        assert not reached, f"the secret would go to {reached}"
        assert not any("foreign" in each for each in leads_to(node))


@settings(max_examples=60, deadline=None)
@given(trees(depth=2), st.booleans(), st.sampled_from(["openai", "anthropic", "", "ollama"]))
def test_a_call_without_a_gateway_never_shows_the_secret_to_a_listener(
    tree: Json, in_header: bool, provider: str
) -> None:
    named = json.loads(json.dumps(tree, default=lambda _: "MARK").replace(FOREIGN, "HOST"))

    def with_key(node: Json) -> None:
        for name in ("api_key", "apiKey", "aws_secret_access_key"):
            if node.pop(name, None):
                node["virtual_key"] = "ours"
        node.pop("override_params", None)
        for target in node.get("targets", []):
            with_key(target)

    with_key(named)
    headers: dict[str, Any] = {"x_portkey_config": named}
    if in_header:
        headers["x_portkey_custom_host"] = "HOST"
    if provider:
        headers["x_portkey_provider"] = provider
    assert SECRET not in sent_to_listener(headers)[1]


# --- edits ---------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(trees(), trees(depth=1), st.booleans())
def test_no_edit_moves_a_mask_to_a_foreign_host(before: Json, added: Json, below: bool) -> None:
    def plain(node: Any, secret: str) -> Any:
        return json.loads(json.dumps(node, default=lambda _: secret))

    stored = {"provider": "openai", "api_key": SECRET, "retry": {"attempts": 1}}
    masked, secrets = take_out(copy.deepcopy(stored))
    edited = copy.deepcopy(masked)
    foreign = plain(added, "sk-of-the-editor-0123456789")
    if below:
        edited["targets"] = [foreign]
    else:
        edited = {"targets": [masked, foreign]} if before else {**foreign, "targets": [masked]}
    try:
        result = resolve_masks(edited, masked, secrets)
    except MaskSent:
        return
    assert "foreign" not in json.dumps(result)


def test_an_edit_that_adds_a_host_anywhere_asks_for_the_secret(people: People) -> None:
    by = Actor(people.alice)
    stored = Config.create(people.workspace, "c", {"provider": "openai", "api_key": SECRET}, by=by)
    masked = stored.current.body
    for edited in (
        {**masked, "targets": [{"custom_host": FOREIGN, "request_timeout": 1000}]},
        {**masked, "custom_host": FOREIGN},
        {"custom_host": FOREIGN, "targets": [masked]},
        {"targets": [masked, {"provider": "openai", "custom_host": FOREIGN, "api_key": "sk-x"}]},
    ):
        with pytest.raises(Invalid, match="give the secret itself"):
            stored.save_version(edited, by=by)
    assert stored.save_version({**masked, "retry": {"attempts": 3}}, by=by).reveal()["api_key"] == SECRET


def test_an_edit_that_changes_where_targets_lead_asks_for_the_secret(people: People) -> None:
    """A secret above its targets goes where they lead."""
    by = Actor(people.alice)

    def leading_to(provider: str, secret: str) -> Json:
        target = {"provider": provider, "request_timeout": 1000}
        return {"api_key": secret, "strategy": {"mode": "single"}, "targets": [target]}

    stored = Config.create(people.workspace, "c", leading_to("openai", SECRET), by=by)
    mask = stored.current.body["api_key"]
    for provider in ("ollama", "groq"):
        with pytest.raises(Invalid, match="give the secret itself"):
            stored.save_version(leading_to(provider, mask), by=by)
    with pytest.raises(Invalid):
        stored.save_version({"targets": [mask]}, by=by)
    kept = stored.save_version({**leading_to("openai", mask), "retry": {"attempts": 2}}, by=by)
    assert kept.reveal()["api_key"] == SECRET


def test_another_host_of_a_virtual_key_asks_for_the_secret(people: People) -> None:
    by = Actor(people.alice)
    stored = VirtualKey.create(people.workspace, "k", "openai", SECRET, by=by)
    with pytest.raises(Invalid, match="give the provider's key again"):
        stored.change(by=by, custom_host=FOREIGN)
    stored.refresh_from_db()
    assert stored.custom_host == ""
    stored.change(by=by, custom_host=FOREIGN, secret="sk-another-0123456789")
    assert stored.open_secret() == "sk-another-0123456789"
    actions = AuditEvent.objects.filter(subject=stored.slug).values_list("action", flat=True)
    assert sorted(actions) == ["virtual_key.change", "virtual_key.create", "virtual_key.rotate_secret"]
    stored.change(by=by, custom_host="", note="back to the provider")
    azure = VirtualKey.create(people.workspace, "a", "azure-openai", SECRET, by=by, options={"resource_name": "ours"})
    with pytest.raises(Invalid, match="give the provider's key again"):
        azure.change(by=by, options={"resource_name": "theirs"})


# --- the value itself ----------------------------------------------------------------------------------------------


def test_a_sealed_secret_is_never_shown_by_accident() -> None:
    secret = sealed()
    assert SECRET not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        json.dumps({"api_key": secret})
    assert secret.open(origin_of("https://api.openai.com/v1/x")) == SECRET
    with pytest.raises(ForeignDestination) as refusal:
        secret.open(origin_of(FOREIGN))
    assert SECRET not in str(refusal.value)
    for url in ("http://api.openai.com", "https://api.openai.com:8443", "https://api.openai.com@foreign.example/"):
        with pytest.raises(ForeignDestination):
            secret.open(origin_of(url))

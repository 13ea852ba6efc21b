"""M2: stored secrets serve model routes only, unless the virtual key says otherwise; never TRACE or CONNECT."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from multidict import CIMultiDict

from logs.capture.replies import Refused
from logs.capture.request import Request
from logs.capture.resolve import resolve
from portkey_logs.catalog.catalog_cache import Key
from tests.logs.capture.harness import GRANT, Shelves, run, stand
from tests.logs.capture.test_resolve import config, key, shelf_of

LOCAL = frozenset({"127.0.0.1"})
OTHER_ROUTES = [
    ("GET", "/v1/files"),
    ("DELETE", "/v1/files/file-1"),
    ("POST", "/v1/files"),
    ("POST", "/v1/fine_tuning/jobs"),
    ("POST", "/v1/batches"),
    ("GET", "/v1/responses/resp_1"),
    ("DELETE", "/v1/models/ft:gpt-4o"),
    ("POST", "/v1/realtime/sessions"),
    ("POST", "/v1/organization/admin_api_keys"),
    ("GET", "/v1/chat/completions"),
    ("PUT", "/v1/chat/completions"),
    ("POST", "/v1/chat/completions/../files"),
    ("POST", "/v1//files"),
    ("POST", "/v1/messages/batches"),
]
MODEL_ROUTES = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/images/generations"),
    ("POST", "/v1/images/edits"),
    ("POST", "/v1/audio/speech"),
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/moderations"),
    ("POST", "/v1/rerank"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/gpt-4o"),
]


def status_of(method: str, path: str, own: Key | None, body: bytes = b"{}", **headers: str) -> tuple[int, bool, str]:
    """Status of one call, whether the provider was reached, and the answer."""
    reached: list[str] = []

    async def provider(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.json_response({})

    answers: list[tuple[int, str]] = []

    async def scenario() -> None:
        items = [config("pc-secret", {"provider": "openai", "api_key": "sk-config-0123456789abcdef"})]
        async with stand(provider, shelf=shelf_of(*items, *([own] if own else [])), trusted_hosts=LOCAL) as it:
            client = await it.call(path, body, method=method, **headers)
            answers.append((client.status, client.body.decode()))

    run(scenario())
    return answers[0][0], bool(reached), answers[0][1]


@pytest.mark.parametrize(("method", "path"), OTHER_ROUTES)
@pytest.mark.parametrize("headers", [{"x_portkey_virtual_key": "ours"}, {"x_portkey_config": "pc-secret"}], ids=str)
def test_a_stored_secret_opens_no_other_route(method: str, path: str, headers: dict[str, str]) -> None:
    status, reached, answer = status_of(method, path, key("ours"), **headers)
    assert status in (403, 404)
    assert not reached
    assert json.loads(answer)["message"]


@pytest.mark.parametrize(("method", "path"), MODEL_ROUTES)
def test_model_routes_are_served(method: str, path: str) -> None:
    assert status_of(method, path, key("ours"), x_portkey_virtual_key="ours")[:2] == (200, True)


def test_a_key_that_serves_everything_and_callers_own_keys_reach_every_route() -> None:
    everything = key("ours", serves="everything")
    assert status_of("DELETE", "/v1/files/file-1", everything, x_portkey_virtual_key="ours")[:2] == (200, True)
    own = {"x_portkey_provider": "openai", "authorization": "Bearer sk-own"}
    assert status_of("DELETE", "/v1/files/file-1", None, **own)[:2] == (200, True)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "trace"])
def test_trace_and_connect_are_never_passed_on(method: str) -> None:
    everything = key("ours", serves="everything")
    for headers in ({"x_portkey_virtual_key": "ours"}, {"x_portkey_provider": "openai"}):
        status, reached, _ = status_of(method, "/v1/chat/completions", everything, **headers)
        assert (status, reached) == (405, False)


LEADING_OUT = [
    "../files/file-1?x=",
    "../../v1/files",
    "..",
    "a/../../files",
    "a/./b",
    "..\\files",
    "%2e%2e/files",
    "%2e%2e%2ffiles",
    "%252e%252e%252ffiles",
    "%25252525252e./files",
    "gpt-4o#",
    "gpt-4o%3Fx",
    "\t../files",
    "../\nfiles",
    ["../files"],
    {"a": 1},
]


@pytest.mark.parametrize("model", LEADING_OUT, ids=repr)
def test_a_model_leads_to_no_other_route(model: Any) -> None:
    """Gateways put the model into the path for many providers."""
    for name in ("model", "version"):
        body = json.dumps({name: model, "messages": []}).encode()
        for sent in (body, b"\xef\xbb\xbf" + body, body[:-1] + b', "a": "\\ud800\xff"}'):
            assert status_of("POST", "/v1/chat/completions", key("ours"), body=sent, x_portkey_virtual_key="ours")[
                :2
            ] == (403, False)
    for tree in (
        {"virtual_key": "ours", "override_params": {"model": model}},
        {"strategy": {"mode": "single"}, "targets": [{"virtual_key": "ours", "defaultParams": {"model": model}}]},
    ):
        assert status_of("POST", "/v1/chat/completions", key("ours"), x_portkey_config=json.dumps(tree))[:2] == (
            403,
            False,
        )


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o-2024-08-06",
        "ft:gpt-4o:acme::id",
        "accounts/fireworks/models/llama-v3p1",
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.x-1.5-v1:0",
        "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123%3Ainference-profile%2Feu.x",
        "meta-llama/Llama-3.1-8B...Instruct",
    ],
)
def test_names_of_models_are_served(model: str) -> None:
    body = json.dumps({"model": model}).encode()
    assert status_of("POST", "/v1/chat/completions", key("ours"), body=body, x_portkey_virtual_key="ours")[:2] == (
        200,
        True,
    )


@pytest.mark.parametrize("name", ["x_http_method_override", "X-HTTP-Method", "x-method-override"])
def test_no_header_makes_another_method_of_it(name: str) -> None:
    headers = {"x_portkey_virtual_key": "ours", name: "DELETE"}
    assert status_of("GET", "/v1/models/gpt-4o", key("ours"), **headers)[:2] == (403, False)


@pytest.mark.parametrize("content_type", ["audio/wav", "text/plain", "application/octet-stream", ""])
def test_a_body_whose_model_cannot_be_read_is_refused(content_type: str) -> None:
    """Gateways read JSON whatever its type says."""
    fields = CIMultiDict({"x-portkey-virtual-key": "ours", "content-type": content_type})
    request = Request("POST", "/v1/chat/completions", fields)
    with pytest.raises(Refused) as refusal:
        resolve(request, GRANT, b'{"model": "../files"}', Shelves(shelf_of(key("ours"))))
    assert refusal.value.status == 415

"""Without a gateway: to the provider that the call names, never into the private network."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from aiohttp import web
from aiohttp.resolver import DefaultResolver

from portkey_logs.lib.outbound import is_public
from tests.logs.capture.harness import KEY, run, stand
from tests.logs.capture.test_pass_through import ANSWER, chat

LOCAL = frozenset({"127.0.0.1"})


def test_a_call_goes_to_the_provider_it_names() -> None:
    seen: dict[str, Any] = {}

    async def provider(request: web.Request) -> web.Response:
        seen.update(path=request.path_qs, headers={name.lower(): value for name, value in request.headers.items()})
        return await chat(request)

    async def scenario() -> None:
        async with stand(provider, gateway=False, trusted_hosts=LOCAL) as it:
            client = await it.call(
                "/v1/chat/completions?a=b",
                x_portkey_provider="openai",
                x_portkey_custom_host=f"{it.upstream}/v1",
                authorization="Bearer sk-mine",
                x_portkey_metadata='{"a":"b"}',
            )
            assert (client.status, client.body) == (200, ANSWER)
            assert seen["path"] == "/v1/chat/completions?a=b"
            assert seen["headers"]["authorization"] == "Bearer sk-mine"
            assert not [name for name in seen["headers"] if name.startswith("x-portkey")]
            (record,) = it.records
            assert (record.provider, record.metadata) == ("openai", {"a": "b"})
            assert record.gateway.option_path is None
            assert record.url == f"{it.upstream}/v1/chat/completions?a=b"

    run(scenario())


def test_anthropics_messages_get_the_headers_they_need() -> None:
    seen: dict[str, str] = {}

    async def provider(request: web.Request) -> web.Response:
        seen.update({name.lower(): value for name, value in request.headers.items()})
        return web.json_response({"type": "message"})

    async def scenario() -> None:
        async with stand(provider, gateway=False, trusted_hosts=LOCAL) as it:
            config = {"provider": "anthropic", "api_key": "sk-ant-1", "custom_host": f"{it.upstream}/v1"}
            await it.call("/v1/messages", x_portkey_config=json.dumps(config))
            assert (seen["x-api-key"], seen["anthropic-version"]) == ("sk-ant-1", "2023-06-01")
            assert "authorization" not in seen

    run(scenario())


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"x_portkey_config": '{"strategy":{"mode":"fallback"},"targets":[{},{}]}'}, "a strategy"),
        ({"x_portkey_config": '{"provider":"openai","retry":{"attempts":3}}'}, "retries"),
        ({"x_portkey_config": '{"provider":"openai","cache":{"mode":"simple"}}'}, "a cache"),
        ({"x_portkey_provider": "bedrock"}, "not known"),
    ],
)
def test_what_takes_a_gateway_is_refused_and_the_setting_named(headers: dict[str, str], words: str) -> None:
    async def scenario() -> None:
        async with stand(chat, gateway=False) as it:
            client = await it.call(**headers)
            message = json.loads(client.body)["message"]
            assert client.status == it.records[0].status_code == 400
            assert words in message
            assert "PORTKEY_GATEWAY_URL" in message
            assert it.records[0].request_body

    run(scenario())


def test_a_callers_timeout_is_a_408() -> None:
    async def provider(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario() -> None:
        async with stand(provider, gateway=False, trusted_hosts=LOCAL) as it:
            client = await it.call(
                x_portkey_provider="openai", x_portkey_custom_host=it.upstream, x_portkey_request_timeout="40"
            )
            assert client.status == 408
            assert json.loads(client.body)["error"]["message"].endswith("request: 40ms")

    run(scenario())


@pytest.mark.parametrize("gateway", [True, False])
@pytest.mark.parametrize(
    "host",
    [
        "http://127.0.0.1:8080/v1",
        "http://169.254.169.254/latest",
        "http://[::1]/v1",
        "http://[::ffff:169.254.169.254]/",
        "http://10.1.2.3/",
        "http://2852039166/",  # 169.254.169.254 as one number
        "http://localhost/v1",
        "http:127.0.0.1:8080/v1",  # the gateway reads all of these as 127.0.0.1
        "http:\\127.0.0.1",
        "ht\ttp://127.0.0.1/",
        "http://127%2e0.0.1/",
        "http://127.0.0.1./",
        "http://127.1./",
        "file:///etc/passwd",
    ],
)
def test_hosts_inside_are_refused(host: str, gateway: bool) -> None:
    async def scenario() -> None:
        async with stand(chat, gateway=gateway) as it:
            client = await it.call(x_portkey_provider="openai", x_portkey_custom_host=host)
            if gateway and host.startswith("file"):
                return  # the gateway's own business
            failure = json.loads(client.body)
            refusal = (client.status, failure["error"]["code"])
            assert refusal in ((400, "untrusted_host"), (400, "invalid_host"), (502, "unreachable_host"))

    run(scenario())


@pytest.mark.parametrize("path", ["/v1%2f@{inside}/chat", "/v1%2f..@{inside}/chat", "/%76%31/@{inside}/chat"])
def test_a_path_never_becomes_part_of_the_host(path: str) -> None:
    """What the caller's path is put behind was found to be public; only a path may follow it."""

    async def scenario() -> None:
        async with stand(chat, gateway=False) as it:
            raw = path.format(inside=it.upstream.removeprefix("http://"))
            client = await it.call(raw, x_portkey_provider="openai", x_portkey_custom_host="http://example.com")
            assert client.status == 404
            assert json.loads(client.body)["error"]["code"] == "not_found"

    run(scenario())


def test_hosts_inside_a_config_are_refused_however_they_are_written() -> None:
    async def scenario() -> None:
        async with stand(chat) as it:
            for config in (
                '{"targets":[{"provider":"openai","custom_host":"http://169.254.169.254"}]}',
                '{"targets":[{"provider":"openai","custom\\u005fhost":"http:\\/\\/169.254.169.254"}]}',
                '{"targets":[{"provider":"openai","custom_host":"http:169.254.169.254"}]}',
                '{"targets":[{"provider":"openai","custom_host":"\\u0001ht\\ntp:/169.254.169.254."}]}',
                '{"output_guardrails":[{"default.webhook":{"webhookURL":"http://169.254.169.254/x"}}]}',
            ):
                client = await it.call(x_portkey_config=config)
                assert json.loads(client.body)["error"]["code"] == "untrusted_host"

    run(scenario())


def test_what_becomes_part_of_a_host_is_looked_at_too() -> None:
    """Guardrails in a header of their own, domains without a scheme, and names that the gateway puts before a domain."""
    inside = "127.0.0.1:8080/#"

    async def scenario() -> None:
        async with stand(chat) as it:
            for headers in (
                {
                    "x_portkey_default_input_guardrails": '[{"default.webhook":{"webhookURL":"http://169.254.169.254/"}}]'
                },
                {"x_portkey_config": f'{{"provider":"azure-openai","resource_name":"{inside}","api_key":"k"}}'},
                {"x_portkey_config": f'{{"targets":[{{"provider":"bedrock","awsRegion":"{inside}"}}]}}'},
                {"x_portkey_config": '{"input_guardrails":[{"a.b":{"credentials":{"apiDomain":"127.0.0.1"}}}]}'},
                {"x_portkey_provider": "azure-openai", "x_portkey_azure_resource_name": "127.0.0.1/"},
                {"x_portkey_provider": "vertex-ai", "x_portkey_vertex_region": inside},
            ):
                client = await it.call(**headers)
                assert client.status == 400, headers
                assert json.loads(client.body)["error"]["code"] in ("untrusted_host", "invalid_host")
            fine = {"override_params": {"metadata": {"region": "EU / West"}}, "aws_region": "eu-west-1"}
            assert (await it.call(x_portkey_config=json.dumps({"provider": "bedrock"} | fine))).status == 200

    run(scenario())


def test_a_name_is_judged_by_the_address_it_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: public when somebody looks first, inside when the connection is made."""
    answers = iter(["93.184.216.34", "169.254.169.254", "127.0.0.1"])
    asked: list[str] = []

    async def resolve(self: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        asked.append(host)
        result = {"hostname": host, "host": next(answers), "port": port, "family": socket.AF_INET}
        return [result | {"proto": 0, "flags": 0}]

    monkeypatch.setattr(DefaultResolver, "resolve", resolve)

    async def scenario() -> None:
        async with stand(chat, gateway=False, read_seconds=0.05) as it:
            next(answers)  # the look
            for _ in range(2):
                client = await it.call(x_portkey_provider="openai", x_portkey_custom_host="http://rebind.example/v1")
                assert (client.status, json.loads(client.body)["error"]["code"]) == (502, "unreachable_host")
            assert asked == ["rebind.example"] * 2

    run(scenario())


def test_redirects_are_not_followed() -> None:
    async def provider(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"location": "http://169.254.169.254/latest/meta-data/"})

    async def scenario() -> None:
        async with stand(provider, gateway=False, trusted_hosts=LOCAL) as it:
            client = await it.call(x_portkey_provider="openai", x_portkey_custom_host=it.upstream)
            assert client.status == it.records[0].status_code == 307

    run(scenario())


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("nonsense", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_the_demo_provider_answers_without_key_and_network() -> None:
    async def scenario() -> None:
        for gateway in (True, False):
            async with stand(chat, gateway=gateway, gateway_url="http://127.0.0.1:1" if gateway else None) as it:
                client = await it.call(x_portkey_provider="demo")
                message = json.loads(client.body)["choices"][0]["message"]["content"]
                assert "demo provider" in message
                assert message.endswith("Say hi")
                stream = await it.call(
                    x_portkey_provider="demo", body=b'{"stream":true,"messages":[{"content":"Hey"}]}'
                )
                assert stream.body.endswith(b"data: [DONE]\n\n")
                assert len(stream.chunks) > 5
                message = await it.call("/v1/messages", x_portkey_provider="demo", body=b'{"stream":true}')
                missing = await it.call("/v1/files", x_portkey_provider="demo", body=b"{}")
                assert missing.status == 404
                plain, streamed, messages, other = it.records
                assert {record.provider for record in it.records} == {"demo"}
                assert (plain.model, plain.is_success, plain.cost) == ("demo", True, None)
                assert plain.path == "/v1/chat/completions"
                assert (streamed.stream, streamed.completeness) == (True, "complete")
                assert (messages.request_type, messages.completeness) == ("message", "complete")
                assert not other.is_success

    run(scenario())


def test_our_key_never_reaches_a_provider() -> None:
    seen: list[str] = []

    async def provider(request: web.Request) -> web.Response:
        seen.append(str(request.headers))
        return web.json_response({})

    async def scenario() -> None:
        async with stand(provider, gateway=False, trusted_hosts=LOCAL) as it:
            host = {"x_portkey_provider": "openai", "x_portkey_custom_host": it.upstream}
            await it.call(**host)
            await it.call(key="", authorization=f"Bearer {KEY}", **host)
            assert len(seen) == 2
            assert KEY not in "".join(seen)

    run(scenario())

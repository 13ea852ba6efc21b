"""Low 3 and 4: what is public is decided by a list of our own, and a refusal tells nobody which names exist inside."""

from __future__ import annotations

import json
import socket
from typing import Any

import ifaddr
import pytest
from aiohttp.resolver import DefaultResolver

from logs.capture import ssrf
from portkey_logs.lib.outbound import is_odd_address, is_public
from tests.logs.capture.harness import run, stand
from tests.logs.capture.test_pass_through import chat


@pytest.mark.parametrize(
    "address",
    [
        "168.63.129.16",
        "192.0.0.192",
        "192.88.99.1",
        "100.100.100.200",
        "169.254.169.254",
        "192.31.196.1",
        "192.52.193.1",
        "192.175.48.1",
        "198.18.0.1",
        "fd00:ec2::254",
        "fec0::1",
        "::",
        "::127.0.0.1",
        "100::1",
        "64:ff9b:1::1",
        "2001::1",
        "2002:808:808::",
        "3fff::1",
        "5f00::1",
        "2001:db8::1",
        "::ffff:168.63.129.16",
        "64:ff9b::a83f:8110",
    ],
)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "192.0.1.1", "2606:4700::1111", "2a00:1450:4001::1", "64:ff9b::101:101"]
)
def test_others_are(address: str) -> None:
    assert is_public(address)


def test_addresses_of_our_own_are_not_public(monkeypatch: pytest.MonkeyPatch) -> None:
    from portkey_logs.lib import outbound

    adapter = ifaddr.Adapter(
        "eth9", "eth9", [ifaddr.IP("8.8.4.4", 24, "eth9"), ifaddr.IP(("2a00::7", 0, 0), 64, "eth9")]
    )
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: [adapter])
    monkeypatch.setattr(outbound, "_own_addresses", outbound._OwnAddresses())
    assert [is_public(address) for address in ("8.8.4.4", "2a00::7", "8.8.8.8")] == [False, False, True]


@pytest.mark.parametrize(
    "host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.1.0", "0x7f000001", "1.", "a.0x"]
)
def test_odd_spellings_are_refused(host: str) -> None:
    assert is_odd_address(host)
    for gateway in (True, False):

        async def scenario(gateway: bool = gateway) -> None:
            async with stand(chat, gateway=gateway) as it:
                client = await it.call(x_portkey_provider="openai", x_portkey_custom_host=f"http://{host}/v1")
                assert (client.status, json.loads(client.body)["error"]["code"]) == (400, "invalid_host")

        run(scenario())


@pytest.mark.parametrize("host", ["example.com", "1e100.net", "127.0.0.1", "a1", "x.0y"])
def test_names_and_plain_addresses_are_not_odd(host: str) -> None:
    assert not is_odd_address(host)


@pytest.mark.parametrize("gateway", [True, False])
def test_a_name_inside_and_one_that_does_not_exist_get_one_answer(
    monkeypatch: pytest.MonkeyPatch, gateway: bool
) -> None:
    def answer(host: str) -> str:
        if host.startswith("no"):
            raise OSError("Name or service not known")
        return "10.0.0.7"

    async def resolve(self: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        return [
            {"hostname": host, "host": answer(host), "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        ]

    def look_up(host: str, *args: Any, **options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (answer(host), 80))]

    monkeypatch.setattr(DefaultResolver, "resolve", resolve)
    monkeypatch.setattr(ssrf, "REFUSAL_STEP_SECONDS", 0.05)

    async def scenario() -> None:
        async with stand(chat, gateway=gateway) as it:
            if gateway:
                monkeypatch.setattr(socket, "getaddrinfo", look_up)
            answers = []
            for host in ("db.internal", "no.internal"):
                client = await it.call(x_portkey_provider="openai", x_portkey_custom_host=f"http://{host}/v1")
                answers.append((client.status, client.body.replace(host.encode(), b"HOST")))
            assert answers[0] == answers[1]
            assert answers[0][0] == 502

    run(scenario())

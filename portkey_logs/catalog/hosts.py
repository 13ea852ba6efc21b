"""Rules for the hosts that configs and callers may name. Knows no Django, looks nothing up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
from yarl import URL

from portkey_logs.accounts.host_policy import HostPolicyMode
from portkey_logs.catalog.options import without_bodies
from portkey_logs.catalog.providers import BASE_URLS
from portkey_logs.lib.outbound import is_odd_address, is_public

_URL = re.compile(r"https?://(?P<host>[a-z0-9.-]+)(?::(?P<port>\d{1,5}))?(?:[/?#][^\s@]*)?", re.I)
_INSIDE = re.compile(
    r"(?:.*\.)?(?:local|localdomain|internal|intranet|lan|home|corp|test|invalid|onion|localhost)", re.I
)
_CLOUD = frozenset({"metadata", "instance-data", "metadata.azure.com"})
MAX_LABELS = 10

_PROVIDER_HOSTS = frozenset(URL(url).host for url in BASE_URLS.values())

_SCHEME = re.compile(r"(https?):[/\\]*", re.I)
_NOT_COUNTED = {ord(character): None for character in "\t\n\r"}
_AROUND = "".join(map(chr, range(0x21)))  # controls and the space


class HostPolicy(msgspec.Struct, frozen=True):
    """Outside hosts that an organisation's configs, virtual keys and calls may name."""

    mode: str = HostPolicyMode.ANY.value
    hosts: frozenset[str] = frozenset()

    def allows(self, host: str) -> bool:
        """Whether calls may go to a host. ``*.example.com`` on the list allows every name below example.com."""
        name = host.lower().rstrip(".").strip("[]")
        if self.mode == HostPolicyMode.ANY or name in _PROVIDER_HOSTS:
            return True
        if self.mode == HostPolicyMode.PROVIDERS:
            return False
        parents = [name[index + 1 :] for index, letter in enumerate(name) if letter == "."]
        return name in self.hosts or any(f"*.{parent}" in self.hosts for parent in parents)

    def refusal(self, host: str) -> str:
        """The reason for refusing a host, for people."""
        allowed = "hosts of providers" if self.mode == HostPolicyMode.PROVIDERS else "hosts on its list"
        return f"The organisation allows {allowed} only, not {host[:200]}. Its owners and admins can change that."


def read_url(text: str) -> str | None:
    """Return the http(s) URL that the gateway reads in a text, as a URL that everybody reads alike; None if it is none.

    WHATWG URL, 4.4: tabs and line ends inside do not count, nor do slashes: "http:host" is "http://host".
    """
    text = text.translate(_NOT_COUNTED).strip(_AROUND)
    match = _SCHEME.match(text)
    return f"{match[1].lower()}://{text[match.end() :]}" if match else None


def urls_in(value: Any) -> Iterator[str]:
    """Yield all strings inside a JSON value that the gateway would read as URLs: see ``read_url``."""
    if isinstance(value, str):
        if url := read_url(value):
            yield url
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from urls_in(item)


def hosts_in(config: Any) -> list[str]:
    """Return the host of every URL in a config, in lower case, but for what goes into request bodies."""
    hosts = []
    for url in urls_in(without_bodies(config)):
        with suppress(ValueError):
            hosts += [host.lower()] if (host := URL(url).raw_host) else []
    return hosts


def wrong_with_host(url: str, trusted: frozenset[str]) -> str | None:
    """What is wrong with the URL, None if nothing is. ``trusted``: names inside, each also as ``name:port``."""
    match = _URL.fullmatch(url)
    if match is None:
        return "must be an http or https URL without a user name, such as https://llm.example.com/v1"
    host, port = match["host"].lower(), match["port"]
    if port is not None and not 0 < int(port) < 65536:
        return "must have a port between 1 and 65535"
    labels = host.split(".")
    if not all(labels) or len(labels) > MAX_LABELS or "api.portkey" in url.lower():
        return "has a host that the gateway refuses"
    if host in trusted or f"{host}:{port}" in trusted:
        return None
    if _is_inside(host, labels):
        return f"is inside the private network; an administrator can allow it: PORTKEY_LOGS_TRUSTED_HOSTS={host}"
    return None


def _is_inside(host: str, labels: list[str]) -> bool:
    if host in _CLOUD or _INSIDE.fullmatch(host) or is_odd_address(host):
        return True
    return labels[-1].isdigit() and not is_public(host)

"""Rules for the hosts that configs and callers may name. Knows no Django, looks nothing up."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from yarl import URL

from portkey_logs.accounts.host_policy import HostPolicyMode
from portkey_logs.catalog import options
from portkey_logs.catalog.providers import BASE_URLS
from portkey_logs.outbound import is_odd_address, is_public

_URL = re.compile(r"https?://(?P<host>[a-z0-9.-]+)(?::(?P<port>\d{1,5}))?(?:[/?#][^\s@]*)?", re.I)
_INSIDE = re.compile(
    r"(?:.*\.)?(?:local|localdomain|internal|intranet|lan|home|corp|test|invalid|onion|localhost)", re.I
)
_CLOUD = frozenset({"metadata", "instance-data", "metadata.azure.com"})
MAX_LABELS = 10

_PROVIDER_HOSTS = frozenset(URL(url).host for url in BASE_URLS.values())

# Options whose values go into request bodies: a URL there is content, no address to connect to.
_OF_BODIES = frozenset({"overrideParams", "defaultParams", "metadata"})


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


def hosts_in(value: Any) -> list[str]:
    """Return the host of every http(s) URL in a config, in lower case, but for what goes into request bodies."""
    if isinstance(value, str):
        try:
            url = URL(value.strip())
            return [url.raw_host.lower()] if url.scheme in ("http", "https") and url.raw_host else []
        except ValueError:
            return []
    if isinstance(value, dict):
        return [
            host for name, item in value.items() if options.camel(name) not in _OF_BODIES for host in hosts_in(item)
        ]
    return [host for item in value for host in hosts_in(item)] if isinstance(value, list) else []


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

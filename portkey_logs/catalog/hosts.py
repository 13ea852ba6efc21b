"""Which ``custom_host`` the open-source gateway takes, as far as its text tells. Knows no Django, looks nothing up."""

from __future__ import annotations

import re

from portkey_logs.outbound import is_odd_address, is_public

_URL = re.compile(r"https?://(?P<host>[a-z0-9.-]+)(?::(?P<port>\d{1,5}))?(?:[/?#][^\s@]*)?", re.I)
_INSIDE = re.compile(
    r"(?:.*\.)?(?:local|localdomain|internal|intranet|lan|home|corp|test|invalid|onion|localhost)", re.I
)
_CLOUD = frozenset({"metadata", "instance-data", "metadata.azure.com"})
MAX_LABELS = 10


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

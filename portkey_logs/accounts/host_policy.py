"""Modes of the list of outside hosts that an organisation allows. Knows no Django, so that capture can use it."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum

MAX_ALLOWED_HOSTS = 200  # of one organisation: they travel with every snapshot of the catalog

_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9-]+\.)*[a-z0-9-]+", re.I)


class HostPolicyMode(StrEnum):
    ANY = "any"
    PROVIDERS = "providers"
    LISTED = "listed"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    HostPolicyMode.ANY: "Any host outside the private network",
    HostPolicyMode.PROVIDERS: "Hosts of known providers only",
    HostPolicyMode.LISTED: "Hosts of known providers, and the hosts below",
}


def is_host_name(text: str) -> bool:
    """Whether a text can stand on the list of allowed hosts: a name, ``*.name`` or an address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return bool(_NAME.fullmatch(text)) and len(text) <= 253  # RFC 1035, 2.3.4
    return True

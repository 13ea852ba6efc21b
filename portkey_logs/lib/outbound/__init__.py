"""Addresses that calls on behalf of others may go to: those of the internet at large. Knows no Django.

``special_networks.json`` is the one list of networks that they may not go to. ``preload.mjs`` applies it inside a
Portkey gateway. The list is our own: what Python's ``is_global`` says depends on its version, and it lets Azure's
wire server (168.63.129.16) and the metadata service of Oracle's cloud (192.0.0.192) pass. It holds IANA's
special-purpose registries for IPv4 and IPv6 whole, and of IPv6 everything but global unicast (2000::/3).
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
from pathlib import Path

import ifaddr

OWN_ADDRESSES_SECONDS = 10.0  # an interface that comes up counts this much later; to list them takes a millisecond
PRELOAD = Path(__file__).with_name("preload.mjs")
_NETWORKS = [ipaddress.ip_network(text) for text in json.loads(PRELOAD.with_name("special_networks.json").read_text())]
# IPv6 addresses that stand for an IPv4 address in their last 32 bits: mapped (RFC 4291) and NAT64 (RFC 6052).
_EMBEDDING = (ipaddress.ip_network("::ffff:0:0/96"), ipaddress.ip_network("64:ff9b::/96"))
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:0[xX][0-9A-Fa-f]*|[0-9]+)\.?$")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet at large and is not one of this machine's own."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if ip.version == 6 and any(ip in network for network in _EMBEDDING):
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return not any(ip in network for network in _NETWORKS) and not _own_addresses.hold(str(ip))


def is_address(host: str) -> bool:
    """Whether a host is an IP address in its plain form, with or without a zone or a trailing dot."""
    try:
        ipaddress.ip_address(host.partition("%")[0].rstrip("."))
    except ValueError:
        return False
    return True


def is_odd_address(host: str) -> bool:
    """Whether a host is an address to some (``127.1``, ``0x7f.1``, ``2130706433``, ``0177.0.0.1``) and none to others.

    WHATWG URL, 3.5: a host whose last label is a number is an IPv4 address; ``inet_aton`` reads it so as well.
    """
    return _ENDS_IN_NUMBER.search(host) is not None and not is_address(host)


class _OwnAddresses:
    """The addresses of this machine's interfaces."""

    def __init__(self) -> None:
        self._addresses: frozenset[str] = frozenset()
        self._read_at = -OWN_ADDRESSES_SECONDS

    def hold(self, address: str) -> bool:
        """Whether the address is one of them."""
        if time.monotonic() - self._read_at >= OWN_ADDRESSES_SECONDS:
            entries = [entry.ip for adapter in ifaddr.get_adapters() for entry in adapter.ips]
            self._addresses = frozenset(entry if isinstance(entry, str) else entry[0] for entry in entries)
            self._read_at = time.monotonic()
        return address in self._addresses


_own_addresses = _OwnAddresses()

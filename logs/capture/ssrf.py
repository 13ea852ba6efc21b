"""Which hosts a caller may send us to: none inside our own network, unless it is trusted by name.

A name is judged by the addresses it has at the moment of connecting, so that one that changes its mind
between a check and the connection gains nothing. Redirects are passed on to the caller, never followed.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

from logs.capture.replies import Refused
from portkey_logs.catalog.options import camel
from portkey_logs.lib.outbound import is_address, is_odd_address, is_public

logger = logging.getLogger(__name__)

# A name in ASCII, or an IPv6 address. A percent sign is decoded by some before they connect.
_READS_ONE_WAY = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(?:%.*)?")
# Names that the gateway puts in front of a provider's domain: "https://<resourceName>.openai.azure.com".
_IN_HOST = re.compile(r"(?:resourceName|region|bucket|endpointName|account|workspace)$", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9._-]*")
DOMAINS = frozenset({"domain", "apiDomain"})  # of guardrails that somebody hosts
# A name that does not exist and one that lies inside are refused alike, both when a step of this length ends: neither
# words nor time tell a caller which names the private network has.
REFUSAL_STEP_SECONDS = 0.5


class Guard:
    """``trusted`` are lower-case host names or addresses, each also with ``:port``."""

    def __init__(self, trusted: frozenset[str]) -> None:
        self._trusted = trusted

    def trusts(self, host: str, port: int | None) -> bool:
        """Whether the operator listed this host."""
        name = host.lower().rstrip(".").strip("[]")
        return name in self._trusted or f"{name}:{port}" in self._trusted

    def parse(self, text: str) -> URL:
        """A URL given by a caller. Raises Refused unless it is http(s), and for an address that lies inside."""
        try:
            url = URL(text)
            host, port = url.raw_host, url.port
        except ValueError:
            host, port = None, None
        if not host or url.scheme not in ("http", "https") or not _READS_ONE_WAY.fullmatch(host):
            raise Refused(400, "x-portkey-custom-host must be an http or https URL", "invalid_host")
        if is_odd_address(host):
            raise Refused(400, f"The host {host} is an address that not everybody reads alike", "invalid_host")
        if is_address(host) and not self.trusts(host, port) and not is_public(host.rstrip(".")):
            raise Refused(400, f"The host {host} is inside the private network. {_allow(host)}", "untrusted_host")
        return url

    async def check(self, text: str) -> None:
        """As ``parse``, and look the name up. For calls that somebody else connects for."""
        url = self.parse(text)
        host = url.raw_host or ""
        if self.trusts(host, url.port) or is_address(host):
            return

        async def look_up() -> list[str]:
            name = host.rstrip(".")  # "127.1." is an address for the gateway, and a name for the system
            found = await asyncio.get_running_loop().getaddrinfo(name, url.port, type=socket.SOCK_STREAM)
            return [str(entry[4][0]) for entry in found]

        await self.public_only(host, look_up(), lambda addresses: addresses)

    async def public_only[Found](
        self, host: str, lookup: Awaitable[Found], addresses_of: Callable[[Found], list[str]]
    ) -> Found:
        """What a lookup finds. Raises Refused where it finds nothing, or any address that lies inside."""
        began = time.monotonic()
        try:
            found = await lookup
            inside = [address for address in addresses_of(found) if not is_public(address)]
            if not inside:
                return found
            reason = f"its address {', '.join(inside)} is not public"
        except OSError as error:
            reason = str(error)
        logger.warning("A call to the host %s was refused: %s", host, reason)
        await asyncio.sleep(REFUSAL_STEP_SECONDS - (time.monotonic() - began) % REFUSAL_STEP_SECONDS)
        raise Refused(
            502,
            f"The host {host} cannot be reached: it does not exist, or is inside the private network. {_allow(host)}",
            "unreachable_host",
        )


class GuardedResolver(AbstractResolver):
    """Resolves names for a connection, and refuses those that lead inside."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """See ``AbstractResolver``. Raises Refused."""
        lookup = self._resolver.resolve(host, port, family)
        if self._guard.trusts(host, port):
            return await lookup
        return await self._guard.public_only(host, lookup, lambda found: [result["host"] for result in found])

    async def close(self) -> None:
        """Let the resolver go."""
        await self._resolver.close()


def _allow(host: str) -> str:
    return f"An administrator can allow it: PORTKEY_LOGS_TRUSTED_HOSTS={host.lower()}"


def check_name(option: str, value: Any) -> None:
    """Raises Refused for what would end the host that the gateway makes of such a name, so that it is another host."""
    if _IN_HOST.search(option) and isinstance(value, str) and not _NAME.fullmatch(value):
        raise Refused(400, f"{option} may have letters, digits, dots, dashes and underscores only", "invalid_host")


def options_in(config: Any) -> Iterator[tuple[str, Any]]:
    """All options of a config and its targets by the gateway's names for them."""
    if isinstance(config, dict):
        for name, value in config.items():
            yield camel(name), value
            yield from options_in(value)
    elif isinstance(config, list):
        for item in config:
            yield from options_in(item)

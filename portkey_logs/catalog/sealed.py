"""Secrets that know where they may go. Knows no Django.

The secret of a virtual key or config travels through a call as a ``SealedSecret``: a value with the destinations that
may receive it. Only the last step before the wire opens it, for the destination that the call really goes to.
A destination is the origin of a URL (``https://api.openai.com:443``) or, where the gateway makes the host itself,
``provider:bedrock``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yarl import URL

from portkey_logs.catalog import options
from portkey_logs.catalog.hosts import read_url
from portkey_logs.catalog.providers import BASE_URLS

Json = dict[str, Any]


class ForeignDestination(Exception):
    """A secret would go to a destination that is not among its own."""


class SealedSecret:
    """A secret with the destinations that may receive it. Cannot be printed or serialised by accident."""

    __slots__ = ("_value", "destinations", "owner")

    def __init__(self, value: Any, destinations: frozenset[str], owner: str) -> None:
        """``value`` is text, or an object such as a service account. ``owner`` names the key or config in errors."""
        self._value = value
        self.destinations = destinations
        self.owner = owner

    def open(self, destination: str) -> Any:
        """Return the secret. Raises ForeignDestination."""
        if destination not in self.destinations:
            allowed = ", ".join(sorted(self.destinations)) or "no host, for it names no provider"
            raise ForeignDestination(
                f"The secret of {self.owner} may go to {allowed}, not to {destination or 'an unknown host'}"
            )
        return self._value

    def __repr__(self) -> str:
        return f"SealedSecret({self.owner})"


def origin_of(url: str) -> str:
    """Return scheme, host and port of an http(s) URL, as the connection will be made. Raises ValueError."""
    parsed = URL(url)
    if parsed.scheme not in ("http", "https") or not parsed.raw_host:
        raise ValueError("not an http or https URL")
    return f"{parsed.scheme}://{parsed.raw_host.rstrip('.')}:{parsed.port}"


def destination(host: Any, provider: Any) -> str:
    """Return where a target leads: to its custom host, else to its provider. "" where neither is known."""
    if host:
        try:
            return origin_of(read_url(str(host)) or "")
        except ValueError:
            return ""
    if not isinstance(provider, str) or not provider.strip():
        return ""
    name = provider.strip().lower()
    return origin_of(BASE_URLS[name]) if name in BASE_URLS else f"provider:{name}"


def option(node: Json, name: str) -> Any:
    """Return a node's option however its name is spelled; the gateway takes ``custom_host`` and ``customHost``."""
    return next((value for key, value in node.items() if options.camel(key) == name and value), None)


def destinations(node: Json, host: Any = None, provider: Any = None) -> frozenset[str]:
    """Return every destination of a config or target. ``host`` and ``provider`` are those of the nodes above.

    A node without host and provider leads where its targets lead.
    """
    host = option(node, "customHost") or host
    provider = option(node, "provider") or provider
    if not host and not provider and isinstance(targets := node.get("targets"), list):
        return frozenset().union(*(destinations(target) for target in targets if isinstance(target, dict)))
    return frozenset({destination(host, provider)}) - {""}


def open_config(config: Json, host: Any = None, provider: Any = None) -> Json:
    """Return the config with its secrets, for the gateway alone. Raises ForeignDestination.

    ``host`` and ``provider`` are those of the headers. The gateway hands a custom host down to targets, and a secret
    never further than its own node; that a host below a secret is refused too costs nothing and needs no trust in that.
    """
    host = option(config, "customHost") or host
    provider = option(config, "provider") or provider
    opened: Json = {}
    below = list(_hosts_below(config))
    for name, value in config.items():
        if name == "targets" and isinstance(value, list):
            opened[name] = [
                open_config(target, host, provider) if isinstance(target, dict) else target for target in value
            ]
        else:
            opened[name] = _opened(value, destinations(config, host, provider), below)
    return opened


def _opened(value: Any, leads_to: frozenset[str], below: list[str]) -> Any:
    if isinstance(value, SealedSecret):
        secret = None
        for each in [*(leads_to or {""}), *below]:
            secret = value.open(each)
        return secret
    if isinstance(value, dict):
        return {name: _opened(item, leads_to, below) for name, item in value.items()}
    if isinstance(value, list):
        return [_opened(item, leads_to, below) for item in value]
    return value


def _hosts_below(node: Json) -> Iterator[str]:
    targets = node.get("targets")
    for target in targets if isinstance(targets, list) else []:
        if isinstance(target, dict):
            if host := option(target, "customHost"):
                yield destination(host, None)
            yield from _hosts_below(target)


def has_secret(value: Any) -> bool:
    """Whether a sealed secret is anywhere inside."""
    if isinstance(value, SealedSecret):
        return True
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(has_secret, children))

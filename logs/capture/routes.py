"""Which upstream a call goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict

from logs.capture import demo
from logs.capture.direct import Direct
from logs.capture.guard import DOMAINS, Guard, GuardedResolver, check_name, options_in, urls_in
from logs.capture.headers import for_upstream
from logs.capture.request import Request
from logs.capture.upstream import Client, Target
from logs.ingest.text import decode_json
from portkey_logs.catalog.options import camel

if TYPE_CHECKING:
    from logs.capture.app import Settings


class Routes:
    """To the gateway where there is one, else to the provider; ``demo`` is always here."""

    def __init__(self, settings: Settings) -> None:
        self._gateway_url = settings.gateway_url
        self._guard = Guard(settings.trusted_hosts)
        self._direct = Direct(self._guard)
        self._gateway = Client(settings.read_seconds)
        self._providers = Client(settings.read_seconds, GuardedResolver(self._guard))

    async def target(self, request: Request, trace_id: str) -> Target:
        """Where to send the call. Raises Refused."""
        if request.fields.get("x-portkey-provider", "").strip().lower() == demo.NAME:
            return Target(f"demo://{request.target}", CIMultiDict(), demo.NAME, demo.open_demo)
        if self._gateway_url is None:
            url, headers, provider, timeout = self._direct.target(request)
            return Target(url, headers, provider, self._providers.open, timeout)
        await self._check_hosts(request)
        headers = for_upstream(request.headers)
        headers["x-portkey-trace-id"] = trace_id
        return Target(f"{self._gateway_url}{request.target}", headers, None, self._gateway.open)

    async def _check_hosts(self, request: Request) -> None:
        """Every address that a call gives the gateway, and every name that becomes a part of one. The gateway itself
        judges hosts by their names only."""
        for name, value in request.fields.items():
            if not name.startswith("x-portkey-") or name == "x-portkey-metadata":  # that it only compares
                continue
            check_name(camel(name.removeprefix("x-portkey-").replace("-", "_")), value)
            if ":" not in value and "\\" not in value:
                continue
            found = _parsed(value)
            for url in urls_in(found):
                await self._guard.check(url)
            for option, given in options_in(found):
                check_name(option, given)
                if option in DOMAINS and isinstance(given, str):
                    await self._guard.check(f"https://{given}")

    async def close(self) -> None:
        """Close the connections."""
        await self._gateway.close()
        await self._providers.close()


def _parsed(value: str) -> Any:
    """A config, or the guardrails of another header, as the gateway reads them; the text itself where it is neither."""
    try:
        return decode_json(value)
    except ValueError:
        return value

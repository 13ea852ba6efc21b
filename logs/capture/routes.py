"""Which upstream a call goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logs.capture.headers import for_upstream
from logs.capture.request import Request
from logs.capture.upstream import Client, Target

if TYPE_CHECKING:
    from logs.capture.app import Settings


class Routes:
    """To the gateway, where there is one."""

    def __init__(self, settings: Settings) -> None:
        self._gateway_url = settings.gateway_url
        self._gateway = Client(settings.read_seconds)

    async def target(self, request: Request) -> Target:
        """Where to send the call. Raises Refused."""
        return Target(f"{self._gateway_url}{request.target}", for_upstream(request.pairs), None, self._gateway.open)

    async def close(self) -> None:
        """Close the connections."""
        await self._gateway.close()

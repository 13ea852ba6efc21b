"""Connections that have not shown a valid API key: few for each address, few in all, and none for long."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

# A connection is unknown until its first head has come, some milliseconds. The limits leave room for all clients of
# one proxy that connect at once after a restart, 500 streams among them; each connection takes some 20 KB.
MAX_UNKNOWN = 4_000
MAX_UNKNOWN_PER_ADDRESS = 1_000
# Of heads that are not complete, of all unknown connections. Beyond it those with more than MAX_PLAIN_HEAD_BYTES end.
MAX_UNKNOWN_HEAD_BYTES = 64 * 1024 * 1024
MAX_PLAIN_HEAD_BYTES = 16 * 1024


class Closable(Protocol):
    """A connection."""

    def force_close(self) -> None: ...


class UnknownConnections:
    """The unknown connections of a server. Where there are too many the oldest ends: it has waited for its caller."""

    def __init__(self) -> None:
        self.head_bytes = 0
        self._all: dict[Closable, str] = {}
        self._by_address: defaultdict[str, dict[Closable, None]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Closable, address: str) -> None:
        """Count a new connection; ends the oldest one of its address, or of all, if it is one too many."""
        self._all[connection] = address
        of_address = self._by_address[address]
        of_address[connection] = None
        if len(of_address) > MAX_UNKNOWN_PER_ADDRESS:
            self._end(next(iter(of_address)))
        elif len(self._all) > MAX_UNKNOWN:
            self._end(next(iter(self._all)))

    def discard(self, connection: Closable) -> None:
        """Forget a connection that is closed, or known now."""
        address = self._all.pop(connection, None)
        if address is not None:
            del self._by_address[address][connection]
            if not self._by_address[address]:
                del self._by_address[address]

    def _end(self, connection: Closable) -> None:
        self.discard(connection)
        connection.force_close()

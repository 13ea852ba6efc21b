"""The shares of API keys in the web process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus

from django.conf import settings

from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.api.errors import TOO_MANY
from portkey_logs.front.bodies import RequestRefused
from portkey_logs.front.limits import MAX_KEY_PAGE_THREADS
from portkey_logs.lib.shares import ShareExceededError, ShareLimits, Shares


class KeyShares:
    """Shares for ingest, and for all other calls, which take the threads that pages need."""

    def __init__(self, limits: ShareLimits) -> None:
        at_a_time = min(limits.calls_at_a_time, MAX_KEY_PAGE_THREADS)
        self._ingest = Shares(limits)
        self._others = Shares(limits._replace(calls_at_a_time=at_a_time))
        self.over_share: Counter[tuple[str, int | None]] = Counter()  # refusals by limit and workspace

    @contextmanager
    def begin(self, grant: Grant, declared_bytes: int, *, is_ingest: bool) -> Iterator[Callable[[int], None]]:
        """Count a call until the end of the ``with``; the value counts the parts of its body.

        Raises RequestRefused (429), the value does so inside.
        """
        shares = self._ingest if is_ingest else self._others
        try:
            with shares.begin((grant.workspace_id, grant.api_key_id), declared_bytes) as share:
                yield share.charge
        except ShareExceededError as error:
            self.over_share[error.reason, grant.workspace_id] += 1
            status = HTTPStatus.TOO_MANY_REQUESTS
            raise RequestRefused(status, str(error), code=TOO_MANY, retry_after=error.retry_after) from None


@cache
def key_shares() -> KeyShares:
    """The shares of this process."""
    return KeyShares(settings.SHARE_LIMITS)

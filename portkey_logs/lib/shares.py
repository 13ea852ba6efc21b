"""Shares: how much each key may use of a process that it has in common with others."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Literal, NamedTuple, Self

SWEEP_SECONDS = 60.0  # after a minute without a call all that a key may have is full again

Reason = Literal["calls_at_a_time", "calls_per_minute", "bytes_per_minute"]


class ShareLimits(NamedTuple):
    """What each key may have. A minute's calls or bytes may come at once."""

    calls_at_a_time: int
    calls_per_minute: int
    bytes_per_minute: int


class ShareExceededError(Exception):
    """A key has used its share. The text is for the caller; ``retry_after`` is in whole seconds."""

    def __init__(self, reason: Reason, limit: int, retry_after: float) -> None:
        word = {
            "calls_at_a_time": "calls at a time",
            "calls_per_minute": "calls per minute",
            "bytes_per_minute": "bytes per minute",
        }[reason]
        self.reason = reason
        self.retry_after = max(1, math.ceil(retry_after))
        super().__init__(f"This API key may have {limit:,} {word}. Try again in {self.retry_after} s.")


class _Bucket:
    """Token bucket (RFC 2697, 2698 use the same): full at ``per_minute``, refilled evenly."""

    __slots__ = ("_at", "_per_minute", "_tokens")

    def __init__(self, per_minute: int, now: float) -> None:
        self._per_minute = per_minute
        self._tokens = float(per_minute)
        self._at = now

    def seconds_until(self, amount: int, now: float) -> float:
        """Return 0 where ``amount`` may be taken. What is more than a minute's may be taken from a full bucket."""
        self._tokens = min(self._per_minute, self._tokens + (now - self._at) * self._per_minute / 60)
        self._at = now
        return max(0.0, (min(amount, self._per_minute) - self._tokens) * 60 / self._per_minute)

    def take(self, amount: int) -> None:
        self._tokens -= amount


class _Account:
    """The state of one key."""

    __slots__ = ("active", "bytes", "calls", "used_at")

    def __init__(self, limits: ShareLimits, now: float) -> None:
        self.active = 0
        self.calls = _Bucket(limits.calls_per_minute, now)
        self.bytes = _Bucket(limits.bytes_per_minute, now)
        self.used_at = now


class Shares:
    """The shares of all keys of one process. Keys that are idle are forgotten. May be used by many threads."""

    def __init__(self, limits: ShareLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts: dict[Hashable, _Account] = {}
        self._swept_at = clock()

    def __len__(self) -> int:
        """Number of keys in memory."""
        return len(self._accounts)

    def begin(self, key: Hashable, declared_bytes: int = 0) -> Share:
        """Count a call and the declared size of its body. Raises ShareExceededError, and then counts nothing."""
        with self._lock:
            now = self._clock()
            self._sweep(now)
            account = self._accounts.get(key) or self._accounts.setdefault(key, _Account(self._limits, now))
            account.used_at = now
            if account.active >= self._limits.calls_at_a_time:
                raise ShareExceededError("calls_at_a_time", self._limits.calls_at_a_time, 1)
            if wait := account.calls.seconds_until(1, now):
                raise ShareExceededError("calls_per_minute", self._limits.calls_per_minute, wait)
            self._take_bytes(account, declared_bytes, now)
            account.calls.take(1)
            account.active += 1
        return Share(self, account, declared_bytes)

    def _charge(self, account: _Account, size: int) -> None:
        with self._lock:
            self._take_bytes(account, size, self._clock())

    def _end(self, account: _Account) -> None:
        with self._lock:
            account.active -= 1
            account.used_at = self._clock()

    def _take_bytes(self, account: _Account, size: int, now: float) -> None:
        if size and (wait := account.bytes.seconds_until(size, now)):
            raise ShareExceededError("bytes_per_minute", self._limits.bytes_per_minute, wait)
        account.bytes.take(size)

    def _sweep(self, now: float) -> None:
        """Forget keys that would not differ from new ones; each is looked at once a minute."""
        if now - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = now
        self._accounts = {
            key: account
            for key, account in self._accounts.items()
            if account.active or now - account.used_at < SWEEP_SECONDS or account.bytes.seconds_until(1 << 62, now)
        }


class Share:
    """One call's part of its key's share, until ``end`` or the end of a ``with``."""

    __slots__ = ("_account", "_declared", "_shares")

    def __init__(self, shares: Shares, account: _Account, declared_bytes: int) -> None:
        self._shares = shares
        self._account: _Account | None = account
        self._declared = declared_bytes

    def charge(self, size: int) -> None:
        """Count a part of the body that came, as far as it is beyond the declared size. Raises ShareExceededError."""
        beyond = size - self._declared
        self._declared = max(0, -beyond)
        if beyond > 0 and self._account:
            self._shares._charge(self._account, beyond)

    def end(self) -> None:
        """Count the call as ended. May be called again."""
        account, self._account = self._account, None
        if account:
            self._shares._end(account)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

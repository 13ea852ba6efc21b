"""The body of a caller's request while it comes, as far as the share of its key allows."""

from __future__ import annotations

from collections.abc import Callable

from logs.capture.replies import Caller, Refused
from portkey_logs.lib.shares import Share, ShareExceededError


class Upload:
    """The body of one request. ``too_many`` makes the refusal of one beyond the share.

    ``refusal`` is what ended it early: the client that sends the body on turns it into an error of its own.
    """

    __slots__ = ("_caller", "_too_many", "refusal", "share")

    def __init__(self, caller: Caller, share: Share, too_many: Callable[[ShareExceededError], Refused]) -> None:
        self.share = share
        self.refusal: Refused | None = None
        self._caller = caller
        self._too_many = too_many

    async def read(self) -> bytes:
        """Return the next bytes, b"" at the end. Raises ClientLeft, and Refused (408, 429)."""
        if self.refusal:
            raise self.refusal
        try:
            part = await self._caller.read()
            self.share.charge(len(part))
        except ShareExceededError as error:
            self.refusal = self._too_many(error)
            raise self.refusal from None
        except Refused as refusal:
            self.refusal = refusal
            raise
        return part

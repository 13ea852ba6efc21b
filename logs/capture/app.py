"""Who calls, and where each call goes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from uuid import UUID

import msgspec

from logs.capture.bodies import Room
from logs.capture.call import Call
from logs.capture.control import hand_over
from logs.capture.metrics import Metrics
from logs.capture.recorder import Recorder
from logs.capture.replies import Caller, Refused, answer, refuse
from logs.capture.request import Request
from logs.capture.routes import Routes
from logs.capture.upload import Upload
from logs.capture.upstream import Client
from logs.llm import prices
from portkey_logs.accounts.api_key_cache import Grant, Keyring
from portkey_logs.api.errors import FORBIDDEN
from portkey_logs.catalog.catalog_cache import Registry
from portkey_logs.lib.shares import ShareExceededError, ShareLimits, Shares

SCOPE = "logs.write"  # what a key needs for calls
MAX_CALLS = 4000  # at a time: each mostly waits, with two connections and some 50 KB
FIRST_KEYS_SECONDS = 3.0  # how long a start waits for the database; then the snapshot has to do


class Settings(msgspec.Struct, kw_only=True):
    """What capture needs to know. ``gateway_url`` is None where calls go straight to the providers."""

    gateway_url: str | None
    web_url: str
    public_url: str
    read_seconds: float
    trusted_hosts: frozenset[str]
    share_limits: ShareLimits


class Capture:
    """One per process."""

    def __init__(self, settings: Settings, keys: Keyring, registry: Registry, recorder: Recorder) -> None:
        self.settings = settings
        self.keys = keys
        self.registry = registry
        self.recorder = recorder
        self.metrics = Metrics()
        self.room = Room()
        self.shares = Shares(settings.share_limits)
        self.routes: Routes
        self.web: Client

    async def serve(self, request: Request, caller: Caller) -> None:
        """Answer one request."""
        if request.path == "/healthz":
            return await self._health(caller)
        if request.path == "/metrics":
            return await self._numbers(caller)
        try:
            request.check_path()
            if request.is_control:
                return await self._hand_over(request, caller)
            grant = request.grant(self.keys.known)
            caller.recognise()
            if not grant.allows(SCOPE):
                raise Refused(403, f"This API key lacks the scope {SCOPE}.", FORBIDDEN)
            if self.metrics.in_flight >= MAX_CALLS:
                raise Refused(503, f"{MAX_CALLS} calls are under way. Try again later.", "busy")
            upload = self._begin(request, grant, caller)
        except Refused as refusal:
            self.metrics.refused += refusal.status == 401
            return await refuse(caller, refusal)
        self.metrics.in_flight += 1
        try:
            with upload.share:
                await Call(self, request, grant, caller, upload).run()
        finally:
            self.metrics.in_flight -= 1

    async def _hand_over(self, request: Request, caller: Caller) -> None:
        """Let web answer. Raises Refused; callers without a known key may send no body, and share one share."""
        grant = None
        try:
            grant = request.grant(self.keys.known)
            caller.recognise()
        except Refused:
            if request.has_body:
                raise
        upload = self._begin(request, grant, caller)
        with upload.share:
            await hand_over(self.web, self.settings.web_url, request, caller, upload)

    def _begin(self, request: Request, grant: Grant | None, caller: Caller) -> Upload:
        """Begin a call's part of its key's share; replays, which have passes, have one for each workspace.

        Raises Refused (429).
        """
        too_many = partial(self._too_many, grant)
        key = (grant.workspace_id, grant.api_key_id) if grant else None
        try:
            share = self.shares.begin(key, request.declared_bytes)
        except ShareExceededError as error:
            raise too_many(error) from None
        return Upload(caller, share, too_many)

    def _too_many(self, grant: Grant | None, error: ShareExceededError) -> Refused:
        self.metrics.note_over_share(error.reason, grant.workspace_id if grant else None)
        return Refused(429, f"Portkey Error: {error} Error Code: 05", "05", error.retry_after)

    def log_url(self, grant: Grant, id: UUID) -> str:
        """The page of a log."""
        return f"{self.settings.public_url}/w/{grant.workspace_slug}/logs/{id}/"

    # --- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the spool and the sessions, and read the prices, and the keys if the database is there.

        Raises OSError where the spool cannot be used.
        """
        self.recorder.start()
        self.web = Client(self.settings.read_seconds)
        self.routes = Routes(self.settings)
        self.keys.start()
        self.registry.start()
        await asyncio.to_thread(prices.load)  # the first call is not to wait for it, nor those beside it
        deadline = asyncio.get_running_loop().time() + FIRST_KEYS_SECONDS
        while (self.keys.age is None or self.registry.age is None) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Close the sessions; commit what is in the spool, if the database takes it."""
        await self.routes.close()
        await self.web.close()
        with suppress(Exception):
            await asyncio.to_thread(self.keys.stop)
            await asyncio.to_thread(self.registry.stop)
        await asyncio.to_thread(self.recorder.stop)

    # --- looking at it -------------------------------------------------------------------------------------

    async def _health(self, caller: Caller) -> None:
        problem = None
        if self.recorder.bytes > self.recorder.limit:
            problem = "the spool is full"
        status = 503 if problem else 200
        body = {"status": "unavailable" if problem else "ok", "reason": problem}
        await answer(caller, status, msgspec.json.encode(body))

    async def _numbers(self, caller: Caller) -> None:
        counts = self.recorder.counts
        page = self.metrics.lines(
            spool_rows=("gauge", "Logs that are not committed yet.", self.recorder.rows),
            spool_bytes=("gauge", "Size of the spool.", self.recorder.bytes),
            database_away=("gauge", "1 while the database takes no logs.", self.recorder.away),
            stored_total=("counter", "Logs committed.", counts["stored"]),
            duplicates_total=("counter", "Logs that were committed before.", counts["duplicate"]),
            dropped_total=("counter", "Logs lost for want of disk space.", counts["dropped"]),
            refused_total=("counter", "Logs that cannot be stored, set aside.", counts["refused"]),
            refused_bytes=("gauge", "Size of what was set aside.", self.recorder.refused.size),
            refused_lost_total=("counter", "Logs that there was no room to set aside.", self.recorder.refused.lost),
            keys_age_seconds=("gauge", "Age of the API keys in memory; -1 before the first.", self.keys.age or -1),
        )
        await answer(caller, 200, page.encode(), "text/plain; version=0.0.4; charset=utf-8")

"""One call: passed on as it comes, both ways, and recorded before its last byte goes out."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import ClientError
from multidict import CIMultiDict

from logs.capture import resolve, usage
from logs.capture.bodies import BODY_BYTES, Kept
from logs.capture.draft import Draft
from logs.capture.headers import Headers, end_to_end, fields
from logs.capture.parsing import MAX_LOOP_BYTES, beside_loop
from logs.capture.replies import Caller, ClientLeft, Refused, failure
from logs.capture.request import Request
from logs.capture.upload import Upload
from logs.capture.upstream import Answer, Body, Target
from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.lib import uuid7

if TYPE_CHECKING:
    from logs.capture.app import Capture

logger = logging.getLogger(__name__)

WHOLE_BYTES = 256 * 1024  # request bodies up to this are sent on in one piece
# A client may stop reading at a stream's end mark, so that its chunk counts as the last byte. The end of the
# connection mostly comes with it; this long is waited for it.
END_SECONDS = 0.05
LOOK_SECONDS = 0.1  # how often it is looked whether somebody still waits for a replay

# OpenAI's and Anthropic's last events, with and without the space that is optional after the colon.
_END_MARK = re.compile(
    rb"^(?:data: ?\[DONE\]|event: ?(?:message_stop|response\.(?:completed|incomplete|failed)))", re.M
)
_END_WORDS = (b"[DONE]", b"message_stop", b"response.")
_OVERLAP = 40  # bytes; more than any mark, which may come in two chunks


class Call:
    """A call of a known caller. ``run`` does all of it."""

    def __init__(self, capture: Capture, request: Request, grant: Grant, caller: Caller, upload: Upload) -> None:
        self.capture = capture
        self.request = request
        self.grant = grant
        self.caller = caller
        self.upload = upload
        self.began = time.perf_counter()
        started_ms = time.time_ns() // 1_000_000
        id = grant.log_id or uuid7.uuid7(started_ms)
        self.draft = Draft(id, started_ms, Kept(capture.room), Kept(capture.room))
        self.draft.method = request.method
        self.draft.bodies_kept = grant.keeps_bodies
        self.draft.is_replay = grant.log_id is not None
        self.trace_id = request.fields.get("x-portkey-trace-id", "").strip() or id.hex
        self.started = self.recorded = self.stopped = False
        self.expects_request = True
        self.hidden: usage.Hidden | None = None
        self.sent_at = self.answered_at = self.began  # when nobody but us was waited for
        self.running: asyncio.Task[None] | None = None  # of a replay, which ends when nobody waits for it any more
        self.watch: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Pass the call on and record it. Whatever goes wrong becomes the client's answer."""
        self.draft.request_headers = self.request.fields | {"x-portkey-trace-id": self.trace_id}
        if self.draft.is_replay:
            self.draft.request_headers.pop("x-portkey-api-key", None)  # a pass is no key, not even a masked one
            self.running = asyncio.current_task()
            self.watch = asyncio.ensure_future(self._stop_with_client())
        try:
            body = await self._resolve(await self._take_request())
            policy = self.capture.registry.shelf(self.grant.workspace_id).host_policy
            target = await self.capture.routes.target(self.request, self.trace_id, policy)
            self.draft.url, self.draft.provider = target.url, target.provider
            if self.request.config is not None:
                self.draft.sent_headers = fields(target.headers)
            body = await self._ask_for_usage(target, body)
            self.sent_at = time.perf_counter()
            async with target.open(target, self.request.method, body) as reply:
                await self._pass_on(reply)
        except Refused as refusal:
            await self._take_rest()
            await self._refuse(refusal)
        except TimeoutError:
            await self._break(self._late(target))
        except (ClientError, OSError, ClientLeft) as error:
            message = f"{self._who()} cannot be reached: {error or type(error).__name__}"
            await self._break(self.upload.refusal or Refused(502, message, "bad_gateway"))
        except asyncio.CancelledError:
            if not (self.running and self.caller.is_gone):
                self.stopped = True
                await self._break(Refused(503, "Capture was stopped.", "stopped"))
                raise
            self.running.uncancel()
            await self._break(Refused(499, "The run was stopped.", "stopped"))
        finally:
            if self.watch:
                self.watch.cancel()
            self.draft.request.release()
            self.draft.response.release()

    # --- the way there -------------------------------------------------------------------------------------

    async def _take_request(self) -> Body:
        """The request's body: whole if it is small, else as it comes."""
        parts: list[bytes] = []
        size = 0
        while part := await self._next_part():
            parts.append(part)
            size += len(part)
            if size > WHOLE_BYTES:
                return self._stream_request(parts)
        return b"".join(parts) or None

    async def _resolve(self, body: Body) -> Body:
        """Put configs, prompts and virtual keys in the place of their slugs: see ``resolve``."""
        request = self.request
        if body is not None and not isinstance(body, bytes):
            if not resolve.needs_body(request, self.grant):
                return body
            body = await self._collect(body)
        size = float("inf") if _is_compressed(request.fields) else request.parsed_bytes + len(body or b"")
        by_headers = resolve.by_headers(request, self.grant)
        if not (by_headers or await beside_loop(size, resolve.by_model, request, body)):
            return body
        resolved = await beside_loop(size, resolve.resolve, request, self.grant, body, self.capture.registry)
        self.request = resolved.request
        self.request.parsed_bytes = size
        self.draft.request_headers |= resolved.shown
        if resolved.variables is not None:
            self.draft.variables = resolved.variables
            self.draft.request.release()
            self.draft.request = Kept(self.capture.room)
            self.draft.request.add(resolved.body or b"")
        return resolved.body

    async def _collect(self, parts: AsyncIterator[bytes]) -> bytes:
        whole = bytearray()
        async for part in parts:
            whole += part
            if len(whole) > BODY_BYTES:
                raise Refused(413, f"The body is larger than {BODY_BYTES >> 20} MiB", "too_large")
        return bytes(whole)

    async def _ask_for_usage(self, target: Target, body: Body) -> Body:
        """Where the workspace wants it: see ``usage``."""
        is_plain = not _is_compressed(self.request.fields)
        if not (self.grant.ask_for_usage and is_plain and isinstance(body, bytes)):
            return body
        if self.request.path != "/v1/chat/completions":
            return body
        if (changed := await beside_loop(len(body), usage.asking, body)) is None:
            return body
        self.hidden = usage.Hidden()
        target.headers["accept-encoding"] = "identity"
        target.headers.popall("content-length", None)
        return changed

    async def _stream_request(self, parts: list[bytes]) -> AsyncIterator[bytes]:
        for part in parts:
            yield part
        while part := await self._next_part():
            yield part

    async def _next_part(self) -> bytes:
        part = await self.upload.read()
        self.draft.request.add(part)
        self.expects_request = part != b""
        return part

    async def _take_rest(self) -> None:
        """Read a request that goes nowhere, for the record, as long as the record keeps it."""
        with suppress(ClientLeft, Refused):
            while self.expects_request and self.draft.request.whole:
                await self._next_part()

    async def _stop_with_client(self) -> None:
        """Whoever stops a replay wants to pay no more for it."""
        while not self.caller.is_gone:
            await asyncio.sleep(LOOK_SECONDS)
        if self.running:
            self.running.cancel()

    # --- the way back --------------------------------------------------------------------------------------

    async def _pass_on(self, reply: Answer) -> None:
        """Send the answer on, chunk by chunk. A client that leaves is paid for all the same: read to the end."""
        draft = self.draft
        draft.status, draft.response_headers = reply.status, fields(reply.headers)
        streamed = draft.response_headers.get("content-type", "").lower().startswith("text/event-stream")
        headers = end_to_end(reply.headers)
        if self.hidden and streamed:
            headers.popall("content-length", None)
        else:
            self.hidden = None
        await self._start(reply.status, headers)
        before = b"\n"
        following = reply.at_hand() or None
        if streamed and following is None:  # whoever reads a stream may show that it has begun
            self.caller.flush()
        while True:
            chunk = await reply.read() if following is None else following
            following = None
            self.answered_at = time.perf_counter()
            if not chunk:
                return await self._finish(b"")
            if draft.first_byte_ms is None:
                draft.first_byte_ms = self._elapsed_ms()
            draft.response.add(chunk)
            marked = streamed and _has_end_mark(before + chunk)
            before = chunk[-_OVERLAP:] if len(chunk) >= _OVERLAP else (before + chunk)[-_OVERLAP:]
            if marked and not reply.ended():
                following = await _read_soon(reply)
            if following == b"" or (following is None and reply.ended()):
                return await self._finish(chunk)
            if shown := self._shown(chunk):
                await self.caller.write(shown)

    async def _finish(self, chunk: bytes) -> None:
        """Record the call, then send its last chunk."""
        await self._record()
        await self.caller.end(self._shown(chunk) + (self.hidden.rest() if self.hidden else b""))
        self._measure()

    def _shown(self, chunk: bytes) -> bytes:
        """What of a chunk the client gets now."""
        return self.hidden.pass_on(chunk) if self.hidden else chunk

    async def _start(self, status: int, headers: Headers) -> None:
        headers["x-portkey-trace-id"] = self.trace_id
        headers["x-portkey-log-id"] = str(self.draft.id)
        headers["x-portkey-log-url"] = self.capture.log_url(self.grant, self.draft.id)
        self.started = True
        self.capture.metrics.calls[f"{status // 100}xx"] += 1
        await self.caller.start(status, headers)

    # --- when it does not work -----------------------------------------------------------------------------

    async def _break(self, refusal: Refused) -> None:
        """The upstream failed. An answer that has begun is cut for the client as it was for us."""
        self.answered_at = time.perf_counter()
        if self.started:
            self.draft.cut = refusal.message
            await self._record()
            self.caller.cut()
        else:
            await self._refuse(refusal)

    async def _refuse(self, refusal: Refused) -> None:
        """Answer in the upstream's place, and record that."""
        body = failure(refusal.message, refusal.code)
        if not self.caller.is_gone:
            self.draft.status = refusal.status
            self.draft.response_headers = {"content-type": "application/json"}
            self.draft.response.add(body)
        await self._record()
        if not self.caller.is_gone:
            headers: Headers = CIMultiDict({"content-type": "application/json", "content-length": str(len(body))})
            headers.update(refusal.headers)
            await self._start(refusal.status, headers)
            await self.caller.end(body)
        self._measure()

    def _late(self, target: Target) -> Refused:
        if target.timeout is not None:
            ms = round(target.timeout * 1000)
            return Refused(408, f"Request exceeded the timeout sent in the request: {ms}ms", "timeout_error")
        return Refused(504, f"{self._who()} did not answer in time", "gateway_timeout")

    def _who(self) -> str:
        return self.draft.provider or "The gateway"

    # --- the record ----------------------------------------------------------------------------------------

    async def _record(self) -> None:
        """Put the log into the spool. Nothing that goes wrong with it may harm the call."""
        if self.recorded:
            return
        self.recorded = True
        draft = self.draft
        draft.latency_ms = self._elapsed_ms()
        draft.client_left = self.caller.is_gone and not self.stopped
        self.capture.metrics.clients_left += draft.client_left
        try:
            size = draft.request.size + draft.response.size
            is_compressed = _is_compressed(draft.request_headers) or _is_compressed(draft.response_headers)
            if size > MAX_LOOP_BYTES or is_compressed:
                await asyncio.to_thread(self._store)
            else:
                self._store()
        except Exception:
            self.capture.recorder.counts["dropped"] += 1
            logger.exception("The log %s could not be recorded", draft.id)

    def _store(self) -> None:
        grant = self.grant
        record = self.draft.to_record(workspace_id=grant.workspace_id, api_key_id=grant.api_key_id)
        self.capture.recorder.append(record)

    def _elapsed_ms(self) -> int:
        return round((self.answered_at - self.began) * 1000)

    def _measure(self) -> None:
        """What we took: all but the time between sending the request and the answer's last byte."""
        waited = self.answered_at - self.sent_at
        self.capture.metrics.observe_added(time.perf_counter() - self.began - waited)


def _is_compressed(headers: Mapping[str, str]) -> bool:
    """Whether a body may be of any size without its Content-Encoding."""
    return "content-encoding" in headers


def _has_end_mark(octets: bytes) -> bool:
    """The search at the starts of lines takes long; most chunks have none of the words."""
    return any(word in octets for word in _END_WORDS) and _END_MARK.search(octets) is not None


async def _read_soon(reply: Answer) -> bytes | None:
    """What comes next within END_SECONDS. None where nothing does, or an error, which the next read meets again."""
    with suppress(TimeoutError, ClientError, OSError):
        async with asyncio.timeout(END_SECONDS):
            return await reply.read()
    return None

"""The ASGI application of the web process.

No thread waits for a client: bodies are read here, under limits, before a thread runs Django on the complete
request. Ingest and the health check have threads of their own, so that neither waits for pages, nor pages for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from io import BytesIO

from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.urls import Resolver404, resolve

from portkey_logs.accounts import api_key_cache
from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.api.errors import api_error
from portkey_logs.api.keys import api_key_of
from portkey_logs.front import limits
from portkey_logs.front.bodies import Admission, Allowance, Body, ClientGone, Message, Receive, RequestRefused, Send
from portkey_logs.front.shares import key_shares
from portkey_logs.front.threads import ThreadPool
from portkey_logs.front.wsgi import Answer, Application, Environ, environ_of, give_body

API = "/v1/"
HEALTH = "/healthz"
INGEST = frozenset({"/v1/logs", "/v1/feedback"})  # POSTs that record something
CLOSE = (b"connection", b"close")


class Front:
    """Serves a Django application."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._pages = ThreadPool("page", limits.MAX_PAGE_THREADS, limits.MAX_WAITING_PAGES)
        self._ingest = ThreadPool("ingest", limits.MAX_INGEST_THREADS, limits.MAX_WAITING_INGEST)
        self._health = ThreadPool("health", limits.MAX_HEALTH_THREADS, limits.MAX_WAITING_HEALTH)
        self._known = Allowance(limits.MAX_HELD_KNOWN_BYTES)
        self._unknown = Allowance(limits.MAX_HELD_UNKNOWN_BYTES)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        environ = environ_of(scope)
        body = Body()
        try:
            grant = await self._grant_of(environ)
            with self._share_of(grant, environ) as count:
                is_read = await self._read(environ, body, receive, grant, count)
                give_body(environ, body)
                await self._run(environ, receive if is_read else None, send)
        except RequestRefused as refusal:
            await send_refusal(send, environ["PATH_INFO"], refusal)
        except ClientGone:
            pass
        finally:
            body.close()

    def _pool_of(self, environ: Environ) -> ThreadPool:
        if environ["PATH_INFO"] == HEALTH:
            return self._health
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] in INGEST:
            return self._ingest
        return self._pages

    def _share_of(self, grant: Grant | None, environ: Environ) -> AbstractContextManager[Callable[[int], None]]:
        """Begin the part of a call in its key's share; see ``KeyShares.begin``."""
        if grant is None:
            return nullcontext(lambda size: None)
        declared = min(declared_bytes(environ), limits.MAX_LARGE_BODY_BYTES)  # more than that is not taken
        return key_shares().begin(grant, declared, is_ingest=self._pool_of(environ) is self._ingest)

    async def _read(
        self, environ: Environ, body: Body, receive: Receive, grant: Grant | None, count: Callable[[int], None]
    ) -> bool:
        """Read the request's body; False where it stays unread, for the health check, and for no valid API key."""
        path, declared = environ["PATH_INFO"], declared_bytes(environ)
        if not declared and "HTTP_TRANSFER_ENCODING" not in environ:
            return True
        if path == HEALTH:
            return False
        by_key = path.startswith(API)
        if by_key and grant is None:
            return False  # Django says what is wrong with the key

        async def admit(size: int) -> Admission:
            if size <= limits.MAX_BODY_BYTES:
                return Admission(limits.MAX_BODY_BYTES, self._known if by_key else self._unknown)
            if not takes_large_bodies(path):
                raise too_large(limits.MAX_BODY_BYTES)
            if not by_key and not await self._pages.run(lambda: is_signed_in(environ)):
                raise too_large(limits.MAX_BODY_BYTES, " from callers who are not signed in")
            if size > limits.MAX_LARGE_BODY_BYTES:
                raise too_large(limits.MAX_LARGE_BODY_BYTES)
            return Admission(limits.MAX_LARGE_BODY_BYTES, self._known)

        await body.fill(receive, admit, count, declared)
        return True

    async def _grant_of(self, environ: Environ) -> Grant | None:
        """What the API key of an API call allows; a key that is not in memory is looked up in the database."""
        if not environ["PATH_INFO"].startswith(API):
            return None
        key = api_key_of(without_body(environ))
        if not key:
            return None
        return api_key_cache.keyring.known(key) or await self._pages.run(lambda: api_key_cache.find(key))

    async def _run(self, environ: Environ, receive: Receive | None, send: Send) -> None:
        """Run the application; without ``receive`` the body is still to come, and the connection ends."""
        answer = Answer(send, [] if receive else [CLOSE])
        watch = asyncio.create_task(_watch(receive, answer)) if receive else None
        try:
            messages = await self._pool_of(environ).run(lambda: answer.run(self._application, environ))
        finally:
            if watch:
                watch.cancel()
        for message in messages:
            await send(message)


async def _watch(receive: Receive, answer: Answer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    answer.client_left()


def declared_bytes(environ: Environ) -> int:
    """Return the size of the body as the head tells it; 0 where it does not."""
    return int(environ.get("CONTENT_LENGTH") or 0)


def takes_large_bodies(path: str) -> bool:
    """Whether the view at a path is one of ``accepts_large_bodies``."""
    try:
        return getattr(resolve(path).func, "accepts_large_bodies", False)
    except Resolver404:
        return False


def without_body(environ: Environ) -> WSGIRequest:
    """Return the request as far as its head goes."""
    return WSGIRequest(environ | {"wsgi.input": BytesIO()})


def is_signed_in(environ: Environ) -> bool:
    """Whether the request's session is that of an active person. Asks the database."""
    request = without_body(environ)
    SessionMiddleware(lambda _: HttpResponse()).process_request(request)
    return get_user(request).is_authenticated


def too_large(limit: int, whose: str = "") -> RequestRefused:
    """Return the refusal of a body above a limit."""
    message = f"The body is larger than {limit >> 20} MiB, the most that is taken here{whose}."
    return RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)


async def send_refusal(send: Send, path: str, refusal: RequestRefused) -> None:
    """Send it in words, for programs in the API's shape, and end the connection: its body is still to come."""
    if path.startswith(API):
        response: HttpResponse = api_error(refusal.status, str(refusal), refusal.code)
    else:
        response = HttpResponse(str(refusal), status=refusal.status, content_type="text/plain; charset=utf-8")
    if refusal.retry_after:
        response["Retry-After"] = str(refusal.retry_after)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": [*headers, CLOSE]})
    await send({"type": "http.response.body", "body": response.content})

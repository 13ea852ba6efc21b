"""Which upstream a call goes to."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from multidict import CIMultiDict

from logs.capture import demo
from logs.capture.answers import Refused
from logs.capture.direct import Direct
from logs.capture.guard import DOMAINS, Guard, GuardedResolver, check_name, options_in, urls_in
from logs.capture.headers import for_upstream
from logs.capture.parsing import beside_loop
from logs.capture.request import Request
from logs.capture.upstream import Client, Target
from logs.ingest.text import decode_json
from portkey_logs.catalog import patterns
from portkey_logs.catalog.options import camel

if TYPE_CHECKING:
    from logs.capture.app import Settings


# Paths out of which the gateway makes the host that it calls (seen in its source, 1.15.2), and the only forms of them
# that go on. All are looked at as they were sent: the gateway splits what it got, and decodes parts of it later.
_FILE_OR_BATCH = re.compile(r"/v1/(?:files|batches)/", re.ASCII)
_ID_PATH = re.compile(r"/v1/(files|batches)/([^/?]+)(?:/(?:content|output|cancel))?/?(\?.*)?", re.ASCII | re.S)
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]+")
_BUCKET_ID = re.compile(r"(?:s3|gs)://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/[^\\?#]*)?")  # with the key behind it
# For Bedrock the id and all that follows it make the host of a file: with a query the host is the id alone. Ids of
# OpenAI and Anthropic are no host's name; SDKs send "?beta=true".
_ID_BEFORE_QUERY = re.compile(r"file[-_][A-Za-z0-9]{16,64}")
_AZURE = ".openai.azure.com"  # for Azure the host is the first part of such a path
_AZURE_PATH = re.compile(r"/v1(?:/proxy)?/[A-Za-z0-9-]+\.openai\.azure\.com(?!.*/v1/proxy)(?:/.*)?")
_PROXY_WITHOUT_SLASH = re.compile(r"/v1/proxy(?!/|$)")  # what follows is put behind a host


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
            url, headers, provider, timeout = await beside_loop(request.head_bytes, self._direct.target, request)
            return Target(url, headers, provider, self._providers.open, timeout)
        check_path(request.target)
        await self._check_headers(request)
        headers = for_upstream(request.headers)
        headers["x-portkey-trace-id"] = trace_id
        return Target(f"{self._gateway_url}{request.target}", headers, None, self._gateway.open)

    async def _check_headers(self, request: Request) -> None:
        """Every address that a call gives the gateway, every name that becomes a part of one, and every regular
        expression. The gateway itself judges hosts by their names only."""
        for name, value in request.fields.items():
            if not name.startswith("x-portkey-") or name == "x-portkey-metadata":  # that it only compares
                continue
            check_name(camel(name.removeprefix("x-portkey-").replace("-", "_")), value)
            if ":" not in value and "\\" not in value:
                continue
            urls, options, unbounded = await beside_loop(len(value), _read_option, value)
            for path, problem in unbounded:
                raise Refused(400, f"{name}: {path} {problem}", "invalid_pattern")
            for url in urls:
                await self._guard.check(url)
            for option, given in options:
                check_name(option, given)
                if option in DOMAINS and isinstance(given, str):
                    await self._guard.check(f"https://{given}")

    async def close(self) -> None:
        """Close the connections."""
        await self._gateway.close()
        await self._providers.close()


def check_path(target: str) -> None:
    """Raises Refused for a path and query out of which the gateway could make a host of the caller's choice."""
    path = target.partition("?")[0]
    if _PROXY_WITHOUT_SLASH.match(path) or (_AZURE in path and not _AZURE_PATH.fullmatch(path)):
        raise Refused(400, "The path names a host", "invalid_path")
    if not _FILE_OR_BATCH.match(unquote(path)):
        return
    match = _ID_PATH.fullmatch(target)
    if match is None:
        raise Refused(400, "The path must be /v1/files/ID or /v1/batches/ID, or one of their parts", "invalid_path")
    kind, query = match[1], match[3] or ""
    id = unquote(match[2])
    if not (_PLAIN_ID.fullmatch(id) or _BUCKET_ID.fullmatch(id)):
        raise Refused(400, "An id has letters, digits, dots, dashes and underscores, or names a bucket", "invalid_id")
    if query and kind == "files" and not _ID_BEFORE_QUERY.fullmatch(id):
        raise Refused(400, "This id of a file cannot be followed by a query", "invalid_id")


def _read_option(value: str) -> tuple[list[str], list[tuple[str, Any]], list[tuple[str, str]]]:
    """Return the URLs and the options in a config, or in the guardrails of another header, and its regular expressions
    that could take too long, with their problems; of other text, the URL.

    Raises Refused.
    """
    parsed: Any = value
    with suppress(ValueError):
        parsed = decode_json(value)
    try:
        return list(urls_in(parsed)), list(options_in(parsed)), list(patterns.problems(parsed))
    except RecursionError:
        raise Refused(400, "A header is nested too deeply", "invalid_request") from None

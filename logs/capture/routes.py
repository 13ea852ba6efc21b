"""Which upstream a call goes to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from multidict import CIMultiDict

from logs.capture import demo
from logs.capture.direct import Direct
from logs.capture.headers import for_upstream
from logs.capture.parsing import beside_loop
from logs.capture.replies import Refused
from logs.capture.request import Request
from logs.capture.ssrf import DOMAINS, Guard, GuardedResolver, check_name, options_in
from logs.capture.upstream import Client, Target
from portkey_logs.catalog import patterns
from portkey_logs.catalog.hosts import HostPolicy, hosts_in, urls_in
from portkey_logs.catalog.options import camel, without_bodies
from portkey_logs.catalog.sealed import ForeignDestination, open_config
from portkey_logs.lib.text import decode_json

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
# Of the config with its prompts, which travels in one header: half of what the gateway we start takes for all.
MAX_CONFIG_BYTES = 512 * 1024
# RFC 9110, 9.3.8: TRACE is answered with the headers that came, keys included.
NEVER_PASSED_ON = frozenset({"TRACE", "CONNECT"})


class Routes:
    """To the gateway where there is one, else to the provider; ``demo`` is always here."""

    def __init__(self, settings: Settings) -> None:
        self._gateway_url = settings.gateway_url
        self._guard = Guard(settings.trusted_hosts)
        self._direct = Direct(self._guard)
        self._gateway = Client(settings.read_seconds)
        self._providers = Client(settings.read_seconds, GuardedResolver(self._guard))

    async def target(self, request: Request, trace_id: str, policy: HostPolicy) -> Target:
        """Where to send the call, with the secrets it needs. Raises Refused."""
        try:
            return await self._target(request, trace_id, policy)
        except ForeignDestination as error:
            raise Refused(400, str(error), "conflict") from None

    async def _target(self, request: Request, trace_id: str, policy: HostPolicy) -> Target:
        if request.method.upper() in NEVER_PASSED_ON:
            raise Refused(405, f"{request.method} is not passed on", "method_not_allowed")
        if request.fields.get("x-portkey-provider", "").strip().lower() == demo.NAME:
            return Target(f"demo://{request.target}", CIMultiDict(), demo.NAME, demo.open_demo)
        if self._gateway_url is None:
            url, headers, provider, timeout = await beside_loop(request.parsed_bytes, self._direct.target, request)
            self._check_policy(policy, hosts_in(url))
            return Target(url, headers, provider, self._providers.open, timeout)
        check_path(request.target)
        await self._check_headers(request, policy)
        headers = for_upstream(request.headers, with_credentials=not request.stored_hosts)
        headers["x-portkey-trace-id"] = trace_id
        if request.config is not None:
            headers["x-portkey-config"] = await beside_loop(request.parsed_bytes, _open_config, request, request.config)
        return Target(f"{self._gateway_url}{request.target}", headers, None, self._gateway.open)

    def _check_policy(self, policy: HostPolicy, hosts: Iterable[str]) -> None:
        """Raises Refused for a host that the organisation does not allow. Those that the operator trusts are inside."""
        for host in hosts:
            if not policy.allows(host) and not self._guard.trusts(host, None):
                raise Refused(403, policy.refusal(host), "host_not_allowed")

    async def _check_headers(self, request: Request, policy: HostPolicy) -> None:
        """Every address that a call gives the gateway, every name that becomes a part of one, and every regular
        expression. The gateway itself judges hosts by their names only."""
        if request.config is not None:
            await self._check_config("x-portkey-config", request.config, request.parsed_bytes, policy)
        for name, value in request.fields.items():
            if not name.startswith("x-portkey-") or name == "x-portkey-metadata":  # that it only compares
                continue
            check_name(camel(name.removeprefix("x-portkey-").replace("-", "_")), value)
            if ":" not in value and "\\" not in value:
                continue
            await self._check_config(name, value, len(value), policy)

    async def _check_config(self, header: str, config: Any, size: float, policy: HostPolicy) -> None:
        """Check a config, or the text of a header of ``size`` bytes. Raises Refused."""
        read = await beside_loop(size, _read_config, config)
        for path, problem in read.unbounded_patterns:
            raise Refused(400, f"{header}: {path} {problem}", "invalid_pattern")
        self._check_policy(policy, read.hosts)
        for url in read.urls:
            await self._guard.check(url)
        for option, given in read.options:
            check_name(option, given)
            if option in DOMAINS and isinstance(given, str):
                self._check_policy(policy, hosts_in(f"https://{given}"))
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


def _open_config(request: Request, config: dict[str, Any]) -> str:
    """The config with its secrets, as the gateway takes it. Raises ForeignDestination and Refused."""
    fields = request.fields
    opened = open_config(config, fields.get("x-portkey-custom-host"), fields.get("x-portkey-provider"))
    text = json.dumps(opened, separators=(",", ":"))
    if len(text) > MAX_CONFIG_BYTES:
        raise Refused(400, f"The config and its prompts exceed {MAX_CONFIG_BYTES // 1024} KiB", "too_large")
    return text


class _ReadConfig(NamedTuple):
    """What has to be checked of a config. ``unbounded_patterns`` have the path and the problem of each."""

    hosts: list[str]
    urls: list[str]
    options: list[tuple[str, Any]]
    unbounded_patterns: list[tuple[str, str]]


def _read_config(value: Any) -> _ReadConfig:
    """Read a config, the guardrails of another header as JSON, or any other text. Raises Refused."""
    parsed = value
    if isinstance(value, str):
        try:
            parsed = decode_json(value)
        except ValueError:  # the gateway may read it all the same: numbers of any length, any depth
            if value.lstrip()[:1] in ("{", "["):
                raise Refused(400, "A header holds JSON that cannot be read", "invalid_request") from None
    try:
        return _ReadConfig(
            hosts_in(parsed),
            list(urls_in(parsed)),
            list(options_in(without_bodies(parsed))),
            list(patterns.problems(parsed)),
        )
    except RecursionError:
        raise Refused(400, "A header is nested too deeply", "invalid_request") from None

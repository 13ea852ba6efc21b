"""A client's call as it came in."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from multidict import CIMultiDict

from logs.capture.headers import Headers, bearer, fields
from logs.capture.replies import Refused
from portkey_logs.accounts import internal_tokens
from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.accounts.tokens import API_KEY_PREFIX

# What Portkey's control plane serves under the same base URL as the models.
_CONTROL = re.compile(
    r"/v1/openapi\.json|/v1/(?:logs|feedback|configs|virtual-keys|analytics|api-keys|providers|integrations|otel|labels|collections"
    r"|guardrails)(?:/.*)?"
    # A prompt is run by whoever serves the models.
    r"|/v1/prompts(?!/[^/]+/completions/?$)(?:/.*)?",
    re.S,
)
_DOTS = re.compile(r"[/\\]\.{1,2}(?:[/\\]|$)|\\")


class Request:
    """Method, target and headers. ``path`` is decoded, ``target`` is path and query as they were sent.

    ``config`` is the config of a resolved call, its secrets sealed; ``stored_hosts`` are the origins that a stored
    config or virtual key names, and not the caller. ``parsed_bytes`` is about the size of what of it is parsed: its
    headers as they came, and the body of a resolved call.
    """

    __slots__ = ("config", "fields", "headers", "method", "parsed_bytes", "path", "stored_hosts", "target")

    def __init__(self, method: str, target: str, given: Headers) -> None:
        self.method = method
        self.path = unquote(target.partition("?")[0])
        self.target = target
        self.headers = given
        self.fields = fields(given)
        self.parsed_bytes: float = sum(map(len, self.fields.values()))
        self.config: dict[str, Any] | None = None
        self.stored_hosts: frozenset[str] = frozenset()

    @property
    def is_control(self) -> bool:
        """Whether web answers it."""
        return _CONTROL.fullmatch(self.path) is not None

    @property
    def declared_bytes(self) -> int:
        """Size of the body as its head tells it; 0 where it does not."""
        return int(self.fields.get("content-length") or 0)

    @property
    def has_body(self) -> bool:
        """Whether a body follows."""
        return self.declared_bytes > 0 or "transfer-encoding" in self.fields

    def check_path(self) -> None:
        """Only what is below /v1/, whoever reads the path: a gateway resolves dots and reads \\ as /.

        Also as it was sent: what stands behind /v1 is put behind a host, and "%2f@elsewhere" would be no path of it.
        """
        is_below = self.path.startswith("/v1/") and self.target.startswith("/v1/")
        if not is_below or _DOTS.search(self.path):
            raise Refused(404, f"There is nothing at {self.path[:200]}; calls go to /v1/…", "not_found")

    def changed(self, path: str, replaced: Mapping[str, str | None]) -> Request:
        """The same call to another path, with other headers; None takes one away."""
        new = copy.copy(self)
        if path != self.path:
            new.path, new.target = path, path + "".join(self.target.partition("?")[1:])
        new.headers = CIMultiDict(self.headers)
        for name, value in replaced.items():
            new.headers.popall(name, None)
            if value is not None:
                new.headers[name] = value
        new.fields = fields(new.headers)
        return new

    def grant(self, known: Callable[[str], Grant | None]) -> Grant:
        """What the caller's key or pass allows. Raises Refused (401) without one that we know.

        SDKs send a placeholder or the provider's own key as bearer: that counts only if it is one of ours.
        """
        candidates = (self.fields.get("x-portkey-api-key", "").strip(), bearer(self.fields.get("authorization", "")))
        for key in candidates:
            if key.startswith(API_KEY_PREFIX) and (grant := known(key) or internal_tokens.read(key)) is not None:
                return grant
        raise Refused(401, "Portkey Error: Invalid API Key. Error Code: 03", "03")

"""Without a gateway: calls go straight to providers that speak OpenAI's API, and to Anthropic.

What only a gateway does (strategies, retries, cache, guardrails, keys kept for the caller) is refused in
words that name the setting to make: an answer without it would look as if it had been done.
"""

from __future__ import annotations

from typing import Any

from multidict import CIMultiDict

from logs.capture.headers import bearer, for_upstream
from logs.capture.replies import Refused
from logs.capture.request import Request
from logs.capture.ssrf import Guard
from logs.llm import request_context as call_origin
from logs.llm.providers.base import mapping
from portkey_logs.catalog.providers import BASE_URLS
from portkey_logs.catalog.sealed import SealedSecret, origin_of

ANTHROPIC_VERSION = "2023-06-01"  # the API's only version so far; the gateway sends it too

_SET = "Set PORTKEY_GATEWAY_URL, or start with --with-gateway."
_WORDS = {
    "strategy": "a strategy",
    "targets": "several targets",
    "retry": "retries",
    "cache": "a cache",
    "override_params": "other parameters",
    "default_params": "default parameters",
    "input_guardrails": "guardrails",
    "output_guardrails": "guardrails",
    "before_request_hooks": "guardrails",
    "after_request_hooks": "guardrails",
}
_CAMEL = {"api_key": "apiKey", "custom_host": "customHost", "request_timeout": "requestTimeout"}


class Direct:
    """Where a call goes, as its own headers say it."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def target(self, request: Request) -> tuple[str, CIMultiDict[str], str, float | None]:
        """URL, headers, provider, and seconds that the caller gives the answer.

        Raises Refused (400), and ForeignDestination where a stored secret may not go to the URL.
        """
        config = _config(request)
        provider = (request.fields.get("x-portkey-provider") or config.get("provider") or "").strip().lower()
        if not provider:
            raise Refused(400, "Either x-portkey-config or x-portkey-provider header is required", "invalid_request")
        host = request.fields.get("x-portkey-custom-host") or _get(config, "custom_host") or BASE_URLS.get(provider)
        if not host:
            known = ", ".join(BASE_URLS)
            raise Refused(
                400,
                f"Without a gateway the provider {provider[:100]!r} is not known; known are {known}. {_SET}",
                "unknown_provider",
            )
        if self._guard.parse(str(host)).raw_user is not None:
            raise Refused(400, "A host is named without a user name or password", "invalid_host")
        url = str(host).rstrip("/") + request.target.removeprefix("/v1")
        origin = origin_of(url)
        api_key = _get(config, "api_key")
        if isinstance(api_key, SealedSecret):
            api_key = api_key.open(origin)
        if isinstance(api_key, str) and not api_key.isprintable():
            raise Refused(400, "The provider's key has characters that no header may have", "invalid_request")
        with_credentials = origin not in request.stored_hosts
        headers = _headers(request, provider, api_key, with_credentials=with_credentials)
        return url, headers, provider, _timeout(request, config)


def _config(request: Request) -> dict[str, Any]:
    """The call's config, its only target taken in. Raises Refused for what takes a gateway."""
    config = request.config or call_origin.read_config(request.fields)
    if isinstance(config, str):
        raise Refused(400, "x-portkey-config must be a JSON object or the slug of a config", "invalid_request")
    if config is None:
        return {}
    targets = config.get("targets")
    single = mapping(config.get("strategy")).get("mode", "single") == "single"
    if single and isinstance(targets, list) and len(targets) == 1 and isinstance(targets[0], dict):
        config = {name: value for name, value in config.items() if name not in ("targets", "strategy")} | targets[0]
    for name, word in _WORDS.items():
        if config.get(name):
            raise Refused(400, f"The config asks for {word}, which takes a gateway. {_SET}", "needs_gateway")
    if not isinstance(config.get("provider") or "", str):
        raise Refused(400, "provider must be a string", "invalid_request")
    return config


def _get(config: dict[str, Any], name: str) -> Any:
    return config.get(name) or config.get(_CAMEL[name])


def _headers(request: Request, provider: str, api_key: Any, *, with_credentials: bool) -> CIMultiDict[str]:
    """The caller's own headers; those for a gateway are none of the provider's business."""
    headers = for_upstream(request.headers, with_credentials=with_credentials)
    for name in [name for name in headers if name.lower().startswith("x-portkey-")]:
        headers.popall(name, None)
    if isinstance(api_key, str) and api_key:
        headers["authorization"] = f"Bearer {api_key}"
    if provider == "anthropic" and request.path.startswith("/v1/messages"):
        key = bearer(headers.get("authorization", ""))
        if key and "x-api-key" not in headers:
            headers["x-api-key"] = key
        headers.popall("authorization", None)
        headers.setdefault("anthropic-version", ANTHROPIC_VERSION)
    return headers


def _timeout(request: Request, config: dict[str, Any]) -> float | None:
    value = request.fields.get("x-portkey-request-timeout") or _get(config, "request_timeout")
    try:
        ms = float(value) if value is not None else 0.0
    except (TypeError, ValueError):
        raise Refused(400, "x-portkey-request-timeout must be milliseconds", "invalid_request") from None
    return ms / 1000 if ms > 0 else None

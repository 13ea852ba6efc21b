"""What the gateway did with a request: cache, retry, fallback, load balance.

One pure function from the request's config and the ``x-portkey-*`` headers of
the answer to the four states, plus the words they are shown in. The rules were
measured on the open-source gateway 1.15.2, which reports:

* ``x-portkey-cache-status``: DISABLED, MISS, HIT, REFRESH (hosted also SEMANTIC HIT / SEMANTIC MISS)
* ``x-portkey-retry-attempt-count``: retries of the last target tried, -1 when they ran out
* ``x-portkey-last-used-option-index``: ``config.targets[1].targets[0]``, zero-based; ``config`` without any

None of these headers: the request never reached the gateway's routing, so
everything is disabled or not triggered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from logs.llm.vocabulary import GATEWAY_STATES, CacheStatus, FallbackStatus, LoadbalanceStatus, RetryStatus

_PATH = re.compile(r"config(?:\.targets\[\d{1,4}\]){0,64}")
_INDEX = re.compile(r"\[(\d+)\]")
_COUNT = re.compile(r"-?\d{1,4}", re.ASCII)

_CACHE_STATES: dict[str, CacheStatus] = {
    "MISS": CacheStatus.MISS,
    "SEMANTIC MISS": CacheStatus.MISS,
    "REFRESH": CacheStatus.REFRESHED,
    "HIT": CacheStatus.HIT,
    "SEMANTIC HIT": CacheStatus.SEMANTIC_HIT,
}


_TARGET_FIELDS = (
    ("provider", "provider"),
    ("virtual_key", "virtualKey"),
    ("prompt_id", "promptId"),
    ("prompt_version_id", "promptVersionId"),
)
_RETRY_AFTER = ("use_retry_after_header", "use_retry_after_headers", "useRetryAfterHeader")


class GatewayStatus(msgspec.Struct, kw_only=True, frozen=True):
    """What the gateway did, in the stored vocabulary.

    ``fallback_option`` is the zero-based index of the option that answered.
    """

    cache_status: CacheStatus = CacheStatus.DISABLED
    retry_status: RetryStatus = RetryStatus.NOT_TRIGGERED
    retry_count: int = 0
    fallback_status: FallbackStatus = FallbackStatus.DISABLED
    fallback_option: int | None = None
    loadbalance_status: LoadbalanceStatus = LoadbalanceStatus.DISABLED
    option_path: str | None = None


class Step(NamedTuple):
    """One node of the config that the request passed, and the option taken there.

    ``option`` is None at the last node; ``node`` is empty where the config does
    not have what the path names.
    """

    node: Mapping[str, Any]
    option: int | None


def derive(
    config: object,
    response_headers: Mapping[str, str],
    status_code: int | None,
    request_headers: Mapping[str, str],
) -> GatewayStatus:
    """The gateway's states for one exchange.

    ``config`` is the parsed ``x-portkey-config``: a dict, None when there was
    none, or a string when only its id (``pc-…``) or unreadable text is known.
    A config nobody can see is taken at the gateway's word: the cache state is
    the header's, and an answer from one of several targets leaves fallback and
    load balance ``unknown``, because both look alike from outside.

    ``x-portkey-cache-force-refresh`` in ``request_headers`` needs no look of its
    own: the gateway answers REFRESH whenever the header is present, even "false".
    """
    del request_headers
    option_path = _option_path(response_headers)
    steps = list(walk(config, option_path)) if option_path else []
    retry_status, retry_count = _retry(steps, response_headers, status_code)
    fallback_status, fallback_option = _fallback(steps)
    loadbalance_status = _loadbalance(steps)
    if isinstance(config, str) and option_path and "[" in option_path:
        fallback_status, loadbalance_status = FallbackStatus.UNKNOWN, LoadbalanceStatus.UNKNOWN
    return GatewayStatus(
        cache_status=_cache(config, steps, response_headers),
        retry_status=retry_status,
        retry_count=retry_count,
        fallback_status=fallback_status,
        fallback_option=fallback_option,
        loadbalance_status=loadbalance_status,
        option_path=option_path,
    )


def walk(config: object, option_path: str | None) -> Iterator[Step]:
    """The nodes of ``config`` from its root along ``config.targets[i]…``.

    A path that is missing or not of this form visits the root alone; a node the
    config does not have comes out empty, and the walk goes on to the path's end.
    """
    known = option_path if option_path and _PATH.fullmatch(option_path) else ""
    node = config if isinstance(config, dict) else {}
    for index in map(int, _INDEX.findall(known)):
        yield Step(node, index)
        targets = node.get("targets")
        target = targets[index] if isinstance(targets, list) and index < len(targets) else None
        node = target if isinstance(target, dict) else {}
    yield Step(node, None)


def target_at(config: object, option_path: str | None) -> dict[str, Any] | None:
    """The target that served the request, with what it inherits from its parents.

    Holds those of ``provider``, ``virtual_key``, ``prompt_id``, ``prompt_version_id``
    (str) and ``override_params`` (dict, merged from the root down) that are set on
    the path, in snake_case whatever the config used. None when ``config`` is no
    object.
    """
    if not isinstance(config, dict):
        return None
    target: dict[str, Any] = {}
    for step in walk(config, option_path):
        for name, alias in _TARGET_FIELDS:
            value = step.node.get(name) or step.node.get(alias)
            if isinstance(value, str) and value:
                target[name] = value
        params = step.node.get("override_params") or step.node.get("overrideParams")
        if isinstance(params, dict):
            target["override_params"] = {**target.get("override_params", {}), **params}
    return target


def _option_path(headers: Mapping[str, str]) -> str | None:
    """The option path as given when it is one, else None (garbage names no option)."""
    value = header(headers, "x-portkey-last-used-option-index")
    return value if value and _PATH.fullmatch(value) else None


def _cache(config: object, steps: list[Step], headers: Mapping[str, str]) -> CacheStatus:
    value = header(headers, "x-portkey-cache-status") or ""
    state = _CACHE_STATES.get(value.upper().replace("_", " "), CacheStatus.DISABLED)
    if isinstance(config, str):
        return state
    # A gateway with its cache compiled in says MISS or REFRESH even where no cache is configured. Without an
    # option path the root is all that can be looked at.
    cache = _innermost(steps or list(walk(config, None)), "cache")
    mode = cache.get("mode") if isinstance(cache, dict) else cache
    return state if isinstance(mode, str) and mode else CacheStatus.DISABLED


def _retry(steps: list[Step], headers: Mapping[str, str], status_code: int | None) -> tuple[RetryStatus, int]:
    value = header(headers, "x-portkey-retry-attempt-count") or ""
    count = int(value) if _COUNT.fullmatch(value) else 0
    if count == 0:
        return RetryStatus.NOT_TRIGGERED, 0
    if count < 0:
        return RetryStatus.FAILED, _configured_attempts(steps)
    # A retry may meet an error that is not retried: the count is positive then and the call failed.
    if status_code is not None and status_code < 400:
        return RetryStatus.SUCCESS, count
    return RetryStatus.FAILED, count


def _configured_attempts(steps: list[Step]) -> int:
    """How many retries lie behind the gateway's -1: all that were configured, 0 where that is not known.

    With ``use_retry_after_header`` a wait of more than 60 s ends the retries at once, so nothing is known.
    """
    retry = _innermost(steps, "retry")
    if not isinstance(retry, dict):
        return 0
    if any(retry.get(name) for name in _RETRY_AFTER):
        return 0
    attempts = retry.get("attempts")
    return attempts if isinstance(attempts, int) and 0 < attempts <= 9999 else 0


def _fallback(steps: list[Step]) -> tuple[FallbackStatus, int | None]:
    taken = [step.option for step in steps if _mode(step.node) == "fallback"]
    if not taken:
        return FallbackStatus.DISABLED, None
    for index in taken:  # the outermost fallback that left its first option
        if index:
            return FallbackStatus.TRIGGERED, index
    return FallbackStatus.ACTIVE, taken[0]


def _loadbalance(steps: list[Step]) -> LoadbalanceStatus:
    is_active = any(_mode(step.node) == "loadbalance" for step in steps)
    return LoadbalanceStatus.ACTIVE if is_active else LoadbalanceStatus.DISABLED


def _mode(node: Mapping[str, Any]) -> str | None:
    strategy = node.get("strategy")
    mode = strategy.get("mode") if isinstance(strategy, dict) else None
    return mode.lower() if isinstance(mode, str) else None


def _innermost(steps: list[Step], key: str) -> Any:
    """The setting in force at the end of the path: targets inherit what they do not set themselves.

    The gateway tests for truth in JavaScript's sense, where ``{}`` counts as set.
    """
    for step in reversed(steps):
        value = step.node.get(key)
        if value or isinstance(value, (dict, list)):
            return value
    return None


class Headers(dict[str, str]):
    """Headers with lower-case names, for which a look-up needs no search."""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Headers:
        return headers if isinstance(headers, cls) else cls(zip(map(str.lower, headers), headers.values(), strict=True))


def header(headers: Mapping[str, str], name: str) -> str | None:
    """The trimmed value of header ``name`` (lower case), whatever case the mapping uses; None when absent."""
    value = headers.get(name)
    if type(headers) is Headers:
        return value and value.strip()
    if value is None:
        value = next((v for k, v in headers.items() if k.lower() == name), None)
    return value.strip() if isinstance(value, str) else None


# --- words -------------------------------------------------------------------------------------------------


class Labels(NamedTuple):
    """The exact words of the four states."""

    cache: str
    retry: str
    fallback: str
    loadbalance: str


def labels(status: GatewayStatus) -> Labels:
    """Return the texts of the four states, as Portkey writes them: "Retry Success on 2 Tries".

    An option counts from zero, as the gateway does.
    """
    return Labels(
        status.cache_status.text,
        status.retry_status.text.format(x=status.retry_count),
        status.fallback_status.text.format(x=status.fallback_option),
        status.loadbalance_status.text,
    )


class GuideEntry(NamedTuple):
    """One state of the help table: ``{x}`` in ``text`` stands for the number."""

    group: str
    state: str
    text: str
    meaning: str


GUIDE: tuple[GuideEntry, ...] = tuple(
    GuideEntry(group, state.value, state.text, state.meaning)
    for group, states in GATEWAY_STATES.items()
    for state in states
)

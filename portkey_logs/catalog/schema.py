"""What a config may hold: what the open-source gateway 1.15.2 takes, with the place and the reason of each error.

Stricter than the gateway's own check where the gateway would pass a config and then fail each call with it, such as a
fallback without targets. Keys that the gateway does not know are kept, with a warning. Knows no Django.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from portkey_logs.catalog import patterns
from portkey_logs.catalog.hosts import wrong_with_host
from portkey_logs.catalog.providers import KEYLESS, PROVIDERS

MAX_DEPTH = 10  # targets in targets; the deepest of real ones have three
MAX_TARGETS = 200  # all together: each of them may become a call

MODES = ("single", "loadbalance", "fallback", "conditional")
CACHE_MODES = ("simple", "semantic")
OPERATORS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$regex", "$and", "$or")


class Finding(NamedTuple):
    """Something at a place of the config: ``path`` is like ``targets[1].retry.attempts``, "" for the config itself."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or 'config'}: {self.message}"


class Report(NamedTuple):
    """``errors`` are what the gateway would refuse or fail at, ``warnings`` what it would pass over."""

    errors: list[Finding]
    warnings: list[Finding]


class Reference(NamedTuple):
    """A virtual key, or a prompt, that a config names at ``path``."""

    kind: str  # "virtual_key" or "prompt"
    slug: str
    path: str


def check(config: Any, trusted_hosts: frozenset[str] = frozenset()) -> Report:
    """What is wrong with ``config``. ``trusted_hosts``: hosts inside the network that the operator allows."""
    checker = _Checker(trusted_hosts)
    checker.config(config, "", 0)
    unbounded = [Finding(path, problem) for path, problem in patterns.problems(config)]
    return Report(checker.errors + unbounded, checker.warnings)


def references(config: Any) -> list[Reference]:
    """All that the config, or any target in it, refers to by slug."""
    return list(_references(config, ""))


def _references(node: Any, path: str) -> Iterator[Reference]:
    if not isinstance(node, dict):
        return
    if slug := virtual_key_of(node):
        where = next((name for name in ("virtual_key", "provider") if node.get(name)), "override_params.model")
        yield Reference("virtual_key", slug, _join(path, where))
    if isinstance(node.get("prompt_id"), str) and node["prompt_id"]:
        yield Reference("prompt", node["prompt_id"], _join(path, "prompt_id"))
    targets = node.get("targets")
    for index, target in enumerate(targets if isinstance(targets, list) else []):
        yield from _references(target, f"{_join(path, 'targets')}[{index}]")


def virtual_key_of(node: dict[str, Any]) -> str | None:
    """The slug of the virtual key that a target names: by ``virtual_key``, by ``provider: "@slug"``, by its model."""
    named = node.get("virtual_key")
    if isinstance(named, str) and named:
        return named.removeprefix("@")
    if (provider := node.get("provider")) is not None:
        return provider[1:] if isinstance(provider, str) and provider.startswith("@") and len(provider) > 1 else None
    params = node.get("override_params")
    model = params.get("model") if isinstance(params, dict) and "targets" not in node else None
    return model[1:].partition("/")[0] or None if isinstance(model, str) and model.startswith("@") else None


# --- kinds of values: each gives what it should be where it is not -----------------------------------------------


def _string(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a string"


def _number(value: Any) -> str | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        fine = is_number and math.isfinite(value)
    except OverflowError:  # hundreds of digits are no number to anybody else
        fine = False
    return None if fine else "must be a number"


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _object(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def _list_of(kind: Callable[[Any], str | None], what: str) -> Callable[[Any], str | None]:
    def listed(value: Any) -> str | None:
        fine = isinstance(value, list) and all(kind(item) is None for item in value)
        return None if fine else f"must be a list of {what}"

    return listed


def _guardrails(value: Any) -> str | None:
    fine = _list_of(_string, "ids")(value) is None or _list_of(_object, "objects")(value) is None
    return None if fine else "must be a list of ids or a list of objects"


def _texts(value: Any) -> str | None:
    fine = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return None if fine else "must be an object of strings"


_numbers, _objects = _list_of(_number, "numbers"), _list_of(_object, "objects")

_STRINGS = (
    "provider api_key virtual_key prompt_id custom_host aws_secret_access_key aws_access_key_id aws_session_token"
    " aws_region vertex_project_id vertex_region openai_project openai_organization azure_model_name azure_auth_mode"
)
# What the gateway uses unchecked, and those that are looked at one by one.
_USED = (
    "name id strategy targets cache retry drop_params input_mutators output_mutators default_input_guardrails"
    " default_output_guardrails resource_name deployment_id api_version azure_ad_token azure_managed_client_id"
    " azure_workload_client_id azure_entra_client_id azure_entra_client_secret azure_entra_tenant_id"
    " azure_entra_scope azure_api_version azure_endpoint_name azure_foundry_url azure_extra_parameters"
    " azure_deployment_name azure_deployment_type aws_auth_type aws_role_arn aws_external_id aws_s3_bucket"
    " aws_s3_object_key aws_bedrock_model aws_server_side_encryption workers_ai_account_id openai_beta"
    " huggingface_base_url vertex_storage_bucket_name vertex_model_name vertex_batch_endpoint anthropic_beta"
    " anthropic_version anthropic_api_key fireworks_account_id mistral_fim_completion stability_client_id"
    " stability_client_user_id stability_client_version snowflake_account oracle_api_version oracle_region"
    " oracle_compartment_id oracle_serving_mode oracle_tenancy oracle_user oracle_fingerprint oracle_private_key"
    " oracle_key_passphrase cb_config"
)
# Every option that the gateway checks by its kind.
_KINDS: dict[str, Callable[[Any], str | None]] = {
    **dict.fromkeys(_STRINGS.split(), _string),
    "weight": _number,
    "request_timeout": _number,
    "on_status_codes": _numbers,
    "forward_headers": _list_of(_string, "header names"),
    "strict_open_ai_compliance": _boolean,
    "before_request_hooks": _objects,
    "after_request_hooks": _objects,
    "input_guardrails": _guardrails,
    "output_guardrails": _guardrails,
    "vertex_service_account_json": _texts,
    "override_params": _object,
    "default_params": _object,
}
KNOWN_OPTIONS = _KINDS.keys() | set(_USED.split())
_CAPITAL = re.compile(r"(?<!^)([A-Z])")
# Any of them lets the gateway take a config without a provider's key.
_SUFFICIENT = (
    "cache",
    "retry",
    "request_timeout",
    "before_request_hooks",
    "after_request_hooks",
    "input_guardrails",
    "output_guardrails",
)


class _Checker:
    def __init__(self, trusted_hosts: frozenset[str]) -> None:
        self._trusted = trusted_hosts
        self._targets = 0
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []

    def config(self, node: Any, path: str, depth: int) -> None:
        """A config, or a target: they have one schema."""
        if not isinstance(node, dict):
            return self._wrong(path, "must be an object")
        if depth > MAX_DEPTH:
            return self._wrong(path, f"targets may lie at most {MAX_DEPTH} deep")
        self._options(node, path)
        self._cache(node, path)
        self._retry(node, path)
        self._strategy(node, path)
        self._targets_of(node, path, depth)
        self._provider(node, path, depth)
        if "options" in node:
            self._wrong(_join(path, "options"), "belongs to an old version of configs; use strategy and targets")
        return None

    def _options(self, node: dict[str, Any], path: str) -> None:
        for name, value in node.items():
            place = _join(path, name)
            kind = _KINDS.get(name)
            if kind is not None:
                self._kind(place, kind, value)
            elif name not in KNOWN_OPTIONS and name != "options":
                snake = _CAPITAL.sub(r"_\1", name).lower()
                hint = f"; did you mean {snake}?" if snake != name and snake in KNOWN_OPTIONS else ""
                self.warnings.append(Finding(place, f"is not known to the gateway and has no effect{hint}"))
        host = node.get("custom_host")
        if isinstance(host, str) and host and (problem := wrong_with_host(host, self._trusted)):
            self._wrong(_join(path, "custom_host"), problem)

    def _cache(self, node: dict[str, Any], path: str) -> None:
        if (cache := self._part(node, "cache", path)) is None:
            return
        place = _join(path, "cache")
        self._one_of(_join(place, "mode"), cache.get("mode"), CACHE_MODES)
        self._kind_if(cache, "max_age", _number, place)
        self._unknown(cache, {"mode", "max_age"}, place)

    def _retry(self, node: dict[str, Any], path: str) -> None:
        if (retry := self._part(node, "retry", path)) is None:
            return
        place = _join(path, "retry")
        self._kind(_join(place, "attempts"), _number, retry.get("attempts"))
        self._kind_if(retry, "on_status_codes", _numbers, place)
        self._kind_if(retry, "use_retry_after_header", _boolean, place)
        self._unknown(retry, {"attempts", "on_status_codes", "use_retry_after_header"}, place)

    def _strategy(self, node: dict[str, Any], path: str) -> None:
        if (strategy := self._part(node, "strategy", path)) is None:
            return
        place = _join(path, "strategy")
        mode = strategy.get("mode")
        self._one_of(_join(place, "mode"), mode, MODES)
        self._kind_if(strategy, "on_status_codes", _numbers, place)
        self._kind_if(strategy, "default", _string, place)
        self._unknown(strategy, {"mode", "on_status_codes", "conditions", "default", "sticky", "cb_config"}, place)
        if "targets" not in node:
            self._wrong(_join(path, "targets"), "is missing: a strategy needs targets to choose from")
        if "conditions" in strategy or mode == "conditional":
            self._conditions(strategy, _names_of(node), place)

    def _conditions(self, strategy: dict[str, Any], names: set[str], place: str) -> None:
        conditions = strategy.get("conditions")
        if not isinstance(conditions, list):
            return self._wrong(_join(place, "conditions"), "must be a list of objects with query and then")
        for index, condition in enumerate(conditions):
            at = f"{_join(place, 'conditions')}[{index}]"
            if not isinstance(condition, dict):
                self._wrong(at, "must be an object with query and then")
                continue
            self._query(condition.get("query"), _join(at, "query"), 0)
            self._target_name(condition.get("then"), names, _join(at, "then"))
        if "default" in strategy:
            self._target_name(strategy["default"], names, _join(place, "default"))
        else:
            self.warnings.append(Finding(_join(place, "default"), "is missing: calls that match no condition fail"))
        return None

    def _query(self, query: Any, path: str, depth: int) -> None:
        if not isinstance(query, dict):
            return self._wrong(path, "must be an object")
        if depth > MAX_DEPTH:
            return self._wrong(path, f"queries may lie at most {MAX_DEPTH} deep")
        for name, value in query.items():
            if name in ("$and", "$or"):
                for index, part in enumerate(value if isinstance(value, list) else []):
                    self._query(part, f"{_join(path, name)}[{index}]", depth + 1)
                if not isinstance(value, list):
                    self._wrong(_join(path, name), "must be a list of queries")
            elif isinstance(value, dict):
                for operator in value:
                    if operator not in OPERATORS[:-2]:
                        self._wrong(_join(_join(path, name), operator), f"must be one of {', '.join(OPERATORS[:-2])}")
        return None

    def _target_name(self, name: Any, names: set[str], path: str) -> None:
        if not isinstance(name, str) or name not in names:
            self._wrong(path, f"must be the name of a target: {', '.join(sorted(names)) or 'no target has a name'}")

    def _targets_of(self, node: dict[str, Any], path: str, depth: int) -> None:
        if "targets" not in node:
            return None
        place, targets = _join(path, "targets"), node["targets"]
        if not isinstance(targets, list):
            return self._wrong(place, "must be a list of targets")
        if not targets:
            return self._wrong(place, "must not be empty")
        self._targets += len(targets)
        if self._targets > MAX_TARGETS:
            return self._wrong(place, f"there may be at most {MAX_TARGETS} targets")
        for index, target in enumerate(targets):
            self.config(target, f"{place}[{index}]", depth + 1)
        if _mode(node) == "loadbalance":
            self._weights(targets, place)
        return None

    def _weights(self, targets: list[Any], place: str) -> None:
        """The gateway draws by weight, and never answers when nothing can be drawn."""
        weights = [target.get("weight", 1) if isinstance(target, dict) else 1 for target in targets]
        numbers = [weight for weight in weights if _number(weight) is None]
        for index, weight in enumerate(weights):
            if _number(weight) is None and weight < 0:
                self._wrong(f"{place}[{index}].weight", "must not be negative")
        if len(numbers) == len(weights) and sum(numbers) <= 0:
            self._wrong(place, "at least one target needs a weight above 0")

    def _provider(self, node: dict[str, Any], path: str, depth: int) -> None:
        provider = node.get("provider")
        by_slug = virtual_key_of(node) is not None or "prompt_id" in node
        if isinstance(provider, str) and not provider.startswith("@") and provider not in PROVIDERS:
            return self._wrong(_join(path, "provider"), f"is not a provider of the gateway: {provider[:60]!r}")
        if provider == "@":
            return self._wrong(_join(path, "provider"), "must be the slug of a virtual key after the @")
        if provider == "vertex-ai" and not by_slug and not _has_vertex_account(node):
            return self._wrong(path, "vertex-ai needs vertex_region, and vertex_project_id or its service account")
        if "strategy" in node or by_slug:
            return None
        has_key = "api_key" in node or (isinstance(provider, str) and provider in KEYLESS) or _has_cloud_account(node)
        if provider is None and (depth > 0 or "targets" in node):
            return self._wrong(path, "needs a provider, a virtual_key, or a strategy with targets")
        if not (provider is not None and has_key) and not any(_set(node.get(name)) for name in _SUFFICIENT):
            return self._wrong(path, "needs provider and api_key, a virtual_key, or a strategy with targets")
        return None

    # --- saying it -------------------------------------------------------------------------------------------

    def _wrong(self, path: str, message: str) -> None:
        self.errors.append(Finding(path, message))

    def _kind(self, path: str, kind: Callable[[Any], str | None], value: Any) -> None:
        if problem := kind(value):
            self._wrong(path, problem)

    def _kind_if(self, part: dict[str, Any], name: str, kind: Callable[[Any], str | None], path: str) -> None:
        if name in part:
            self._kind(_join(path, name), kind, part[name])

    def _part(self, node: dict[str, Any], name: str, path: str) -> dict[str, Any] | None:
        """The object under ``name``; None where there is none, which is an error where there is something else."""
        if name not in node:
            return None
        part = node[name]
        if not isinstance(part, dict):
            self._wrong(_join(path, name), "must be an object")
            return None
        return part

    def _one_of(self, path: str, value: Any, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            self._wrong(path, f"must be one of {', '.join(allowed)}")

    def _unknown(self, part: dict[str, Any], known: set[str], path: str) -> None:
        for name in part.keys() - known:
            self.warnings.append(Finding(_join(path, name), "is not known to the gateway and has no effect"))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _mode(node: dict[str, Any]) -> Any:
    strategy = node.get("strategy")
    return strategy.get("mode") if isinstance(strategy, dict) else None


def _names_of(node: dict[str, Any]) -> set[str]:
    targets = node.get("targets")
    named = targets if isinstance(targets, list) else []
    return {target["name"] for target in named if isinstance(target, dict) and isinstance(target.get("name"), str)}


def _set(value: Any) -> bool:
    """Whether JavaScript takes it for true."""
    return isinstance(value, (dict, list)) or bool(value)


def _has_vertex_account(node: dict[str, Any]) -> bool:
    return bool(node.get("vertex_region")) and bool(
        node.get("vertex_project_id") or node.get("vertex_service_account_json")
    )


def _has_cloud_account(node: dict[str, Any]) -> bool:
    by_keys = node.get("aws_access_key_id") and node.get("aws_secret_access_key")
    by_mode = node.get("provider") == "azure-openai" and node.get("azure_auth_mode")
    return bool(by_keys or by_mode or (node.get("provider") == "vertex-ai" and _has_vertex_account(node)))

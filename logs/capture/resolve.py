"""Slugs in a call become what the open-source gateway accepts: it knows neither configs by id, nor prompts, nor
virtual keys. Everything comes from memory (``catalog.registry``).

What goes on and what is kept differ: the gateway gets secrets and rendered prompts, the log keeps the slugs and the ids
of the versions that served. A call that names nothing of ours goes on untouched.

A virtual key is to be used, not to be had: whatever would carry its secret to a host of the caller's choice is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

from logs.capture.headers import has_credentials
from logs.capture.parsing import MAX_OBJECT_BYTES
from logs.capture.replies import Refused
from logs.capture.request import Request
from logs.llm import request_context
from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.catalog import options, schema, slugs
from portkey_logs.catalog.catalog_cache import Key, Registry, Shelf, StoredConfig, StoredPrompt, StoredVersion
from portkey_logs.catalog.hosts import read_url
from portkey_logs.catalog.sealed import origin_of
from portkey_logs.catalog.secrets import Unreadable
from portkey_logs.catalog.templates import TemplateError
from portkey_logs.lib import redaction
from portkey_logs.lib.compression import (
    DecompressedSizeError,
    DecompressionError,
    UnsupportedEncodingError,
    decompress,
)
from portkey_logs.lib.text import decode_json

# The routes on which secrets that are stored here serve callers: those that run a model, or list the models. All others
# read or change the provider's account (files, batches, fine-tuning, stored responses, keys, sessions).
MODEL_ROUTES = tuple(
    (method, re.compile(f"/v1/{path}/?"))
    for method, path in (
        ("POST", "chat/completions"),
        ("POST", "completions"),
        ("POST", "embeddings"),
        ("POST", "images/(?:generations|edits|variations)"),
        ("POST", "audio/(?:speech|transcriptions|translations)"),
        ("POST", "messages(?:/count_tokens)?"),
        ("POST", "responses(?:/input_tokens)?"),
        ("POST", "moderations"),
        ("POST", "rerank"),
        ("GET", r"models(?:/[\w.:@-]+){0,3}"),
        ("HEAD", r"models(?:/[\w.:@-]+){0,3}"),
    )
)

# Of the body of a call that runs a prompt, without its Content-Encoding: as much as a rendered prompt may have.
MAX_PROMPT_BODY_BYTES = 4 * 1024 * 1024
MAX_PROMPTS = 20  # of the targets of one call; to render one takes up to some 20 ms of everybody's time

_PROMPT = re.compile(r"/v1/prompts/([^/]+)/completions/?")
_MARKS = ('"virtual_key"', '"prompt_id"', '"@')  # what an inline config must have for us to look closer
# Paths out of which the gateway's proxy makes the host: of Azure, or of what follows "proxy" without a slash.
_HOST_IN_PATH = re.compile(r"\.openai\.azure\.com|/v1/proxy(?!/|$)")
# What of a body gateways put into the paths of some providers, and what would lead out of its part of the path.
_IN_PATH = ("model", "version")
_PARAMETERS = frozenset({"overrideParams", "defaultParams"})
_ENDS_PATH = re.compile(r"[?#\\\x00-\x1f\x7f]|(?:^|/)\.{1,2}(?:/|$)")
# Headers by which some servers take another method than the request's.
_OVERRIDES = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})
_LOG_HOOK = re.compile(r'"(?:default\.)?log[."]')

Json = dict[str, Any]


_FREE = options.BESIDE_A_SECRET  # any other option of the gateway could send the secret elsewhere
_KNOWN = frozenset(map(options.camel, schema.KNOWN_OPTIONS))
_HOOKS = frozenset(name for name in _FREE if name.endswith(("Hooks", "Guardrails", "Mutators")))
_FORWARD = frozenset({"forwardHeaders"})
_HOST = frozenset({"customHost"})
_HOSTS = _HOST | {"azureFoundryUrl", "huggingfaceBaseUrl"}  # all options that hold the address of a provider


class Resolved(NamedTuple):
    """A call as it goes on; its request carries the config. ``shown`` are headers for the log. Of a call that runs a
    prompt the log keeps ``body``, not what came, and beside it the ``variables`` of the prompt, as JSON."""

    request: Request
    body: bytes | None
    shown: dict[str, str]
    variables: bytes | None = None


def by_headers(request: Request, grant: Grant) -> bool:
    """Whether headers or path name something of ours."""
    fields = request.fields
    config = fields.get("x-portkey-config", "")
    return (
        "x-portkey-virtual-key" in fields
        or fields.get("x-portkey-provider", "").lstrip().startswith("@")
        or (config != "" and (not config.lstrip().startswith("{") or any(mark in config for mark in _MARKS)))
        or (config == "" and grant.default_config != "")
        or _PROMPT.fullmatch(request.path) is not None
    )


def by_model(request: Request, body: bytes | None) -> bool:
    """Whether the body names a virtual key: ``"model": "@slug/model"``."""
    return body is not None and b'"@' in body and _is_json(request) and _model(body).startswith("@")


def needs_body(request: Request, grant: Grant) -> bool:
    """Whether all of the body has to be there first: it names the target, or goes on with a stored secret or prompt."""
    if by_headers(request, grant):
        return True
    routed = request.fields.keys() & {"x-portkey-config", "x-portkey-provider", "x-portkey-virtual-key"}
    return _is_json(request) and not routed


def resolve(request: Request, grant: Grant, body: bytes | None, registry: Registry) -> Resolved:
    """The call with everything of ours in its place. Raises Refused, naming what cannot be used."""
    try:
        return _Resolution(request, grant, body, registry.shelf(grant.workspace_id)).run()
    except RecursionError:
        raise Refused(400, "The config or body is nested too deeply", "invalid_request") from None
    except Unreadable as error:
        raise Refused(500, str(error), "unreadable_secret") from None


class _Resolution:
    def __init__(self, request: Request, grant: Grant, body: bytes | None, shelf: Shelf) -> None:
        self._request = request
        self._fields = request.fields
        self._default_config = grant.default_config
        self._shelf = shelf
        self._body = body
        self._path = request.path
        self._shown: dict[str, str] = {}
        self._variables: Any = None
        self._new_body: bytes | None = None
        self._uses_secret = False
        self._stored_hosts: set[str] = set()
        self._serves_models_only: tuple[str, str] | None = None  # owner of such a secret, and a hint for the refusal
        self._prompts = 0

    def run(self) -> Resolved:
        prompt = self._prompt_of_path()
        key = self._named_key(prompt)
        config, shown, is_stored = self._config(prompt, by_key=key is not None)
        if config is not None and shown is not None:
            config = self._node(config, shown, "config")
            if key and not config.keys() & {"provider", "targets"}:
                config = self._with_key(config, key, "the call")
            if is_stored:
                self._keep_credentials(config)
        elif key:
            config = self._with_key({}, key, "the call")
        if self._uses_secret:
            self._guard(config or {})
        if self._serves_models_only is not None:
            self._check_route(*self._serves_models_only)
            self._check_models(config)
        if shown is not None and (is_stored or shown != request_context.read_config(self._fields)):
            self._shown["x-portkey-config"] = json.dumps(shown, separators=(",", ":"))
        return self._resolved(config, _dump(self._variables) if prompt else None)

    # --- prompts ------------------------------------------------------------------------------------------

    def _prompt_of_path(self) -> StoredVersion | None:
        """The prompt that the call runs; its rendered body takes the place of the call's."""
        match = _PROMPT.fullmatch(self._path)
        if match is None:
            return None
        prompt, version = self._find_prompt(unquote(match[1]), "the path")
        asked = self._read_body()
        self._variables = asked.pop("variables", None) or {}
        self._new_body = _dump(self._render(version, prompt.slug, asked))
        self._path = version.read().endpoint
        self._shown |= {"x-portkey-prompt-slug": prompt.slug, "x-portkey-prompt-version-id": version.id}
        return version

    def _render(self, version: StoredVersion, slug: str, overrides: Json) -> Json:
        if self._variables is None:
            asked = self._read_body()
            if "variables" in asked:
                self._new_body = _dump({name: value for name, value in asked.items() if name != "variables"})
            self._variables = asked.get("variables") or {}
        variables = self._variables
        if not isinstance(variables, dict):
            raise Refused(400, "variables must be an object", "invalid_request")
        try:
            return version.read().body(variables, overrides)
        except TemplateError as error:
            raise Refused(400, f"The prompt {slug} cannot be rendered: {error}", "invalid_prompt") from None

    def _find_prompt(self, text: str, where: str) -> tuple[StoredPrompt, StoredVersion]:
        slug, _, name = text.partition("@")
        prompt = self._shelf.prompts.get(slug)
        if prompt is None or prompt.archived:
            raise _unusable("prompt", slug, where, archived=prompt is not None)
        version = prompt.version(name)
        if version is None:
            raise Refused(404, f"The prompt {slug} has no version {name[:40]!r} ({where})", "unknown_prompt")
        return prompt, version

    # --- configs ------------------------------------------------------------------------------------------

    def _config(self, prompt: StoredVersion | None, *, by_key: bool) -> tuple[Json | None, Json | None, bool]:
        """The config in force, with its secrets and as it may be shown, and whether it is one of ours."""
        given = request_context.read_config(self._fields)
        if isinstance(given, dict):
            return given, dict(given), False
        if given is not None:
            if not slugs.SLUG.fullmatch(given.strip()):
                return None, None, False  # whoever gets it says what is wrong with it
            stored = self._find_config(given.strip(), "x-portkey-config")
        elif prompt is not None and prompt.config and not by_key:
            stored = self._find_config(prompt.config, "the prompt")
        elif self._default_config:
            stored = self._find_config(self._default_config, "the API key's default")
        else:
            return None, None, False
        if stored.sealed:
            self._uses_secret = True
            self._serves_models_only = (f"the config {stored.slug}", "A virtual key can be set to serve every route.")
        self._shown |= {"x-portkey-config-slug": stored.slug, "x-portkey-config-version": stored.version_id}
        return stored.with_secrets(), stored.shown(), True

    def _find_config(self, slug: str, where: str) -> StoredConfig:
        config = self._shelf.configs.get(slug)
        if config is None or config.archived:
            raise _unusable("config", slug, where, archived=config is not None)
        return config

    def _node(self, node: Json, shown: Json, path: str, *, has_host: bool = False, above: str = "") -> Json:
        """A config or target for the gateway; ``shown`` is the same one for the log, and gets the versions.

        ``has_host``: a node above names a host, which the gateway hands down to its targets. ``above``: the virtual key
        of a node above; a host below would take its place, also one that differs in its path alone.
        """
        slug = schema.virtual_key_of(node)
        resolved = dict(node)
        if isinstance(node.get("prompt_id"), str) and node["prompt_id"]:
            version = self._prompt_in(resolved, shown, path)
            slug = slug or ("provider" not in node and version.virtual_key) or None
            shown |= {"virtual_key": slug} if slug else {}
        slug = self._key_in_model(resolved, slug)
        if slug:
            if has_host:
                raise Refused(400, f"A custom_host above {path} cannot be set with the virtual key {slug}", "conflict")
            resolved = self._with_key(resolved, slug, path)
        names_host = any(options.camel(name) in _HOST and value for name, value in node.items())
        if above and names_host:
            raise Refused(400, f"{path} cannot name a host below the virtual key {above}", "conflict")
        has_host, above = has_host or names_host, slug or above
        targets, shown_targets = node.get("targets"), shown.get("targets")
        if isinstance(targets, list) and isinstance(shown_targets, list):
            shown["targets"] = [dict(item) if isinstance(item, dict) else item for item in shown_targets]
            resolved["targets"] = [
                self._node(target, shown["targets"][index], f"{path}.targets[{index}]", has_host=has_host, above=above)
                if isinstance(target, dict)
                else target
                for index, target in enumerate(targets)
            ]
        return resolved

    def _prompt_in(self, resolved: Json, shown: Json, path: str) -> StoredVersion:
        """Render the target's prompt into its parameters; the gateway lets these win over the call's own."""
        self._prompts += 1
        if self._prompts > MAX_PROMPTS:
            raise Refused(400, f"More than {MAX_PROMPTS} targets run a prompt ({path})", "too_large")
        prompt, version = self._find_prompt(resolved.pop("prompt_id"), path)
        own = resolved.get("override_params")
        rendered = self._render(version, prompt.slug, own if isinstance(own, dict) else {})
        endpoint = version.read().endpoint
        if endpoint != self._path:
            raise Refused(400, f"The prompt {prompt.slug} is for {endpoint} ({path})", "invalid_request")
        resolved["override_params"] = rendered
        shown |= {"prompt_id": prompt.slug, "prompt_version_id": version.id}
        return version

    def _key_in_model(self, resolved: Json, slug: str | None) -> str | None:
        """The virtual key of the target, which may stand in its model alone: ``@slug/model``."""
        params = resolved.get("override_params")
        model = params.get("model") if isinstance(params, dict) else None
        if not isinstance(params, dict) or not isinstance(model, str) or not model.startswith("@"):
            return slug
        named, _, plain = model[1:].partition("/")
        resolved["override_params"] = params | {"model": plain}
        return slug or (named if "provider" not in resolved and "targets" not in resolved else None)

    # --- virtual keys -------------------------------------------------------------------------------------

    def _named_key(self, prompt: StoredVersion | None) -> str | None:
        """The slug of the virtual key that the call itself names: by header, by model, by its prompt."""
        header = self._fields.get("x-portkey-virtual-key", "").strip().removeprefix("@")
        provider = self._fields.get("x-portkey-provider", "").strip()
        by_provider = provider[1:] if provider.startswith("@") else ""
        body = self._new_body or self._body
        is_plain = self._new_body is not None or _is_json(self._request)
        model = _model(body) if body is not None and is_plain and b'"@' in body else ""
        by_model = ""
        routed = request_context.read_config(self._fields)
        if model.startswith("@") and not (isinstance(routed, dict) and routed.keys() & {"provider", "targets"}):
            by_model, _, plain = model[1:].partition("/")
            self._new_body = _with_model(body or b"", plain)
        named = header or by_provider or by_model
        if not named and prompt is not None and prompt.virtual_key and not provider:
            named = prompt.virtual_key
            self._shown["x-portkey-virtual-key"] = named
        return named or None

    def _with_key(self, node: Json, slug: str, path: str) -> Json:
        key = self._find_key(slug, path)
        kept: Json = {}
        for name, value in node.items():
            plain = options.camel(name)
            if plain == "provider" and isinstance(value, str) and value not in (key.provider, f"@{slug}"):
                raise Refused(
                    400, f"The virtual key {slug} is of {key.provider}, not {value[:60]} ({path})", "conflict"
                )
            if plain in _FREE:
                kept[name] = value
            elif plain in _KNOWN:
                raise Refused(400, f"{path}.{name} cannot be set beside the virtual key {slug}", "conflict")
        header = self._fields.get("x-portkey-provider", "").strip()
        if header and not header.startswith("@") and header.lower() != key.provider:
            raise Refused(400, f"The virtual key {slug} is of {key.provider}, not {header[:60]} ({path})", "conflict")
        if key.serves != "everything":
            self._serves_models_only = (f"the virtual key {slug}", "Its page has the setting “Serves”.")
        self._uses_secret = True
        if key.custom_host:
            self._stored_hosts.update(_origins([key.custom_host]))
        kept.pop("virtual_key", None)
        return kept | key.target()

    def _check_route(self, owner: str, hint: str) -> None:
        """Secrets serve model routes, or whoever may call could read files and mint keys. Raises Refused (403)."""
        method = self._request.method.upper()
        if not any(method == allowed and pattern.fullmatch(self._path) for allowed, pattern in MODEL_ROUTES):
            words = f"{method} {self._path[:200]} is no model route, and {owner} serves no other. {hint}"
            raise Refused(403, words, "route_not_served")
        if override := _OVERRIDES & self._fields.keys():
            raise Refused(403, f"{', '.join(override)} cannot be sent with secrets kept here", "route_not_served")

    def _check_models(self, config: Json | None) -> None:
        """Refuse a model that is a way to another route: gateways put models into paths. Raises Refused (403)."""
        body = self._new_body or self._body
        bodies = list(_values(config, _PARAMETERS))
        is_form = self._fields.get("content-type", "").lower().startswith("multipart/form-data")
        if self._body and not (self._new_body or is_form or _is_json(self._request)):
            words = "With secrets kept here a body is JSON without Content-Encoding, or a form"
            raise Refused(415, words, "invalid_request")
        if body and (self._new_body or _is_json(self._request)):
            bodies.append(_top_of(body))
        for name in [item.get(name) for item in bodies if isinstance(item, dict) for name in _IN_PATH]:
            is_name = name is None or isinstance(name, (str, int, float))
            if not is_name or _leaves_path(str(name)):
                raise Refused(403, f"{str(name)[:100]!r} is no name of a model", "route_not_served")

    def _find_key(self, slug: str, where: str) -> Key:
        key = self._shelf.keys.get(slug)
        if key is None or key.archived:
            raise _unusable("virtual key", slug, where, archived=key is not None)
        if key.expired:
            raise Refused(400, f"The virtual key {slug} has expired ({where})", "expired_virtual_key")
        return key

    def _guard(self, config: Json) -> None:
        """Refuse what would show a secret of ours to a host that the caller chose."""
        if "x-portkey-custom-host" in self._fields:
            raise Refused(400, "x-portkey-custom-host cannot be sent with secrets kept here", "conflict")
        if _HOST_IN_PATH.search(self._request.target.partition("?")[0]):
            raise Refused(400, "A path that names a host cannot be called with secrets kept here", "conflict")
        forwarded = self._fields.get("x-portkey-forward-headers", "") + _text(list(_values(config, _FORWARD)))
        if "x-portkey-" in forwarded.lower():
            raise Refused(400, "x-portkey headers cannot be forwarded with secrets kept here", "conflict")
        if _LOG_HOOK.search(_text([*_values(config, _HOOKS), *self._default_hooks()])):
            raise Refused(400, "The guardrail default.log would send on secrets kept here", "conflict")

    def _keep_credentials(self, config: Json) -> None:
        """The caller's own keys are for the provider, not for hosts that the author of a stored config chose."""
        self._stored_hosts.update(_origins(_values(config, _HOSTS)))
        sends_headers = _LOG_HOOK.search(_text(list(_values(config, _HOOKS))))
        if sends_headers and has_credentials(self._request.headers):
            raise Refused(400, "The guardrail default.log of the config would send on your own key", "conflict")

    def _default_hooks(self) -> Iterator[Any]:
        """The guardrails that headers name, as the gateway reads them. Raises Refused."""
        for name, value in self._fields.items():
            if name.startswith("x-portkey-default-"):
                try:
                    yield decode_json(value or "null")
                except ValueError:
                    raise Refused(400, f"{name} must be JSON", "invalid_request") from None

    # --- the call -----------------------------------------------------------------------------------------

    def _resolved(self, config: Json | None, variables: bytes | None) -> Resolved:
        changes: dict[str, str | None] = {"x-portkey-virtual-key": None}
        if self._fields.get("x-portkey-provider", "").lstrip().startswith("@"):
            changes["x-portkey-provider"] = None
        if config is not None:
            changes["x-portkey-config"] = None
        if self._new_body is not None:
            changes |= {"content-length": None, "content-encoding": None}
        body = self._body if self._new_body is None else self._new_body
        request = self._request.changed(self._path, changes)
        request.config, request.stored_hosts = config, frozenset(self._stored_hosts)
        if self._stored_hosts:
            request.target = redaction.without_secret_parameters(request.target)
        return Resolved(request, body, self._shown, variables)

    def _read_body(self) -> Json:
        """A copy of the call's body. Raises Refused."""
        encodings = self._fields.get("content-encoding", "")
        try:
            body = decompress(self._body or b"{}", encodings, MAX_PROMPT_BODY_BYTES)
        except DecompressedSizeError:
            raise _too_large() from None
        except DecompressionError as error:
            status = 415 if isinstance(error, UnsupportedEncodingError) else 400
            raise Refused(status, str(error), "invalid_request") from None
        if len(body) > MAX_PROMPT_BODY_BYTES:
            raise _too_large()
        try:
            parsed = decode_json(body, MAX_OBJECT_BYTES)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise Refused(400, "The body must be a JSON object", "invalid_request")
        return parsed


def _too_large() -> Refused:
    message = f"The body of a call that runs a prompt is larger than {MAX_PROMPT_BODY_BYTES >> 20} MiB"
    return Refused(413, message, "too_large")


class _Model(msgspec.Struct):
    model: Any = ""


def _model(body: bytes) -> str:
    try:
        model = msgspec.json.decode(body, type=_Model).model
    except (msgspec.DecodeError, RecursionError):
        return ""
    return model if isinstance(model, str) else ""


def _top_of(body: bytes) -> Any:
    """Return the body, or as much of it as is needed. Raises Refused where that cannot be told."""
    with suppress(msgspec.DecodeError, RecursionError):
        read = msgspec.json.decode(body, type=_InPath)
        return {"model": read.model, "version": read.version}
    try:  # the gateway takes more than msgspec does: a byte order mark, octets that are no UTF-8
        return decode_json(body.decode("utf-8-sig", "replace"), MAX_OBJECT_BYTES)
    except ValueError:
        raise Refused(400, "The body must be JSON", "invalid_request") from None


class _InPath(msgspec.Struct):
    model: Any = None
    version: Any = None


def _leaves_path(name: str) -> bool:
    """Whether a name would end the path that it is put into, or lead out of it, however often it is decoded."""
    for _ in range(3):
        if _ENDS_PATH.search(name):
            return True
        name = unquote(name)
    return "%25" in name


def _with_model(body: bytes, model: str) -> bytes:
    """The body with another model; all other values to the byte."""
    values = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode(values | {"model": msgspec.Raw(msgspec.json.encode(model))})


def _dump(body: Json) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _is_json(request: Request) -> bool:
    fields = request.fields
    return (
        fields.get("content-encoding", "").strip().lower() in ("", "identity")
        and "json" in fields.get("content-type", "").lower()
    )


def _text(value: Any) -> str:
    """The JSON, its letters as they are, without secrets."""
    return json.dumps(value, ensure_ascii=False, default=repr)


def _origins(hosts: Iterable[Any]) -> Iterator[str]:
    """The origins of hosts; "" for one that cannot be read, so that it counts as a host."""
    for host in filter(None, hosts):
        try:
            yield origin_of(read_url(str(host)) or "")
        except ValueError:
            yield ""


def _values(value: Any, names: frozenset[str]) -> Iterator[Any]:
    """All values under any of the names, however they are spelled."""
    if isinstance(value, dict):
        for name, item in value.items():
            if options.camel(name) in names:
                yield item
            yield from _values(item, names)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, names)


def _unusable(kind: str, slug: str, where: str, *, archived: bool) -> Refused:
    code = kind.replace(" ", "_")
    if archived:
        return Refused(400, f"The {kind} {slug[:100]} is archived ({where})", f"archived_{code}")
    return Refused(404, f"There is no {kind} {slug[:100]} in this workspace ({where})", f"unknown_{code}")

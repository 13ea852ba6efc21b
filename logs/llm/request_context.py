"""Where a request came from and where it went: config, prompt, virtual key, provider, metadata.

The gateway's request headers name what hosted Portkey resolves by id; an inline
config and the option the gateway took fill in the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from logs.llm import gateway_status, request_types
from logs.llm.providers.base import mapping, text
from portkey_logs.lib import redaction
from portkey_logs.lib.text import clean, decode_json

MAX_METADATA = 128  # characters of a key and of a value: Portkey cuts there
MAX_METADATA_KEYS = 100  # of one log; each is a label in an index and a line on the page. Portkey's own plans end at 50
DROPPED_KEYS = "_dropped_keys"  # the key that says how many were left out; "_" begins the names of Portkey's own
_READ_METADATA = 10_000  # of a value: as much as may hold the key that the first 128 are the beginning of
_CONFIG_ID = re.compile(r"[\w.-]{1,100}")


class Origin(msgspec.Struct, kw_only=True):
    """What the request names. ``config`` and ``prompt`` are slugs or ids ("pc-…", "pp-…")."""

    config: str | None = None
    config_version_id: str | None = None
    prompt: str | None = None
    prompt_version_id: str | None = None
    prompt_in_config_target: bool = False
    virtual_key: str | None = None
    provider: str | None = None


def read_config(headers: Mapping[str, str]) -> dict[str, Any] | str | None:
    """``x-portkey-config``: the object, or the text where it is an id or unreadable, None where there is none."""
    value = gateway_status.header(headers, "x-portkey-config")
    if not value:
        return None
    try:
        parsed = decode_json(value)
    except ValueError:
        return value
    return parsed if isinstance(parsed, dict) else value


def read(
    headers: Mapping[str, str],
    config: dict[str, Any] | str | None,
    option_path: str | None,
    *,
    url: str,
    body_model: str | None,
    response_provider: str | None,
    stated_provider: str | None,
    refused: bool,
) -> Origin:
    """All of the origin. ``refused``: the gateway turned the request down, so no provider was involved."""
    target = gateway_status.target_at(config, option_path) or {}
    slug = gateway_status.header(headers, "x-portkey-config-slug") or gateway_status.header(
        headers, "x-portkey-config-id"
    )
    if not slug and isinstance(config, str) and _CONFIG_ID.fullmatch(config):
        slug = config
    prompt = (
        gateway_status.header(headers, "x-portkey-prompt-slug")
        or gateway_status.header(headers, "x-portkey-prompt-id")
        or request_types.prompt_in(request_types.path_of(url))
        or target.get("prompt_id")
    )
    asked_provider = stated_provider or gateway_status.header(headers, "x-portkey-provider")
    provider = response_provider or target.get("provider") or asked_provider or request_types.provider_of(url)
    if provider and provider.startswith("@"):  # a virtual key's slug where the provider's name belongs
        provider = request_types.provider_of(url)
    return Origin(
        config=slug or None,
        config_version_id=gateway_status.header(headers, "x-portkey-config-version") or None,
        prompt=prompt or None,
        prompt_version_id=gateway_status.header(headers, "x-portkey-prompt-version-id")
        or target.get("prompt_version_id"),
        prompt_in_config_target="prompt_id" in target,
        virtual_key=_virtual_key(headers, target, asked_provider, body_model),
        provider=None if refused else (provider or "").lower() or None,
    )


def _virtual_key(
    headers: Mapping[str, str], target: dict[str, Any], asked_provider: str | None, body_model: str | None
) -> str | None:
    stated = gateway_status.header(headers, "x-portkey-virtual-key") or target.get("virtual_key")
    if stated:
        return str(stated)
    override = text(mapping(target.get("override_params")).get("model"))
    for name in (target.get("provider"), asked_provider, override, body_model):
        # "@openai-prod", or "@openai-prod/gpt-4o" for a model
        if name and name.startswith("@") and len(name) > 1:
            return str(name[1:].partition("/")[0]) or None
    return None


def brings_credential(masked: Mapping[str, str]) -> bool:
    """Whether a call with these headers (names lower case, secrets masked) brought a credential of its own."""
    is_kept = "x-portkey-config-slug" in masked  # the config's secrets are behind its slug
    return (redaction.STARS in masked.get("x-portkey-config", "") and not is_kept) or any(
        redaction.is_secret_name(name) and name != "x-portkey-api-key" and value not in _PLACEHOLDERS
        for name, value in masked.items()
    )


# Portkey's SDK sends this word where the OpenAI client wants a key.
_PLACEHOLDERS = redaction.mask_headers({"authorization": "Bearer OPENAI_API_KEY"}).values()


def metadata_header(headers: Mapping[str, str]) -> dict[str, Any]:
    """``x-portkey-metadata`` as an object; empty when it is none."""
    value = gateway_status.header(headers, "x-portkey-metadata")
    if not value:
        return {}
    try:
        return mapping(decode_json(value))
    except ValueError:
        return {}


def tidy_metadata(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Keys and values as stored: strings of at most 128 characters, anything else as its JSON text, MAX_METADATA_KEYS
    keys at most. Keys of a well-known make are masked; names decide nothing here, for people filter by these."""
    return {
        clean(key, MAX_METADATA): clean(redaction.mask_known_keys(as_text(value)[:_READ_METADATA]), MAX_METADATA)
        for key, value in first_keys(metadata).items()
    }


def first_keys(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The first MAX_METADATA_KEYS keys, ``_user`` in any case; DROPPED_KEYS then says how many more there were."""
    dropped = len(metadata) - MAX_METADATA_KEYS
    if dropped <= 0 or (dropped == 1 and DROPPED_KEYS in metadata):
        return dict(metadata)
    found = {"_user": metadata["_user"]} if "_user" in metadata else {}
    for key in metadata:
        if len(found) == MAX_METADATA_KEYS:
            break
        found[key] = metadata[key]
    return found | {DROPPED_KEYS: str(dropped)}


def as_text(value: Any) -> str:
    """A string as it is, any other JSON value as compact JSON."""
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, TypeError, RecursionError):  # lone surrogates inside, or nested too deeply
        return str(value)

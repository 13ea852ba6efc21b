"""Types of what the catalog's calls take and answer, for the API's documentation."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from portkey_logs.api.types import list_of, saved
from portkey_logs.catalog.providers import PROVIDERS, names_of


class CatalogItem(Struct, kw_only=True):
    id: str
    slug: str
    name: str
    workspace_id: str
    status: str
    created_at: str
    last_updated_at: str
    object: str


# --- configs -----------------------------------------------------------------------------------------------


class NewConfig(Struct, kw_only=True):
    """``config`` is an object, or its JSON as a string."""

    name: str
    config: dict[str, Any] | str
    slug: str | None = None
    isDefault: int | None = None
    is_default: int | None = None
    workspace_id: str | None = None


class ConfigUpdate(Struct, kw_only=True):
    """A ``config`` makes a version, which serves from now on. The status ``archived`` archives."""

    name: str | None = None
    config: dict[str, Any] | str | None = None
    version_description: str | None = None
    status: str | None = None
    workspace_id: str | None = None


class ConfigSummary(CatalogItem, kw_only=True):
    is_default: int


class ConfigItem(ConfigSummary, kw_only=True):
    """Secrets in ``config`` are masked."""

    config: Any
    version_id: str
    version: int


class SavedConfig(Struct):
    id: str
    slug: str
    version_id: str
    object: str


class ConfigVersionItem(Struct):
    """``config`` is JSON as a string."""

    id: str
    version_id: str
    version: int
    slug: str
    config: str
    description: str
    is_current: bool
    created_at: str
    object: str


# --- prompts -----------------------------------------------------------------------------------------------


class PromptUpdate(Struct, kw_only=True):
    """A new version of what is given, the rest as in the latest; it serves once it is published."""

    name: str | None = None
    string: str | None = None
    model: str | None = None
    parameters: dict[str, Any] | None = None
    functions: list[Any] | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    response_format: Any = None
    virtual_key: str | None = None
    config: str | None = None
    label: str | None = None
    version_description: str | None = None
    workspace_id: str | None = None


class NewPrompt(PromptUpdate, kw_only=True):
    """``string`` is a text, or the JSON of chat messages, with ``{{variables}}``."""

    name: str
    string: str
    slug: str | None = None


class PromptSummary(CatalogItem, kw_only=True):
    model: str | None


class PromptContent(Struct, kw_only=True):
    id: str
    slug: str
    version_id: str
    prompt_version: int
    prompt_version_id: str
    prompt_version_status: str
    prompt_version_description: str
    prompt_version_label: str | None
    string: str
    model: str | None
    parameters: dict[str, Any]
    tools: list[Any] | None
    tool_choice: Any
    response_format: Any
    virtual_key: str | None
    config: str | None
    variables: list[str]
    created_at: str
    object: str


class PromptItem(PromptContent, kw_only=True):
    name: str
    workspace_id: str
    status: str
    last_updated_at: str


class SavedPrompt(Struct):
    id: str
    slug: str
    version_id: str
    prompt_version_id: str
    prompt_version: int
    object: str


class PromptPublication(Struct, kw_only=True):
    """The version that serves from now on: its number, its id, or ``latest``."""

    version: int | str
    workspace_id: str | None = None


class PromptVariables(Struct, kw_only=True):
    """Any further member replaces a parameter of the prompt."""

    variables: dict[str, Any] | None = None
    workspace_id: str | None = None


class RenderedPrompt(Struct):
    """The body that a call of the prompt would have."""

    success: bool
    data: dict[str, Any]


# --- virtual keys ------------------------------------------------------------------------------------------


class KeyChanges(Struct, kw_only=True):
    """A ``key`` replaces the secret."""

    name: str | None = None
    key: str | None = None
    awsSecretAccessKey: str | None = None
    vertexServiceAccountJson: dict[str, Any] | None = None
    note: str | None = None
    custom_host: str | None = None
    customHost: str | None = None
    serves: str | None = None
    expires_at: str | None = None
    usage_limits: None = None
    rate_limits: None = None
    workspace_id: str | None = None


class NewKey(KeyChanges, kw_only=True):
    """``integration_id`` is another name of ``provider``."""

    name: str
    provider: str | None = None
    integration_id: str | None = None
    slug: str | None = None


class VirtualKeyItem(CatalogItem, kw_only=True):
    """``key`` is masked. Usage and rate limits are not kept."""

    provider: str
    integration_id: str
    note: str | None
    key: str
    custom_host: str | None
    model_config: dict[str, Any]
    serves: str
    expires_at: str | None
    usage_limits: None
    rate_limits: None


class SavedVirtualKey(Struct):
    id: str
    slug: str
    object: str


def _with_options(name: str, base: type[Struct]) -> Any:
    """Return ``base`` with the options of every provider, under all their names."""
    options = {word for provider in PROVIDERS.values() for option in provider.options for word in names_of(option)}
    fields = [(option, str | None, None) for option in sorted(options)]
    return msgspec.defstruct(name, fields, bases=(base,), kw_only=True, module=__name__)


NewVirtualKey = _with_options("NewVirtualKey", NewKey)
VirtualKeyUpdate = _with_options("VirtualKeyUpdate", KeyChanges)
ConfigList = list_of(ConfigSummary, has_success=True)
ConfigAnswer = saved(ConfigItem)
SavedConfigAnswer = saved(SavedConfig)
ConfigVersionList = list_of(ConfigVersionItem, has_success=True)
PromptList = list_of(PromptSummary, has_success=True)
PromptAnswer = saved(PromptItem)
PromptVersionAnswer = saved(PromptContent)
SavedPromptAnswer = saved(SavedPrompt)
PromptVersionList = list_of(PromptContent, has_success=True)
VirtualKeyList = list_of(VirtualKeyItem, has_success=True)
VirtualKeyAnswer = saved(VirtualKeyItem)
SavedVirtualKeyAnswer = saved(SavedVirtualKey)

"""All configs, prompts and virtual keys in memory, so that no call waits for the database.

Secrets stay sealed, in memory and in the snapshot file; they are opened for the call that needs them. What people
wrote is held as JSON text: it may have characters that the snapshot's encoding would refuse.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from portkey_logs.accounts.refreshing_cache import Polled
from portkey_logs.catalog import inline
from portkey_logs.catalog.hosts import HostPolicy
from portkey_logs.catalog.prompts import PromptSource
from portkey_logs.catalog.providers import PROVIDERS
from portkey_logs.catalog.sealed import SealedSecret, destination
from portkey_logs.catalog.secrets import Unreadable

SECRETS_OPEN = 1024  # opened secrets remembered: as many keys as a large installation has in use


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual key. Times are UTC."""

    slug: str
    provider: str
    sealed: str
    custom_host: str = ""
    options: dict[str, str] = {}
    expires_at: datetime | None = None
    archived: bool = False
    serves: str = "models"

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)

    def target(self) -> dict[str, Any]:
        """What the gateway needs to use it, its secret sealed for the key's host. Raises secrets.Unreadable."""
        secret: Any = _open(self.sealed)
        name = PROVIDERS[self.provider].key_option
        target: dict[str, Any] = {"provider": self.provider, **self.options}
        if self.custom_host:
            target["custom_host"] = self.custom_host
        if self.provider == "vertex-ai" and secret.startswith("{"):
            name, secret = "vertex_service_account_json", json.loads(secret)
        allowed = frozenset({destination(self.custom_host, self.provider)})
        return target | {name: SealedSecret(secret, allowed, f"the virtual key {self.slug}")}


class StoredConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A config in its current version; ``body`` is JSON with its secrets masked."""

    slug: str
    version_id: str
    body: str
    sealed: str = ""
    archived: bool = False

    def shown(self) -> dict[str, Any]:
        """Without its secrets."""
        shown: dict[str, Any] = json.loads(self.body)
        return shown

    def with_secrets(self) -> dict[str, Any]:
        """The config, each secret sealed for the destinations of its target. Raises secrets.Unreadable."""
        masked = self.shown()
        if not self.sealed:
            return masked
        owner = f"the config {self.slug}"
        secrets: inline.Secrets = [
            (path, SealedSecret(value, inline.destinations_at(masked, path), owner))
            for path, value in inline.read_secrets(_open(self.sealed))
        ]
        if any(inline.is_target(path) for path, _ in secrets):
            raise Unreadable(f"In {owner} the name of an option looks like a secret. Rename it and save it again.")
        config: dict[str, Any] = inline.put_back(masked, secrets)
        return config


class StoredVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a prompt; ``source`` is the JSON of its PromptSource."""

    id: str
    number: int
    source: str
    virtual_key: str = ""
    config: str = ""

    def read(self) -> PromptSource:
        """What it is rendered from."""
        return _read_source(self.source)


class StoredPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt with all its versions, newest first."""

    slug: str
    published_id: str
    versions: list[StoredVersion] = []
    archived: bool = False

    def version(self, name: str) -> StoredVersion | None:
        """The published one for "", the newest for "latest", else by number or id; None if there is none such."""
        if name == "latest":
            return self.versions[0]
        wanted = name or self.published_id
        return next((version for version in self.versions if wanted in (version.id, str(version.number))), None)


class Shelf(msgspec.Struct, frozen=True):
    """What one workspace has, by slug."""

    keys: dict[str, Key] = {}
    configs: dict[str, StoredConfig] = {}
    prompts: dict[str, StoredPrompt] = {}
    host_policy: HostPolicy = HostPolicy()


Shelves = dict[int, Shelf]  # by the workspace's id
_EMPTY = Shelf()


class Registry(Polled[Shelves]):
    """The shelves of all workspaces."""

    def shelf(self, workspace_id: int) -> Shelf:
        """From memory alone; a change is seen after ``POLL_S``."""
        return self._current().get(workspace_id, _EMPTY)


@lru_cache(maxsize=SECRETS_OPEN)
def _open(sealed: str) -> str:
    from portkey_logs.catalog.vault import vault

    return vault().open(sealed)


@lru_cache(maxsize=512)
def _read_source(text: str) -> PromptSource:
    return msgspec.convert(json.loads(text), PromptSource)


class _Loader:
    """Reads everything, but only when something changed."""

    def __init__(self) -> None:
        self._mark: Any = None
        self._shelves: Shelves = {}

    def __call__(self) -> Shelves:
        from django.db import close_old_connections, connection

        if not connection.in_atomic_block:
            close_old_connections()  # the thread has no request cycle that would do it
        mark = _mark()
        if mark != self._mark:
            self._shelves = _read_all()
            self._mark = mark
        return self._shelves


def _mark() -> Any:
    """Other than before when any row was added, changed or removed, in whatever order transactions commit."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT (count(*), sum(extract(epoch FROM updated_at)))::text FROM config),
                   (SELECT (count(*), sum(extract(epoch FROM updated_at)))::text FROM prompt),
                   (SELECT (count(*), sum(extract(epoch FROM updated_at)))::text FROM virtual_key),
                   (SELECT md5(string_agg((workspace.id, host_policy, allowed_hosts)::text, ','
                                          ORDER BY workspace.id))
                    FROM accounts_organisation organisation
                    JOIN accounts_workspace workspace ON workspace.organisation_id = organisation.id
                    WHERE host_policy <> 'any')
            """
        )
        return cursor.fetchone()


def _read_all() -> Shelves:
    from portkey_logs.accounts.models import Workspace
    from portkey_logs.catalog.models import Config, Prompt, PromptVersion, VirtualKey

    shelves: Shelves = {}

    policies = {
        workspace.pk: HostPolicy(workspace.organisation.host_policy, frozenset(workspace.organisation.allowed_hosts))
        for workspace in Workspace.objects.select_related("organisation").exclude(
            organisation__host_policy=HostPolicy().mode
        )
    }

    def shelf(workspace_id: int) -> Shelf:
        return shelves.setdefault(workspace_id, Shelf({}, {}, {}, policies.get(workspace_id, HostPolicy())))

    for workspace_id in policies:
        shelf(workspace_id)

    for key in VirtualKey.objects.all():
        shelf(key.workspace_id).keys[key.slug] = Key(
            slug=key.slug,
            provider=key.provider,
            sealed=key.sealed,
            custom_host=key.custom_host,
            options=key.options,
            expires_at=key.expires_at,
            archived=key.is_archived,
            serves=key.serves,
        )
    for config in Config.objects.select_related("current").exclude(current=None):
        version = config.current
        assert version is not None  # noqa: S101 (tells mypy)
        shelf(config.workspace_id).configs[config.slug] = StoredConfig(
            slug=config.slug,
            version_id=str(version.pk),
            body=json.dumps(version.body),
            sealed=version.sealed,
            archived=config.is_archived,
        )
    versions: dict[Any, list[StoredVersion]] = {}
    for row in PromptVersion.objects.order_by("prompt_id", "-number"):
        versions.setdefault(row.prompt_id, []).append(
            StoredVersion(
                id=str(row.pk),
                number=row.number,
                source=json.dumps(msgspec.to_builtins(row.source)),
                virtual_key=row.virtual_key,
                config=row.config,
            )
        )
    for prompt in Prompt.objects.exclude(published=None).filter(pk__in=versions):  # not one made this very moment
        shelf(prompt.workspace_id).prompts[prompt.slug] = StoredPrompt(
            slug=prompt.slug,
            published_id=str(prompt.published_id),
            versions=versions[prompt.pk],
            archived=prompt.is_archived,
        )
    return shelves


def _snapshot_path() -> Path:
    from django.conf import settings

    path: Path = settings.DATA_DIR / "catalog.json"
    return path


# The registry of this process.
registry = Registry("configs, prompts and virtual keys", _Loader(), _snapshot_path, Shelves, {})

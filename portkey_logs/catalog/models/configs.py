"""Gateway configs and their versions."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.db import models, transaction

from portkey_logs.accounts.models import Actor, Workspace
from portkey_logs.catalog import inline, schema
from portkey_logs.catalog.fields import OrderedJSONField
from portkey_logs.catalog.models.base import Invalid, Item, ItemQuerySet, Version, clean_name, refused_hosts
from portkey_logs.catalog.schema import Finding
from portkey_logs.catalog.vault import vault

MAX_CONFIG = 100_000  # characters; it travels to the gateway in a header, and prompts come on top


class SavedMeanwhile(Invalid):
    """Somebody else was faster; ``version`` is theirs."""

    def __init__(self, version: ConfigVersion) -> None:
        words = f"{version} was saved meanwhile: look at what it changes, then save again to replace it"
        super().__init__([Finding("", words)])
        self.version = version


class Config(Item):
    """A gateway config that calls name by its slug; its current version serves them."""

    PREFIX = "pc"
    KIND = "config"

    current = models.ForeignKey("ConfigVersion", null=True, on_delete=models.RESTRICT, related_name="+", db_index=False)

    objects = ItemQuerySet.as_manager()

    class Meta(Item.Meta):
        db_table = "config"
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="config_slug")]

    @classmethod
    @transaction.atomic
    def create(cls, workspace: Workspace, name: str, body: Any, *, by: Actor, slug: str | None = None) -> Config:
        """A new config with its first version. Raises Invalid."""
        config = cls(workspace=workspace, name=clean_name(name), created_by=by.person)
        config.slug = cls._new_slug(workspace, name, slug)
        _check(workspace, body)
        config.save(force_insert=True)
        config.save_version(body, by=by)
        return config

    @transaction.atomic
    def save_version(self, body: Any, *, by: Actor, description: str = "", after: int | None = None) -> ConfigVersion:
        """Makes ``body`` the current version; the present one stays if nothing changed. Raises Invalid.

        Masks in ``body`` stand for the secrets of the present version. ``after`` is the number of the one that its
        author has seen: another that was saved meanwhile is not undone unseen (SavedMeanwhile).
        """
        Config.objects.select_for_update().get(pk=self.pk)  # of two at once one waits: numbers do not collide
        last = self.versions.first()
        if after is not None and last is not None and last.number != after:
            raise SavedMeanwhile(last)
        try:
            body = inline.resolve_masks(body, last.body if last else None, last.open_secrets() if last else [])
        except inline.MaskSent as error:
            raise Invalid([Finding(error.path, str(error))]) from None
        _check(self.workspace, body)
        if last is not None and last.pk == self.current_id and last.reveal() == body:
            return last
        version = ConfigVersion.of(self, body, number=last.number + 1 if last else 1)
        version.description, version.created_by = description[:200], by.person
        version.save(force_insert=True)
        self.current = version
        self.save(update_fields=["current", "updated_at"])
        self._note(by, "save_version", f"version {version.number}")
        return version


class ConfigVersion(Version):
    """A config's JSON as people see it, its secrets masked; ``sealed`` has the secrets by path."""

    config = models.ForeignKey(Config, on_delete=models.CASCADE, related_name="versions", db_index=False)
    body = OrderedJSONField()
    sealed = models.TextField(blank=True)

    class Meta(Version.Meta):
        db_table = "config_version"
        constraints = [models.UniqueConstraint(fields=["config", "number"], name="config_version_number")]

    @classmethod
    def of(cls, config: Config, body: Any, number: int) -> ConfigVersion:
        """An unsaved version with the secrets of ``body`` sealed. Raises Invalid."""
        masked, secrets = inline.take_out(body)
        if wrong := [path for path, _ in secrets if inline.is_target(path)]:
            raise Invalid([Finding(inline.show(wrong[0]), "has an option whose name looks like a secret")])
        sealed = vault().seal(json.dumps(secrets)) if secrets else ""
        return cls(config=config, number=number, body=masked, sealed=sealed)

    @property
    def text(self) -> str:
        """The JSON for an editor, secrets masked."""
        return json.dumps(self.body, indent=2, ensure_ascii=False)

    def open_secrets(self) -> inline.Secrets:
        """The secrets by path. Raises secrets.Unreadable."""
        return inline.read_secrets(vault().open(self.sealed)) if self.sealed else []

    def reveal(self) -> Any:
        """The config with its secrets, for the gateway alone. Raises secrets.Unreadable."""
        return inline.put_back(self.body, self.open_secrets())


def _check(workspace: Workspace, body: Any) -> None:
    """Raises Invalid for a config that the gateway or the organisation's list of hosts would refuse."""
    findings = schema.check(body, frozenset(settings.TRUSTED_HOSTS)).errors + refused_hosts(workspace, body)
    if not findings and len(json.dumps(body)) > MAX_CONFIG:
        findings = [Finding("", f"is larger than {MAX_CONFIG:,} characters")]
    if findings:
        raise Invalid(findings)

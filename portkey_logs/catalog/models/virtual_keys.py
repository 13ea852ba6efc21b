"""Providers' keys under slugs of our own."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from portkey_logs.accounts.models import Actor, Workspace
from portkey_logs.catalog import schema, slugs
from portkey_logs.catalog.models.base import Invalid, Item, ItemQuerySet, clean_name, refused_hosts
from portkey_logs.catalog.providers import HARMLESS_OPTIONS, PROVIDERS, provider_name
from portkey_logs.catalog.schema import Finding
from portkey_logs.catalog.vault import vault
from portkey_logs.lib.redaction import mask

MAX_SECRET = 20_000  # characters; service accounts have about 2,400
MAX_NOTE = 1000  # characters


SECRET_REQUIRED = "decides where the secret goes: give the provider's key again"  # noqa: S105 (words for people)


class VirtualKeyQuerySet(ItemQuerySet):
    def active(self, now: datetime | None = None) -> Self:
        """Neither archived nor expired."""
        return self.filter(archived_at=None).exclude(expires_at__lte=now or timezone.now())


class VirtualKey(Item):
    """A provider's key that callers name by a slug. The secret is encrypted and never shown again."""

    class Serves(models.TextChoices):
        MODELS = "models", "Model routes only"
        EVERYTHING = "everything", "Every route of the provider (files, batches, fine-tuning, …)"

    PREFIX = ""
    CHANGEABLE = frozenset({"custom_host", "options", "note", "expires_at", "serves"})
    KIND = "virtual_key"

    provider = models.CharField(max_length=60)
    sealed = models.TextField()
    hint = models.CharField(max_length=20)
    custom_host = models.CharField(max_length=500, blank=True)
    options = models.JSONField(default=dict)  # of the provider, not secret: {"aws_region": "eu-west-1"}
    note = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    serves = models.CharField(max_length=10, choices=Serves, default=Serves.MODELS)

    objects = VirtualKeyQuerySet.as_manager()

    class Meta(Item.Meta):
        db_table = "virtual_key"
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="virtual_key_slug")]

    @classmethod
    @transaction.atomic
    def create(
        cls,
        workspace: Workspace,
        name: str,
        provider: str,
        secret: str,
        *,
        by: Actor,
        slug: str | None = None,
        **more: Any,
    ) -> VirtualKey:
        """A new virtual key; ``more`` as for ``change``. Raises Invalid."""
        key = cls(workspace=workspace, name=clean_name(name), provider=provider.strip().lower(), created_by=by.person)
        key.slug = cls._new_slug(workspace, name, slug)
        key._set(**more)
        key._seal(secret)
        key.save(force_insert=True)
        key._note(by, "create")
        return key

    @classmethod
    def _new_slug(cls, workspace: Workspace, name: str, slug: str | None) -> str:
        # The slug is what callers type ("@openai-production-1f02bc"): it shows more of the name.
        return super()._new_slug(workspace, name, slug or slugs.make_slug(cls.PREFIX, name, shown=40))

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_active(self) -> bool:
        return not self.is_archived and not self.is_expired

    @property
    def provider_name(self) -> str:
        return provider_name(self.provider)

    def change(self, *, by: Actor, secret: str = "", **changes: Any) -> None:
        """Set any of ``custom_host``, ``options``, ``note``, ``expires_at`` and ``serves``. Raises Invalid.

        ``secret`` takes the place of the stored one. It is required where a change sends it to another host: who may
        edit a key is not thereby shown its secret.
        """
        host, options = self.custom_host, self.options
        self._set(**changes)
        if secret:
            self._seal(secret)
        else:
            findings = [Finding("custom_host", SECRET_REQUIRED)] if self.custom_host not in ("", host) else []
            if _decisive(self.options) - _decisive(options):
                findings.append(Finding("options", SECRET_REQUIRED))
            if findings:
                raise Invalid(findings)
        self.save(update_fields=[*changes, *(("sealed", "hint") if secret else ()), "updated_at"])
        self._note(by, "change", ", ".join(changes))
        if secret:
            self._note(by, "rotate_secret")

    def rotate_secret(self, secret: str, by: Actor) -> None:
        """Another secret under the same slug. Raises Invalid."""
        self._seal(secret)
        self.save(update_fields=["sealed", "hint", "updated_at"])
        self._note(by, "rotate_secret")

    def open_secret(self) -> str:
        """The secret, for the call alone. Raises secrets.Unreadable."""
        return vault().open(self.sealed)

    def _seal(self, secret: str) -> None:
        secret = secret.strip()
        if not 0 < len(secret) <= MAX_SECRET or "\0" in secret:
            raise Invalid([Finding("key", f"must have 1 to {MAX_SECRET:,} characters")])
        self.sealed, self.hint = vault().seal(secret), mask(secret)

    def _set(self, **values: Any) -> None:
        if unknown := values.keys() - self.CHANGEABLE:
            raise TypeError(f"a virtual key has no {', '.join(unknown)}")
        for name, value in values.items():
            setattr(self, name, value)
        provider = PROVIDERS.get(self.provider)
        if provider is None:
            raise Invalid([Finding("provider", f"is not a provider of the gateway: {self.provider[:60]!r}")])
        findings = [
            Finding(f"options.{name}", f"must be text, and one of {', '.join(provider.options) or 'none'}")
            for name, value in self.options.items()
            if name not in provider.options or not isinstance(value, str)
        ]
        config = {"provider": self.provider, "api_key": "-", **self.options}
        if self.custom_host:
            config["custom_host"] = self.custom_host
        findings = findings or schema.check(config, frozenset(settings.TRUSTED_HOSTS)).errors
        findings += refused_hosts(self.workspace, config)
        if self.serves not in self.Serves.values:
            findings.append(Finding("serves", f"must be one of {', '.join(self.Serves.values)}"))
        if len(self.note) > MAX_NOTE or "\0" in self.note:
            findings.append(Finding("note", f"may have up to {MAX_NOTE:,} characters"))
        if findings:
            raise Invalid(findings)


def _decisive(options: dict[str, str]) -> set[tuple[str, str]]:
    """Return the options that say which host gets the secret."""
    return {(name, value) for name, value in options.items() if name not in HARMLESS_OPTIONS}

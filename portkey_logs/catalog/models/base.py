"""What configs, prompts and virtual keys have in common."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from portkey_logs.accounts.models import Actor, AuditEvent, User, Workspace
from portkey_logs.catalog import slugs
from portkey_logs.catalog.hosts import HostPolicy, hosts_in
from portkey_logs.catalog.schema import Finding

MAX_NAME = 100


class Invalid(Exception):
    """What somebody wants to save does not work; ``findings`` say where and why, in words for them."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(map(str, findings)))
        self.findings = findings


class ItemQuerySet(models.QuerySet[Any]):
    def in_workspace(self, workspace: Workspace | int) -> Self:
        return self.filter(workspace=workspace)

    def active(self) -> Self:
        """Those that calls may use."""
        return self.filter(archived_at=None)

    def archived(self) -> Self:
        return self.exclude(archived_at=None)


class Item(models.Model):
    """Something in the catalog of a workspace, named by its slug."""

    PREFIX: ClassVar[str]
    KIND: ClassVar[str]  # in the names of audit events: "config.archive"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    slug = models.CharField(max_length=slugs.MAX_LENGTH)
    name = models.CharField(max_length=MAX_NAME)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)  # capture reads all again when any of these moved
    archived_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        ordering = ["name", "slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    def archive(self, by: Actor) -> None:
        """Calls that name it are refused from now on; logs still lead to it."""
        self.archived_at = timezone.now()
        self.save(update_fields=["archived_at", "updated_at"])
        self._note(by, "archive")

    def restore(self, by: Actor) -> None:
        """Makes it usable again."""
        self.archived_at = None
        self.save(update_fields=["archived_at", "updated_at"])
        self._note(by, "restore")

    def rename(self, name: str, by: Actor) -> None:
        """Another name; the slug stays. Raises Invalid."""
        self.name = clean_name(name)
        self.save(update_fields=["name", "updated_at"])
        self._note(by, "rename")

    def _note(self, by: Actor, event: str, detail: str = "") -> None:
        AuditEvent.record(self.workspace, by, f"{self.KIND}.{event}", self.slug, detail)

    @classmethod
    def _new_slug(cls, workspace: Workspace, name: str, slug: str | None) -> str:
        """The wished slug, if it is free, or a new one. Raises Invalid."""
        if not slug:
            return slugs.make_slug(cls.PREFIX, name)
        if not slugs.SLUG.fullmatch(slug):
            raise Invalid([Finding("slug", "takes letters, digits, dots, dashes and underscores, at most 100")])
        if slug in slugs.RESERVED:
            raise Invalid([Finding("slug", "may not be “new” or “save”: its page would be out of reach")])
        if cls._default_manager.filter(workspace=workspace, slug=slug).exists():
            raise Invalid([Finding("slug", "is taken in this workspace")])
        return slug


class Version(models.Model):
    """One state of a config or a prompt. Never changes; ``number`` counts from 1."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.IntegerField()
    description = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"version {self.number}"


def refused_hosts(workspace: Workspace, config: Any) -> list[Finding]:
    """Return a finding for each outside host in a config that the organisation does not allow."""
    organisation = workspace.organisation
    policy = HostPolicy(organisation.host_policy, frozenset(organisation.allowed_hosts))
    trusted = {host.rpartition(":")[0] or host for host in settings.TRUSTED_HOSTS}
    return [
        Finding("", policy.refusal(host))
        for host in dict.fromkeys(hosts_in(config))
        if host not in trusted and not policy.allows(host)
    ]


def clean_name(name: str) -> str:
    """The name, trimmed. Raises Invalid."""
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME or "\0" in name:
        raise Invalid([Finding("name", f"must have 1 to {MAX_NAME} characters")])
    return name

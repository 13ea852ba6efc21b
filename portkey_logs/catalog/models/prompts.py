"""Prompt templates and their versions."""

from __future__ import annotations

import json

from django.db import models, transaction

from portkey_logs.accounts.models import Actor, Workspace
from portkey_logs.catalog import slugs
from portkey_logs.catalog.fields import OrderedJSONField
from portkey_logs.catalog.models.base import MAX_NAME, Invalid, Item, ItemQuerySet, Version, clean_name
from portkey_logs.catalog.prompts import PromptSource
from portkey_logs.catalog.schema import Finding
from portkey_logs.catalog.templates import TemplateError

MAX_TEMPLATE = 1_000_000  # characters; long few-shot prompts have some 100,000

MAX_MODEL = 200  # characters


class Prompt(Item):
    """A prompt template that calls name by its slug; its published version serves them."""

    PREFIX = "pp"
    KIND = "prompt"

    published = models.ForeignKey(
        "PromptVersion", null=True, on_delete=models.RESTRICT, related_name="+", db_index=False
    )

    objects = ItemQuerySet.as_manager()

    class Meta(Item.Meta):
        db_table = "prompt"
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="prompt_slug")]

    @classmethod
    @transaction.atomic
    def create(
        cls,
        workspace: Workspace,
        name: str,
        source: PromptSource,
        *,
        by: Actor,
        slug: str | None = None,
        **version: str,
    ) -> Prompt:
        """A new prompt, its first version published; ``version`` as for ``save_version``. Raises Invalid."""
        prompt = cls(workspace=workspace, name=clean_name(name), created_by=by.person)
        prompt.slug = cls._new_slug(workspace, name, slug)
        _checked_source(source)
        prompt.save(force_insert=True)
        prompt.publish(prompt.save_version(source, by=by, **version), by=by)
        return prompt

    @transaction.atomic
    def save_version(
        self,
        source: PromptSource,
        *,
        by: Actor,
        virtual_key: str = "",
        config: str = "",
        label: str = "",
        description: str = "",
    ) -> PromptVersion:
        """A new version, not yet published. ``virtual_key`` and ``config`` are slugs. Raises Invalid."""
        _checked_source(source)
        for name, slug in (("virtual_key", virtual_key), ("config", config)):
            if (slug and not slugs.SLUG.fullmatch(slug.partition("@")[0])) or len(slug) > slugs.MAX_LENGTH:
                raise Invalid([Finding(name, "must be a slug")])
        Prompt.objects.select_for_update().get(pk=self.pk)  # of two at once one waits: numbers do not collide
        last = self.versions.first()
        version = PromptVersion(
            prompt=self,
            number=last.number + 1 if last else 1,
            template=source.template,
            model=source.model,
            parameters=source.parameters,
            tools=source.tools,
            tool_choice=source.tool_choice,
            response_format=source.response_format,
            virtual_key=virtual_key,
            config=config,
            label=label[:MAX_NAME],
            description=description[:200],
            created_by=by.person,
        )
        version.save(force_insert=True)
        self.save(update_fields=["updated_at"])
        self._note(by, "save_version", f"version {version.number}")
        return version

    def publish(self, version: PromptVersion, by: Actor) -> None:
        """Calls use this version from now on."""
        self.published = version
        self.save(update_fields=["published", "updated_at"])
        self._note(by, "publish", f"version {version.number}")


class PromptVersion(Version):
    """One state of a prompt: the template, the call's parameters, and which key or config serves it."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="versions", db_index=False)
    label = models.CharField(max_length=MAX_NAME, blank=True)
    template = OrderedJSONField()
    model = models.CharField(max_length=MAX_MODEL, blank=True)
    parameters = OrderedJSONField(default=dict)
    tools = OrderedJSONField(null=True)
    tool_choice = OrderedJSONField(null=True)
    response_format = OrderedJSONField(null=True)
    virtual_key = models.CharField(max_length=slugs.MAX_LENGTH, blank=True)  # a slug
    config = models.CharField(max_length=slugs.MAX_LENGTH, blank=True)  # a slug

    class Meta(Version.Meta):
        db_table = "prompt_version"
        constraints = [models.UniqueConstraint(fields=["prompt", "number"], name="prompt_version_number")]

    def __str__(self) -> str:
        return f"{self.prompt.name}, version {self.number}"

    @property
    def source(self) -> PromptSource:
        """What it is rendered from."""
        return PromptSource(
            template=self.template,
            model=self.model,
            parameters=self.parameters,
            tools=self.tools,
            tool_choice=self.tool_choice,
            response_format=self.response_format,
        )


def _checked_source(source: PromptSource) -> None:
    """Raises Invalid for a template that cannot be rendered."""
    if not source.template or len(json.dumps(source.template)) > MAX_TEMPLATE:
        raise Invalid([Finding("string", f"must have 1 to {MAX_TEMPLATE:,} characters")])
    if len(source.model) > MAX_MODEL:
        raise Invalid([Finding("model", f"may have up to {MAX_MODEL} characters")])
    try:
        source.variables()
    except TemplateError as error:
        raise Invalid([Finding("string", str(error))]) from None

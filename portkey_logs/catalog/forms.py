"""The forms of the catalog's pages."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django import forms

from portkey_logs.accounts.forms import end_of
from portkey_logs.catalog.models import Invalid, VirtualKey
from portkey_logs.catalog.models.base import MAX_NAME
from portkey_logs.catalog.providers import PROVIDERS
from portkey_logs.catalog.slugs import MAX_LENGTH


class CatalogForm(forms.Form):
    """A form whose values a model judges: its findings become errors at the fields they concern."""

    FIELDS: dict[str, str] = {}  # the first part of a finding's path -> the field, where they differ
    REST = ""  # the field that all other findings belong to

    def add_findings(self, invalid: Invalid) -> None:
        """Show what the model found."""
        for finding in invalid.findings:
            name = finding.path.partition(".")[0].partition("[")[0]
            field = self.FIELDS.get(name, name)
            known = field in self.fields
            self.add_error(field if known else self.REST or None, finding.message if known else str(finding))


class ConfigForm(CatalogForm):
    """A version of a config; ``slug`` only for a new one."""

    REST = "body"

    name = forms.CharField(max_length=MAX_NAME)
    slug = forms.CharField(
        max_length=MAX_LENGTH,
        required=False,
        help_text="Optional. What calls name it by, such as pc-prod; it cannot be changed later.",
    )
    body = forms.CharField(
        label="Config",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false", "data-json": "", "autocomplete": "off"}),
    )
    description = forms.CharField(
        label="What changes", max_length=200, required=False, help_text="Optional. For the list of versions."
    )
    after = forms.IntegerField(required=False, widget=forms.HiddenInput)  # the number of the version it was made from

    def __init__(self, *args: Any, is_new: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("description", "after") if is_new else ("slug",):
            del self.fields[name]

    def clean_body(self) -> Any:
        """The JSON value."""
        try:
            return json.loads(self.cleaned_data["body"])
        except json.JSONDecodeError as error:
            raise forms.ValidationError(
                f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
            ) from None
        except (ValueError, RecursionError):  # a number of thousands of digits; thousands of brackets
            raise forms.ValidationError("This JSON is nested too deep, or has a number that is too long.") from None

    def add_findings(self, invalid: Invalid) -> None:
        """A config may have a ``name`` and a ``slug`` of its own: only a finding at exactly these is the form's."""
        for finding in invalid.findings:
            own = finding.path in ("name", "slug") and finding.path in self.fields
            self.add_error(finding.path if own else "body", finding.message if own else str(finding))


class VirtualKeyForm(CatalogForm):
    """What can be said of a virtual key besides its secret."""

    FIELDS = {"expires_at": "last_day"}
    REST = "options"

    name = forms.CharField(max_length=MAX_NAME)
    custom_host = forms.CharField(
        label="Custom host",
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "https://llm.example.org/v1", "autocomplete": "off"}),
        help_text="Optional. Where the provider's API is, if not at its usual address.",
    )
    options = forms.CharField(
        label="Provider options",
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 3, "spellcheck": "false", "data-json": "", "placeholder": '{"aws_region": "eu-west-1"}'}
        ),
        help_text="Optional JSON, for providers that need more than a key: Azure, Bedrock, Vertex.",
    )
    serves = forms.ChoiceField(
        choices=VirtualKey.Serves.choices,
        initial=VirtualKey.Serves.MODELS,
        required=False,
        help_text="Model routes are chat, embeddings, images, audio and the like. Other routes read or change the"
        " provider's account: every caller could delete its files.",
    )
    last_day = forms.DateField(
        required=False,
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Optional. The key works until the end of this day (UTC).",
    )
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text="Optional.")

    def clean_options(self) -> dict[str, Any]:
        text = self.cleaned_data["options"].strip()
        if not text:
            return {}
        try:
            options = json.loads(text)
        except (ValueError, RecursionError):
            options = None
        if not isinstance(options, dict):
            raise forms.ValidationError('Give a JSON object such as {"aws_region": "eu-west-1"}.')
        return options

    def clean_last_day(self) -> datetime | None:
        """The moment (UTC) from which the key is refused; None: it never expires."""
        return end_of(self.cleaned_data["last_day"])

    def clean_serves(self) -> str:
        """The narrower choice where none was made."""
        return self.cleaned_data["serves"] or VirtualKey.Serves.MODELS.value

    @property
    def settings(self) -> dict[str, Any]:
        """The values as ``VirtualKey.change`` takes them."""
        values = self.cleaned_data
        return {name: values[name] for name in ("custom_host", "options", "note", "serves")} | {
            "expires_at": values["last_day"]
        }


class SecretForm(CatalogForm):
    """A provider's key. A secret is never sent back, so it is never filled in."""

    key = forms.CharField(
        label="The provider's key",
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Encrypted at rest and never shown again.",
    )


class ChangeVirtualKeyForm(VirtualKeyForm):
    key = forms.CharField(
        label="The provider's key",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Only where the host or the provider options change: it is sent there.",
    )

    field_order = ("name", "custom_host", "options", "key")


class NewVirtualKeyForm(SecretForm, VirtualKeyForm):
    provider = forms.ChoiceField(
        choices=[("", "Choose…"), *((slug, provider.name) for slug, provider in PROVIDERS.items())]
    )
    slug = forms.CharField(
        max_length=MAX_LENGTH, required=False, help_text="Optional. What calls name it by; it cannot be changed later."
    )

    field_order = ("name", "provider", "key", "slug")

"""The forms of the account and settings pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.forms.boundfield import BoundWidget
from django.utils import timezone

from portkey_logs.accounts import permissions
from portkey_logs.accounts.host_policy import MAX_ALLOWED_HOSTS, is_host_name
from portkey_logs.accounts.models import ApiKey, Organisation, Role, User, Workspace
from portkey_logs.accounts.permissions import CATALOG_HINT, CATALOG_LABEL, Right, Standing

# What each scope lets a program do, and so what somebody may do with a key that leaked.
SCOPE_HINTS = {
    "logs.write": "Make calls with the workspace's virtual keys, add logs and feedback. Reads no log.",
    "logs.view": "Read every log of the workspace: prompts, answers, users.",
    "logs.export": "Make files of any number of logs, and fetch them.",
    "analytics.view": "Read sums: costs, counts, names of models and users. No prompts and answers.",
    "configs": "Read which configs there are and what they say; secrets stay masked.",
    "prompts": "Read prompts and their versions.",
    "virtual_keys": "Read which virtual keys there are; secrets never.",
    "configs.": "Change how production's calls are served, and by whom: a leak can send them elsewhere.",
    "prompts.": "Change what production's calls of prompts say: a leak can rewrite them.",
    "virtual_keys.": "Change with which provider's keys, and to which hosts, production's calls go.",
}


def scope_hint(scope: str) -> str:
    """The hint of a scope: of itself, or of its kind, apart for reading and changing."""
    kind = scope.partition(".")[0]
    is_changing = permissions.right_of_scope(scope) is Right.MANAGE_CATALOG
    return SCOPE_HINTS.get(scope) or SCOPE_HINTS[f"{kind}." if is_changing else kind]


LAST_YEAR = 2100  # what lies far beyond overflows somewhere


def end_of(day: date | None) -> datetime | None:
    """When a last day is over (UTC); None where there is none. Raises ValidationError for one that is over, or no day
    that anybody means."""
    if day is None:
        return None
    if day < timezone.now().date():
        raise forms.ValidationError("This day is over.")
    if day.year > LAST_YEAR:
        raise forms.ValidationError(f"Give a day up to the year {LAST_YEAR}, or none.")
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


class ApiKeyForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="Where the key is used, so that you know it when you revoke it.")
    scopes = forms.MultipleChoiceField(
        initial=ApiKey.DEFAULT_SCOPES,
        widget=forms.CheckboxSelectMultiple,
    )
    last_day = forms.DateField(
        required=False,
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Optional. The key works until the end of this day (UTC).",
    )

    def __init__(self, *args: Any, maker: Standing, **kwargs: Any) -> None:
        """``maker``: nobody gives a key more than they have themselves."""
        super().__init__(*args, **kwargs)
        field = self.fields["scopes"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 (tells mypy)
        field.choices = [(scope, scope) for scope in permissions.scopes_in_force(ApiKey.SCOPES, maker)]

    @property
    def scope_groups(self) -> list[tuple[str, list[BoundWidget]]]:
        """The checkboxes by their hint, those of logs first."""
        groups = groupby(self["scopes"].subwidgets, lambda box: scope_hint(str(box.data["value"])))
        return [(hint, list(boxes)) for hint, boxes in groups]

    def clean_last_day(self) -> datetime | None:
        """The moment (UTC) from which the key is refused; None: it never expires."""
        return end_of(self.cleaned_data["last_day"])


class InvitationForm(forms.Form):
    role = forms.ChoiceField()
    may_manage_catalog = forms.BooleanField(label=CATALOG_LABEL, required=False, help_text=CATALOG_HINT)
    note = forms.CharField(
        max_length=100, required=False, help_text="Optional. For whom the link is; owners and admins see it."
    )

    def __init__(self, *args: Any, roles: list[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (tells mypy)
        field.choices = [(role.value, role.label) for role in roles]
        field.initial = Role.MEMBER


class JoinForm(forms.Form):
    """Makes the account of somebody who was invited."""

    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    name = forms.CharField(max_length=100, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=" ".join(password_validators_help_texts()),
    )

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if User.objects.filter(email=email).exists():
            raise forms.ValidationError("This address has an account. Sign in first, then open the link again.")
        return email

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if "password" in values:
            person = User(email=values.get("email", ""), name=values.get("name", ""))
            try:
                validate_password(values["password"], person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return values


class OrganisationForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = Organisation
        fields = ["name"]


class OutsideHostsForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Outside hosts that the organisation's configs, virtual keys and calls may name."""

    allowed_hosts = forms.CharField(
        label="Allowed hosts",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "placeholder": "llm.example.com"}),
        help_text="One name or address a line. *.example.org stands for every name below example.org.",
    )

    class Meta:
        model = Organisation
        fields = ["host_policy", "allowed_hosts"]
        labels = {"host_policy": "Calls may go to"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["allowed_hosts"] = "\n".join(self.instance.allowed_hosts)

    def clean_allowed_hosts(self) -> list[str]:
        hosts = list(dict.fromkeys(self.cleaned_data["allowed_hosts"].lower().replace(",", " ").split()))
        if len(hosts) > MAX_ALLOWED_HOSTS:
            raise forms.ValidationError(f"Give at most {MAX_ALLOWED_HOSTS} hosts.")
        if wrong := next((host for host in hosts if not is_host_name(host)), None):
            raise forms.ValidationError(f"“{wrong[:60]}” is no host name: leave out the scheme, the port and the path.")
        return hosts


class WorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = Workspace
        fields = ["name", "slug"]
        help_texts = {"slug": "Part of the address: small letters, digits and hyphens. It cannot be changed later."}
        error_messages = {"slug": {"unique": "This slug is taken."}}

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug != slug.lower() or "_" in slug:
            raise forms.ValidationError("Use small letters, digits and hyphens only.")
        return slug


class LoggingForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = Workspace
        fields = ["metrics_only", "ask_for_usage"]
        help_texts = {
            "metrics_only": "Keep numbers, states and names, but no request or response bodies, except those of errors:"
            " they say what went wrong, and may quote what was asked."
        }

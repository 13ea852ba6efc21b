"""The forms of the account and settings pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.utils import timezone

from portkey_logs.accounts.models import ApiKey, Membership, Organisation, User, Workspace

SCOPE_LABELS = {
    "logs.write": "logs.write: make calls, add logs and feedback",
    "logs.view": "logs.view: read logs",
    "logs.export": "logs.export: make and fetch files of logs",
    "analytics.view": "analytics.view: read sums of logs",
}


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
        choices=[(scope, SCOPE_LABELS.get(scope, scope)) for scope in ApiKey.SCOPES],
        initial=ApiKey.LOG_SCOPES,
        widget=forms.CheckboxSelectMultiple,
    )
    last_day = forms.DateField(
        required=False,
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Optional. The key works until the end of this day (UTC).",
    )

    def clean_last_day(self) -> datetime | None:
        """The moment (UTC) from which the key is refused; None: it never expires."""
        return end_of(self.cleaned_data["last_day"])


class InvitationForm(forms.Form):
    role = forms.ChoiceField()
    note = forms.CharField(
        max_length=100, required=False, help_text="Optional. For whom the link is; owners and admins see it."
    )

    def __init__(self, *args: Any, roles: list[Membership.Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (tells mypy)
        field.choices = [(role.value, role.label) for role in roles]
        field.initial = Membership.Role.MEMBER


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

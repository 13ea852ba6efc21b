"""What is asked before many logs are replayed."""

from __future__ import annotations

from typing import Any

from django import forms

from portkey_logs.accounts.models import Workspace
from portkey_logs.catalog.models import PromptVersion
from replay import playground_state
from replay.batches import MAX_LOGS
from replay.source import Target

DEFAULT_LOGS = 20  # enough for a first impression, and cheap


class BatchForm(forms.Form):
    """How many of a selection, who is to answer, and what it may cost. Ticked logs need no number."""

    count = forms.IntegerField(
        label="How many, the newest first", min_value=1, max_value=MAX_LOGS, initial=DEFAULT_LOGS
    )
    prompt_version = forms.ModelChoiceField(
        PromptVersion.objects.none(),
        label="Prompt",
        required=False,
        empty_label="Each request as it was",
        help_text="A version is filled in with the variables of each log. Logs without them are skipped.",
    )
    target = forms.ChoiceField(label="Answered by", required=False)
    model = forms.CharField(
        label="Model",
        max_length=200,
        required=False,
        help_text="In the place of each request's own. Empty: as it was.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "models"}),
    )
    cost_limit = forms.DecimalField(
        label="Cost limit in cents",
        min_value=0,
        max_digits=18,
        decimal_places=8,
        required=False,
        help_text="No request is begun that would go over it at the price of the dearest so far. Empty: no limit.",
    )

    def __init__(self, workspace: Workspace, *args: Any, ticked: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = [
            (title, [(each.value, each.label) for each in choices])
            for title, choices in playground_state.targets(workspace)
        ]
        self.fields["target"].choices = [("", "Who answered before, or whom the prompt names"), *groups]  # type: ignore[attr-defined]
        versions = PromptVersion.objects.filter(prompt__workspace=workspace, prompt__archived_at=None)
        if versions.exists():
            named = versions.select_related("prompt").order_by("prompt__name", "-number")
            self.fields["prompt_version"].queryset = named  # type: ignore[attr-defined]
        else:
            del self.fields["prompt_version"]
        if ticked:
            del self.fields["count"]

    def clean_target(self) -> Target | None:
        return Target.chosen(self.cleaned_data["target"])

    def clean_model(self) -> str:
        return str(self.cleaned_data["model"])

"""What somebody chooses for an export."""

from __future__ import annotations

from typing import Any

from django import forms

from logs.exports import fields
from logs.exports.models import Export


class ExportForm(forms.Form):
    description = forms.CharField(
        label="Name", max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    format = forms.ChoiceField(
        label="Format", choices=Export.Format.choices, initial=Export.Format.JSONL, widget=forms.RadioSelect
    )
    fields_ = forms.MultipleChoiceField(
        label="Fields",
        choices=fields.choices,
        initial=fields.USUAL,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one field."},
    )

    def clean_description(self) -> str:
        return " ".join(str(self.cleaned_data["description"]).split())

    def clean_fields_(self) -> list[str]:
        """In the order in which the fields stand, whatever the browser sent."""
        chosen: list[str] = self.cleaned_data["fields_"]
        return [name for name in fields.FIELDS if name in chosen]

    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        """The boxes of the fields by their groups."""
        boxes = {str(box.data["value"]): box for box in self["fields_"]}
        return [(group, [boxes[name] for name, _ in members]) for group, members in fields.choices()]

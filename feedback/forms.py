"""What a person says of a log."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from feedback.models import DEFAULT_WEIGHT, MAX_VALUE, MIN_VALUE, Feedback, Given

MAX_COMMENT = 5000  # characters; a page of text
MAX_PAIRS = 20
MAX_PART = 128  # characters of a metadata key or value, as Portkey cuts them
THUMBS = {"1": Decimal(1), "-1": Decimal(-1)}  # https://portkey.ai/docs: thumbs are +1 and -1


class PairsField(forms.CharField):
    """Lines of ``key: value`` (or ``key=value``) as a dict of texts."""

    def clean(self, value: str | None) -> dict[str, str]:
        lines = [line.strip() for line in (super().clean(value) or "").splitlines() if line.strip()]
        if len(lines) > MAX_PAIRS:
            raise forms.ValidationError(f"Give at most {MAX_PAIRS} lines.")
        pairs = {}
        for line in lines:
            at = min((at for at in (line.find(":"), line.find("=")) if at >= 0), default=0)
            key, text = line[:at].strip(), line[at + 1 :].strip()
            if not key or max(len(key), len(text)) > MAX_PART:
                raise forms.ValidationError(
                    f"Write “key: value” in each line, with at most {MAX_PART} characters on each side."
                )
            pairs[key] = text
        return pairs


class RatingForm(forms.Form):
    """One click on a thumb, or a value; the rest may stay as it is."""

    value = forms.DecimalField(
        label="Value",
        required=False,
        min_value=MIN_VALUE,
        max_value=MAX_VALUE,
        decimal_places=6,
        widget=forms.NumberInput(attrs={"step": "any", "placeholder": "−10 to 10"}),
    )
    weight = forms.DecimalField(
        label="Weight",
        required=False,
        min_value=0,
        max_value=1,
        decimal_places=6,
        widget=forms.NumberInput(attrs={"step": "any", "placeholder": "0 to 1"}),
    )
    comment = forms.CharField(
        label="Comment",
        required=False,
        max_length=MAX_COMMENT,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "What is good or wrong?"}),
    )
    metadata = PairsField(
        label="Metadata",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "key: value", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, own: Feedback | None = None, **kwargs: Any) -> None:
        if own is not None:
            kwargs["initial"] = {
                "value": f"{own.value.normalize():f}",
                "weight": f"{own.weight.normalize():f}",
                "comment": own.comment,
                "metadata": "\n".join(f"{key}: {value}" for key, value in own.metadata.items()),
            }
        super().__init__(*args, **kwargs)
        self.thumb = THUMBS.get(self.data.get("thumb", ""))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.thumb is not None:
            self.errors.pop("value", None)  # the thumb is the value, whatever stands in the field
        elif "value" not in self.errors and cleaned.get("value") is None:
            self.add_error("value", "Press a thumb, or give a value from −10 to 10.")
        return cleaned

    def given(self, trace_id: str) -> Given:
        """What a valid form says."""
        cleaned = self.cleaned_data
        weight = cleaned["weight"]
        return Given(
            trace_id,
            value=cleaned["value"] if self.thumb is None else self.thumb,
            weight=DEFAULT_WEIGHT if weight is None else weight,
            comment=cleaned["comment"].replace("\x00", ""),
            metadata=cleaned["metadata"],
        )

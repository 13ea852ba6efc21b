"""Types of what ``/v1/feedback`` takes and answers, for the API's documentation."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

type Value = Annotated[float, Meta(ge=-10, le=10)]
type Weight = Annotated[float, Meta(ge=0, le=1)]


class NewFeedback(Struct, kw_only=True):
    """A rating of a trace, whose log may arrive later. Keys and values of the metadata are cut to 128 characters."""

    trace_id: str
    value: Value
    weight: Weight = 1.0
    metadata: dict[str, Any] | None = None


NewFeedbacks = NewFeedback | list[NewFeedback]


class FeedbackUpdate(Struct, kw_only=True):
    """What replaces a rating that came through the API. Without metadata it keeps its own."""

    value: Value
    weight: Weight = 1.0
    metadata: dict[str, Any] | None = None


class FeedbackSaved(Struct):
    status: str
    message: str
    feedback_ids: list[str]

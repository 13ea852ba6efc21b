"""The feedback part of the side panel."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from feedback.forms import RatingForm
from feedback.models import Feedback, FeedbackTrace
from logs.extension_types import FeedbackScore, sign, signed
from logs.models import Log
from portkey_logs.accounts.models import Workspace


@dataclass(frozen=True)
class Entry:
    """One rating in words."""

    rating: Feedback
    is_mine: bool

    @property
    def value(self) -> str:
        return signed(self.rating.value)

    @property
    def kind(self) -> str:
        return sign(self.rating.value)

    @property
    def weight(self) -> str:
        """Only where it is not the usual one."""
        return "" if self.rating.weight == 1 else f"{self.rating.weight.normalize():f}"

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """Its pairs; a comment among them stands above already."""
        rating = self.rating
        return [
            (key, value)
            for key, value in rating.metadata.items()
            if not (rating.comment and key in ("comment", "text"))
        ]


@dataclass(frozen=True)
class Shown:
    """All that the panel shows of a trace's ratings, and the form for one's own."""

    log_id: str
    trace_id: str
    url: str
    goes_on_at: str
    score: FeedbackScore | None
    own: Feedback | None
    form: RatingForm
    entries: list[Entry]

    @property
    def thumb(self) -> str:
        """The thumb that stands for one's own rating."""
        return sign(self.own.value) if self.own else ""


def shown(
    request: HttpRequest, workspace: Workspace, log: Log, *, form: RatingForm | None = None, goes_on_at: str = ""
) -> Shown:
    """``form`` holds what was sent and refused; ``goes_on_at`` is where a browser without scripts goes on."""
    ratings = list(
        Feedback.objects.of_trace(workspace.id, log.trace_id).select_related("person", "api_key", "resolved_by")
    )
    own = next((rating for rating in ratings if rating.person_id == request.user.pk), None)
    summary = FeedbackTrace.objects.of_traces(workspace.id, [log.trace_id]).first()
    return Shown(
        log_id=str(log.id),
        trace_id=log.trace_id,
        url=reverse("log_feedback", args=[workspace.slug, log.id]),
        goes_on_at=goes_on_at or request.get_full_path(),
        score=FeedbackScore(summary.ratings, summary.average) if summary else None,
        own=own,
        form=form or RatingForm(own=own),
        entries=[Entry(rating, is_mine=rating == own) for rating in ratings],
    )

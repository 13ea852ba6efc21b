"""Fixed vocabularies of a log: one enum each, read by the columns, filters, labels and docs alike.

The members are the stored values. None of them may be renamed: rows, API clients and saved filters hold them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Vocabulary(StrEnum):
    """Stored values with the words that a person reads."""

    label: str

    # The defaults are for calls that look a member up by its value, as in Source("api").
    def __new__(cls, value: str, label: str = "", *_explanations: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Return (value, label) pairs, as Django's fields take them."""
        return [(member.value, member.label) for member in cls]


class Source(Vocabulary):
    """Way by which a log came in. Nothing writes OTLP and IMPORT yet; their rules are in ``ingest/normalise.py``."""

    API = "api", "POST /v1/logs"
    CAPTURE = "capture", "Capture"
    REPLAY = "replay", "Replay"
    OTLP = "otlp", "OpenTelemetry"
    IMPORT = "import", "Import"


class Completeness(Vocabulary):
    """Whether all of an exchange was recorded. ``note`` explains it beside the log; empty for complete logs."""

    note: str

    def __init__(self, value: str, label: str = "", note: str = "") -> None:
        self.note = note

    COMPLETE = "complete", "Complete"
    CUT = (
        "cut",
        "Cut by the provider",
        "The stream ended without its end mark: the answer may be missing its tail.",
    )
    CLIENT_LEFT = (
        "client_left",
        "Client left before the end",
        "The client closed the connection before the answer was complete.",
    )
    UNPARSED = (
        "unparsed",
        "Complete, but not readable as JSON",
        "This body could not be read as JSON; it is shown as received.",
    )
    NOT_KEPT = (
        "not_kept",
        "Bodies not kept",
        "Bodies of this request were not kept, by the caller's or the workspace's choice.",
    )


class RequestType(Vocabulary):
    """Kind of request, derived from its path."""

    CHAT_COMPLETION = "chat_completion", "Chat Completion"
    COMPLETION = "completion", "Completion"
    EMBEDDING = "embedding", "Embedding"
    IMAGE_GENERATION = "image_generation", "Image Generation"
    IMAGE_EDIT = "image_edit", "Image Edit"
    AUDIO_SPEECH = "audio_speech", "Speech"
    AUDIO_TRANSCRIPTION = "audio_transcription", "Transcription"
    AUDIO_TRANSLATION = "audio_translation", "Audio Translation"
    MESSAGE = "message", "Message"
    RESPONSE = "response", "Response"
    MODERATION = "moderation", "Moderation"
    RERANK = "rerank", "Rerank"
    OTHER = "other", "Other"


class TokensOrigin(Vocabulary):
    """Source of the token counts."""

    PROVIDER = "provider", "Reported by the provider"
    ESTIMATED = "estimated", "Estimated from the text"
    MISSING = "missing", "Missing: the provider reported none"


class GatewayState(Vocabulary):
    """State of one gateway feature.

    ``text`` is Portkey's exact wording, in which ``{x}`` stands for a number. ``meaning`` explains the state.
    """

    text: str
    meaning: str

    def __init__(self, value: str, label: str = "", meaning: str = "", text: str = "") -> None:
        self.meaning = meaning
        self.text = text or label


class CacheStatus(GatewayState):
    DISABLED = "disabled", "Cache Disabled", "No cache was in force for this request."
    MISS = "miss", "Cache Miss", "The cache had no answer, so the provider was called."
    REFRESHED = "refreshed", "Cache Refreshed", "A fresh answer was demanded and replaced the cached one."
    HIT = "hit", "Cache Hit", "The answer came from the cache: the same request came before."
    SEMANTIC_HIT = (
        "semantic_hit",
        "Cache Semantic Hit",
        "The answer came from the cache, which holds a request of the same meaning.",
    )
    UNKNOWN = "unknown", "Unknown", "The source of this log does not say what the cache did.", "Cache unknown"


class RetryStatus(GatewayState):
    NOT_TRIGGERED = "not_triggered", "Retry Not Triggered", "The first call to the provider settled the request."
    SUCCESS = (
        "success",
        "Retry Success",
        "The call failed at first, then succeeded after x retries.",
        "Retry Success on {x} Tries",
    )
    FAILED = "failed", "Retry Failed", "The request was tried again and still failed."
    UNKNOWN = "unknown", "Unknown", "The source of this log does not say what was retried.", "Retry unknown"


class FallbackStatus(GatewayState):
    DISABLED = "disabled", "Fallback Disabled", "No fallback was configured for this request."
    ACTIVE = "active", "Fallback Active", "A fallback was configured; its first option answered."
    TRIGGERED = (
        "triggered",
        "Fallback Triggered",
        "Earlier options failed and option x was used; options count from zero.",
        "Fallback Triggered on Option {x}",
    )
    UNKNOWN = "unknown", "Unknown", "The source of this log does not mention a fallback.", "Fallback unknown"


class LoadbalanceStatus(GatewayState):
    DISABLED = "disabled", "Loadbalancer Disabled", "No load balancer was configured for this request."
    ACTIVE = "active", "Loadbalancer Active", "A load balancer chose the target of this request."
    UNKNOWN = (
        "unknown",
        "Unknown",
        "The source of this log does not mention a load balancer.",
        "Loadbalancer unknown",
    )


# In the order of the status pill.
GATEWAY_STATES: dict[str, type[GatewayState]] = {
    "cache": CacheStatus,
    "retry": RetryStatus,
    "fallback": FallbackStatus,
    "loadbalance": LoadbalanceStatus,
}

FROM_CACHE = (CacheStatus.HIT, CacheStatus.SEMANTIC_HIT)  # the answer was not paid for

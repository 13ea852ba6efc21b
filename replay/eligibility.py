"""May a log be replayed? One rule, asked by the button, by JSON, and before every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# What a run is sent to. The path that the log had may be longer, as Azure's is.
ENDPOINTS = {
    "chat_completion": "/v1/chat/completions",
    "completion": "/v1/completions",
    "embedding": "/v1/embeddings",
}

Body = Literal["whole", "not_kept", "incomplete", "masked"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rule looks at. ``provider`` is only named, nothing depends on it."""

    request_type: str  # a RequestType of logs/llm/vocabulary.py
    body: Body  # of the request: an answer that was cut is a reason to replay, not against it
    virtual_key_archived: bool = False
    prompt_in_config_target: bool = False
    may_see_bodies: bool = True
    may_run: bool = True
    credential_known: bool = True  # to us: a caller's own key is never stored
    provider: str | None = None


@dataclass(frozen=True)
class Verdict:
    """``allowed`` opens the request in the playground; ``needs_key`` says that it will not run as it was."""

    allowed: bool
    reason: str = ""
    needs_key: bool = False


def judge(facts: Facts) -> Verdict:
    """The verdict, and the first reason that there is in words."""
    reason = _refusal(facts)
    if reason:
        return Verdict(False, reason)
    if not facts.credential_known:
        whose = facts.provider or "this request"
        return Verdict(True, f"No credential is known for {whose}. Choose a virtual key to go on.", needs_key=True)
    return Verdict(True)


def _refusal(facts: Facts) -> str:
    if not facts.may_see_bodies:
        return "You may not see the bodies of this workspace."
    if not facts.may_run:
        return "You may not run requests in this workspace."
    if facts.request_type not in ENDPOINTS:
        return "The endpoint is not /chat/completions, /completions or /embeddings."
    if facts.prompt_in_config_target:
        return "The request came from a prompt template that was called from inside a Config target."
    if facts.body != "whole":
        return _BODY_REASONS[facts.body]
    if facts.virtual_key_archived:
        return "The virtual key of the log is archived."
    return ""


_BODY_REASONS = {
    "not_kept": "The body of the request was not kept.",
    "incomplete": "The body of the request is not complete.",
    "masked": "The body of the request was masked.",
}

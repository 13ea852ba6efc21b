"""What a run starts from: a request that was made, and who answered it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from logs.models import Log
from logs.storage.body_storage import BodyGone
from logs.viewer.bodies import read_side
from portkey_logs.lib import redaction
from replay.eligibility import ENDPOINTS, Facts, judge

if TYPE_CHECKING:
    from replay.models import Run

STARS = redaction.STARS
# They name one call, or belong to whoever made it. A run has its own.
_OF_THE_CALL = re.compile(
    "x-portkey-(?:api-key|trace-id|(?:parent-)?span-id|span-name|debug|provider|virtual-key|custom-host"
    "|config(?:-slug|-id|-version)?|prompt(?:-slug|-id|-version-id)|package-version|runtime(?:-version)?"
    "|sensitive-headers)"
)
# Of the provider's own headers, those that say what the call is and not who makes it.
_OF_THE_PROVIDER = frozenset({"content-type", "anthropic-version", "anthropic-beta", "openai-beta"})
# The rest would go on to a provider that it was not meant for.
_OF_ANY_TARGET = frozenset(
    {
        "content-type",
        "x-portkey-metadata",
        "x-portkey-request-timeout",
        "x-portkey-cache-namespace",
        "x-portkey-cache-force-refresh",
        # Of a log they do not go along at all: these are of a prompt that is tried.
        "x-portkey-prompt-slug",
        "x-portkey-prompt-version-id",
    }
)
_HEADER = re.compile(r"[a-z0-9-]+: [^\x00-\x1f\x7f\ud800-\udfff]*")  # a log that was posted may say anything
KINDS = ("provider", "virtual_key", "config", "inline")


class NoSource(LookupError):
    """There is no request to start from; the text says why."""


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is to answer. ``config`` is a slug or the text of an inline config; ``headers`` go along as they are."""

    provider: str = ""
    virtual_key: str = ""
    config: str = ""
    custom_host: str = ""
    headers: dict[str, str] = {}

    @classmethod
    def chosen(cls, text: str) -> Target | None:
        """``kind:value`` as a form sends it, None for "". Raises ValueError with words for whoever sent it."""
        if not text:
            return None
        kind, _, value = text.partition(":")
        value = value.strip()
        if kind not in KINDS or not value or any(ord(character) < 0x20 for character in value):
            raise ValueError("Choose a provider, a virtual key or a config.")
        if kind == "inline":
            return cls(config=_compact(value))
        if not value.isascii() or len(value) > 256:
            raise ValueError(f"There is no {kind.replace('_', ' ')} of this name.")
        return msgspec.convert({kind: value}, cls)

    def over(self, other: Target) -> Target:
        """This target for a call that went to the other: what says nothing of who answers still goes along."""
        kept = {name: value for name, value in other.headers.items() if name in _OF_ANY_TARGET}
        return msgspec.structs.replace(self, headers=kept | self.headers)

    def named(self, headers: dict[str, str]) -> Target:
        """The same with these headers too."""
        return msgspec.structs.replace(self, headers=self.headers | headers)

    @property
    def label(self) -> str:
        """Who it is, in words."""
        if self.virtual_key:
            return f"virtual key {self.virtual_key}"
        if self.config:
            return "its own config" if self.config.startswith("{") else f"config {self.config}"
        return self.provider or "as it was"

    def as_headers(self) -> dict[str, str]:
        """The headers of a call to it."""
        named = {
            "x-portkey-provider": self.provider,
            "x-portkey-virtual-key": self.virtual_key,
            "x-portkey-config": self.config,
            "x-portkey-custom-host": self.custom_host,
        }
        return {"content-type": "application/json"} | self.headers | {k: v for k, v in named.items() if v}


@dataclass(frozen=True)
class Source:
    """A request: its octets, where they go, and the log that they come from, if any.

    ``ran_before``: it was our own run, so that its target is known to work without the first caller's key.
    """

    path: str
    body: bytes
    target: Target
    log_id: UUID | None = None
    ran_before: bool = False


def of_log(log: Log) -> Source:
    """The request of a log, to the byte. Raises NoSource where the rule knows of none."""
    side = read_side(log, "request")
    try:
        octets = side.octets
    except BodyGone:
        octets = None
    if octets is None or log.request_type not in ENDPOINTS:
        raise NoSource(judge(Facts(request_type=log.request_type, body="not_kept")).reason)
    return Source(ENDPOINTS[log.request_type], octets, target_of(log, side.headers), log.id)


def of_run(run: Run) -> Source:
    """The request of an attempt. What is run from it is another attempt at the same log. Raises NoSource."""
    if run.octets is None:
        raise NoSource(judge(Facts(request_type="chat_completion", body="not_kept")).reason)
    return Source(run.path, run.octets, run.aim, run.parent_id or run.log_id, ran_before=True)


def target_of(log: Log, headers: Mapping[str, str]) -> Target:
    """Who answered a log, as far as it was kept: secrets were masked, and what was masked is left out."""
    config = headers.get("x-portkey-config", "") or log.config or ""
    provider = headers.get("x-portkey-provider", "")
    virtual_key = headers.get("x-portkey-virtual-key", "")
    if STARS in config:
        config = headers.get("x-portkey-config-slug", "")  # of a config that is kept here, with its secrets
    if not (provider or config or virtual_key):
        virtual_key, provider = log.virtual_key or "", "" if log.virtual_key else log.provider or ""
    return Target(
        provider=provider,
        virtual_key=virtual_key,
        config=config,
        custom_host=headers.get("x-portkey-custom-host", ""),
        headers={name: value for name, value in headers.items() if _goes_along(name, value)},
    )


def _goes_along(name: str, value: str) -> bool:
    if STARS in value or redaction.is_secret_name(name) or not _HEADER.fullmatch(f"{name}: {value}"):
        return False
    return name in _OF_THE_PROVIDER or (name.startswith("x-portkey-") and not _OF_THE_CALL.fullmatch(name))


def _compact(text: str) -> str:
    """A JSON object as a header may carry it. Raises ValueError."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError("A config is a JSON object.")
    if redaction.mask_json(value) != value:  # what is run is kept, and shown to all of the workspace
        raise ValueError("Keep the key that this config brings as a virtual key, and name that.")
    return json.dumps(value, separators=(",", ":"))

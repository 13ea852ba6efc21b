"""The side panel's content: one log in full, as labelled facts and two sides."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.urls import reverse

from logs.explorer import presentation
from logs.explorer.presentation import Row
from logs.extension_types import PanelSection
from logs.llm.request_context import first_keys
from logs.llm.vocabulary import Completeness, Source, TokensOrigin
from logs.models import Log
from logs.viewer import error_explanations, prompt_variables
from logs.viewer.bodies import Side
from logs.viewer.body_cards import Asked, SideView, side_view
from logs.viewer.error_explanations import Check, Explanation
from logs.viewer.prompt_variables import Variable
from portkey_logs.accounts.models import Workspace
from portkey_logs.catalog import lookup
from portkey_logs.catalog.lookup import Kept


@dataclass(frozen=True)
class Lead:
    """Where a fact leads: the page of what it names; where that is not kept here, ``keep_url`` is where it can be."""

    url: str = ""
    words: str = ""
    keep_url: str = ""


@dataclass(frozen=True)
class Fact:
    label: str
    value: str
    title: str = ""
    mono: bool = False
    copy: bool = False
    minor: bool = False  # folded away: what one rarely looks for
    ask: tuple[str, object] | None = None  # the filter that finds other logs with it, and its value there
    lead: Lead | None = None


@dataclass(frozen=True)
class MetadataItem:
    key: str
    value: str


@dataclass(frozen=True)
class Failure:
    title: str
    type: str
    code: str
    message: str
    explanation: Explanation


@dataclass(kw_only=True)
class Detail(Row):
    """A row and everything else the panel shows."""

    json_url: str
    facts: list[Fact]
    more_facts: list[Fact]
    error: Failure | None
    checks: list[Check]
    metadata: list[MetadataItem]
    variables: list[Variable]
    variables_url: str  # where they can be tried again, "" where their prompt is not kept here
    request: SideView
    response: SideView
    close_url: str = ""
    older_url: str = ""
    newer_url: str = ""
    full_url: str = ""
    related_url: str = ""
    is_full: bool = False
    sections: list[PanelSection] = field(default_factory=list)  # what other apps add

    @property
    def checks_in_words(self) -> str:
        """``1 of 2 guardrail checks failed``, or that all passed."""
        failed = sum(check.passed is False for check in self.checks)
        total = f"{len(self.checks)} guardrail check{'s' if len(self.checks) != 1 else ''}"
        return f"{failed} of {total} failed" if failed else f"{total} passed"

    @property
    def has_failed_check(self) -> bool:
        return any(check.passed is False for check in self.checks)

    @property
    def sides(self) -> tuple[SideView, SideView]:
        return self.request, self.response


def detail(log: Log, workspace: Workspace, sides: tuple[Side, Side], *, url: str, views: dict[str, str]) -> Detail:
    """The panel of a log. ``views`` names the view asked for of each side."""
    known = facts(log, workspace)
    request, response = (side_view(side, workspace, Asked(views.get(side.name, "pretty"))) for side in sides)
    return Detail(
        **vars(presentation.row(log, url, is_open=True)),
        json_url=reverse("log_json", args=[workspace.slug, log.id]),
        facts=[fact for fact in known if not fact.minor],
        more_facts=[fact for fact in known if fact.minor],
        error=failure(log),
        checks=error_explanations.checks_of(sides[1].glance),
        metadata=[MetadataItem(key, value) for key, value in sorted(first_keys(log.metadata).items())],
        variables=prompt_variables.shown(log),
        variables_url=_variables_url(known, log),
        request=request,
        response=response,
    )


def _variables_url(known: list[Fact], log: Log) -> str:
    address = next((fact.lead.url for fact in known if fact.label == "Prompt" and fact.lead), "")
    return f"{address}?log={log.id}" if address else ""


def failure(log: Log) -> Failure | None:
    """What went wrong, for a failed request; None for a success."""
    if log.is_success:
        return None
    code = log.status_code
    if code is not None and code < 400:
        title = "The answer is an error" if log.error_message else "The answer is incomplete"
        title += f" (HTTP {code})"
    else:
        title = presentation.status_phrase(code) if code is not None else "No answer"
    kind, message, error_code = log.error_type or "", log.error_message or "", log.error_code or ""
    return Failure(
        title=title,
        type=kind,
        code=error_code if error_code not in (kind, str(code)) else "",
        message=message,
        explanation=error_explanations.explain(
            code, kind, error_code, message, gateway=presentation.gateway_status(log), completeness=log.completeness
        ),
    )


def facts(log: Log, workspace: Workspace) -> list[Fact]:
    """What is known about the request, in reading order; what is unknown is left out."""
    key_name = log.api_key.name if log.api_key else ""
    complete, counted = log.completeness == "complete", log.tokens_origin == "provider"
    found = [
        Fact("Model", log.model or "", mono=True, copy=True, ask=("model", log.model)),
        Fact("Requested model", (log.requested_model or "") if log.requested_model != log.model else "", mono=True),
        Fact("Provider", log.provider or "", ask=("provider", log.provider)),
        Fact("User", log.user or "", copy=True, ask=("user", log.user)),
        Fact(
            "HTTP status",
            presentation.status_phrase(log.status_code) if log.status_code is not None else "",
            ask=("status", log.status_code),
        ),
        Fact("Tokens", presentation.tokens_in_words(log) if log.total_tokens is not None else ""),
        Fact("Usage", TokensOrigin(log.tokens_origin).label, minor=counted),
        _cost(log),
        Fact("Latency", _latency(log)),
        Fact("Finish reason", log.finish_reason or ""),
        Fact(
            "Completeness",
            Completeness(log.completeness).label,
            minor=complete,
            ask=("completeness", log.completeness),
        ),
        _origin("Config", "config", log.config, log.config_version_id, _config(log, workspace)),
        Fact(
            "Served by",
            (log.option_path or "") if log.option_path != "config" else "",
            mono=True,
            ask=("option", log.option_path),
        ),
        _origin("Prompt", "prompt", log.prompt, log.prompt_version_id, _prompt(log, workspace)),
        _origin("Virtual key", "virtual_key", log.virtual_key, None, _virtual_key(log, workspace)),
        Fact("API key", key_name, ask=("api_key", key_name)),
        Fact("Source", Source(log.source).label, minor=True, ask=("source", log.source)),
        Fact("Price from", log.cost_source or "", minor=True),
        Fact("Sizes", f"{log.request_bytes:,} bytes sent, {log.response_bytes:,} received", minor=True),
        Fact("Endpoint", f"{log.method} {log.path}", title=log.url, mono=True, minor=True),
        Fact("Time", f"{log.created_at:%Y-%m-%d %H:%M:%S}.{log.created_at.microsecond // 1000:03d} UTC", minor=True),
        Fact("Log id", str(log.id), mono=True, copy=True, minor=True),
        Fact("Span id", log.span_id or "", mono=True, copy=True, minor=True),
        Fact("Parent span id", log.parent_span_id or "", mono=True, minor=True),
        Fact("Span name", log.span_name or "", minor=True),
    ]
    return [fact for fact in found if fact.value]


def _cost(log: Log) -> Fact:
    if log.cost is None:
        return Fact("Cost", "Unknown", title="No price is known for this model")
    saved = presentation.is_saved(log)
    text = presentation.cents(log.cost) + (" saved by the cache" if saved else "")
    return Fact("Cost", text, title=f"Source: {log.cost_source}")


def _latency(log: Log) -> str:
    if log.latency_ms is None:
        return ""
    text = presentation.duration(log.latency_ms)
    if log.time_to_first_token_ms is not None:
        text += f", first token after {presentation.duration(log.time_to_first_token_ms)}"
    return text


def _origin(label: str, name: str, slug: str | None, version: str | None, lead: Lead | None) -> Fact:
    value = (slug or "") if lead and lead.url else _versioned(slug, version)
    return Fact(label, value, mono=True, copy=True, ask=(name, slug), lead=lead)


def _config(log: Log, workspace: Workspace) -> Lead | None:
    if not log.config:
        return None
    kept = lookup.config(workspace, log.config, log.config_version_id)
    if kept is None:
        return Lead(keep_url=reverse("new_config", args=[workspace.slug]) + f"?log={log.id}")
    return _versioned_lead("config", workspace, kept)


def _prompt(log: Log, workspace: Workspace) -> Lead | None:
    if not log.prompt:
        return None
    kept = lookup.prompt(workspace, log.prompt, log.prompt_version_id)
    if kept is None:
        return Lead(keep_url=reverse("playground", args=[workspace.slug]) + f"?log={log.id}")
    return _versioned_lead("prompt", workspace, kept)


def _versioned_lead(page: str, workspace: Workspace, kept: Kept) -> Lead:
    """To the version that the log names, at its own address, else to the thing itself."""
    if kept.version_id:
        return Lead(reverse(f"{page}_version", args=[workspace.slug, kept.slug, kept.version_id]), kept.words)
    return Lead(reverse(page, args=[workspace.slug, kept.slug]), kept.words)


def _virtual_key(log: Log, workspace: Workspace) -> Lead | None:
    if not log.virtual_key:
        return None
    kept = lookup.virtual_key(workspace, log.virtual_key)
    if kept is None:
        query = urlencode({"slug": log.virtual_key, "provider": log.provider or ""})
        return Lead(keep_url=reverse("new_virtual_key", args=[workspace.slug]) + f"?{query}")
    return Lead(reverse("virtual_key", args=[workspace.slug, kept.slug]), kept.words)


def _versioned(slug: str | None, version: str | None) -> str:
    return f"{slug} @ {version}" if slug and version else slug or ""

"""Errors in words: what a failure means, and where to look next. Pure functions of what the log holds.

The texts matched are those of the gateway (its validators answer in fixed words) and of the providers; where no rule
knows the text, the HTTP status speaks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from logs.llm.gateway_status import GatewayStatus
from logs.llm.vocabulary import FROM_CACHE

MAX_CHECKS = 50


@dataclass(frozen=True)
class Explanation:
    """``summary`` is one line; ``next_step`` says where to look or what to change."""

    summary: str
    next_step: str


@dataclass(frozen=True)
class Check:
    """One check of a guardrail. ``passed`` is None where the check could not be run."""

    name: str
    passed: bool | None
    reason: str
    when: str
    denies: bool


@dataclass(frozen=True)
class _Rule:
    """Applies where the status is one of ``statuses`` (any, when empty) and the text has ``pattern``."""

    summary: str
    next_step: str
    pattern: str = ""
    statuses: tuple[int, ...] = ()

    def applies(self, status: int | None, text: str) -> bool:
        return (not self.statuses or status in self.statuses) and re.search(self.pattern, text) is not None


_GATEWAY_RULES = (
    _Rule(
        "The gateway was not told which provider to call.",
        "Send x-portkey-provider, or an x-portkey-config that names a provider or targets.",
        r"either x-portkey-config or x-portkey-provider header is required",
    ),
    _Rule(
        "The config names neither a provider nor targets with one.",
        "Look at x-portkey-config in the request's headers: each target needs a provider.",
        r"either x-portkey-provider needs to be passed",
    ),
    _Rule(
        "The gateway does not know this provider.",
        "Compare the provider's name with the gateway's list. The open-source gateway resolves no virtual keys: "
        '"@name" reaches it as a provider\'s name.',
        r"invalid provider passed",
    ),
    _Rule(
        "The config is no JSON.",
        "The open-source gateway takes the config itself in x-portkey-config; an id (pc-…) must be resolved before it.",
        r"invalid config passed\. you need to pass a valid json",
    ),
    _Rule(
        "The config breaks the gateway's rules.",
        "The answer's JSON lists each fault under errors, with its path in the config.",
        r"invalid config passed",
    ),
    _Rule(
        "The gateway does not take this content type.",
        "Send application/json, multipart/form-data or an audio or image type in Content-Type.",
        r"invalid content type passed",
    ),
    _Rule(
        "The gateway refuses to call this custom host.",
        "Private, .local and .internal hosts are blocked; TRUSTED_CUSTOM_HOSTS of the gateway lists exceptions.",
        r"invalid custom host",
    ),
    _Rule(
        "The gateway could not run the stored prompt.",
        "The open-source gateway has no prompt store; the prompt must be filled in before it.",
        r"prompt completions error",
    ),
    _Rule(
        "The gateway itself failed, before any provider was called.",
        "Look at the request's raw body (often it is no JSON) and at the gateway's own output.",
        r"gateway_error.*something went wrong",
    ),
    _Rule(
        "A guardrail denied the call.",
        "The checks below say which one and why; on_fail and deny are set in the config's guardrails.",
        r"hooks_failed|guardrail checks defined",
    ),
    _Rule("A guardrail denied the call.", "The checks below say which one and why.", statuses=(446,)),
    _Rule(
        "A budget or a limit of the key or workspace is used up.",
        "Raise the budget of the API key, virtual key or workspace at the gateway, or wait for it to renew.",
        r"budget|usage limit",
        (403, 412, 429),
    ),
    _Rule(
        "The gateway refused the call: a condition of the key or workspace is not met, most often a budget.",
        "Look at the budget and limits of the API key or virtual key at the gateway.",
        statuses=(412,),
    ),
    _Rule(
        "The provider did not answer within the time that the request allows.",
        "request_timeout in the config (or x-portkey-request-timeout) sets the time in ms; with 408 in "
        "retry.on_status_codes the gateway tries again.",
        r"exceeded the timeout sent in the request",
    ),
    _Rule(
        "The gateway could not connect to the provider.",
        "Look at custom_host in the config, and at DNS and network between the gateway and the provider.",
        r"fetch failed|econnrefused|enotfound|econnreset|etimedout|getaddrinfo|certificate",
    ),
)

_PROVIDER_RULES = (
    _Rule(
        "The account at the provider has no credit or quota left.",
        "Waiting does not help: look at the plan and billing of the account that the key belongs to.",
        r"insufficient_quota|exceeded your current quota|credit balance is too low|insufficient balance|"
        r"billing_(hard_limit|error|not_active)|payment required",
    ),
    _Rule(
        "The account at the provider has no credit left.",
        "Look at the billing of the account that the key belongs to.",
        statuses=(402,),
    ),
    _Rule(
        "The provider is overloaded; the request is not at fault.",
        "Send it again later, or let the config retry on this status or fall back to another provider.",
        r"overloaded|engine is currently|server is busy|no capacity",
    ),
    _Rule(
        "The provider is overloaded; the request is not at fault.",
        "Send it again later, or let the config retry on 529 or fall back to another provider.",
        statuses=(529,),
    ),
    _Rule(
        "The conversation is longer than the model can take.",
        "Count of tokens and limit are in the message: shorten the messages, lower max_tokens or take a model with "
        "a larger context.",
        r"context_length_exceeded|maximum context length|prompt is too long|input is too long|context window|"
        r"exceeds? the (context|maximum number of (input )?tokens)|`?max_tokens`? exceed context|"
        r"reduce the length of the messages|input token count",
    ),
    _Rule(
        "More requests or tokens in a minute or day than the provider allows.",
        "The message and the answer's x-ratelimit headers say which limit, and when it renews.",
        r"rate.?limit|too many requests|requests per min|tokens per min|resource.?exhausted",
    ),
    _Rule(
        "More requests than the provider allows.",
        "The answer's x-ratelimit and retry-after headers say when it takes more.",
        statuses=(429,),
    ),
    _Rule(
        "The provider's content filter stopped the call.",
        "Look at what was sent and asked for; the answer's JSON may name the category that was met.",
        r"content.?filter|content management policy|responsibleaipolicy|moderation_blocked|content_policy_violation|"
        r"safety system|usage policies|blocked by",
    ),
    _Rule(
        "Tool calls and tool results do not match.",
        "Each call of the assistant needs exactly one result with the same id, in the message right after it.",
        r"tool_call_id|tool_use_id|tool_calls?.{0,80}must be (followed|a response)|tool_use.{0,80}tool_result|"
        r"no tool (output|call) found",
    ),
    _Rule(
        "The model does not take a parameter, or not this value of it.",
        "The message names it: leave it out for this model. max_tokens is max_completion_tokens for newer models.",
        r"unsupported_(parameter|value)|unsupported (parameter|value)|unknown_parameter|unknown parameter|"
        r"unrecognized request argument|extra inputs are not permitted|does not support|not supported with this model",
    ),
    _Rule(
        "The provider does not have this model, or this key may not use it.",
        "Compare the requested model with the provider's list; behind a gateway, also override_params of the config.",
        r"model_not_found|deploymentnotfound|model.{0,120}(does not exist|not found|not exist|no longer available|"
        r"has been deprecated|invalid)|not_found_error.{0,20}model|unknown model|invalid model|not a valid model",
    ),
    _Rule(
        "The provider refused the API key.",
        "Look at the key that the gateway sent: the virtual key's, or the request's own Authorization header.",
        r"invalid_api_key|incorrect api key|authentication_error|invalid x-api-key|unauthorized|api key not valid",
    ),
    _Rule(
        "The provider refused the API key, or none was sent.",
        "Look at the key that the gateway sent: the virtual key's, or the request's own Authorization header.",
        statuses=(401,),
    ),
    _Rule(
        "The provider does not take calls from this country or region.",
        "The gateway's own address decides: run it elsewhere or use another provider.",
        r"unsupported_country|country, region, or territory|user location is not supported",
    ),
    _Rule(
        "The key is valid and may not do this.",
        "Look at the permissions of the key and of its project at the provider.",
        r"permission|access denied|forbidden",
        (401, 403),
    ),
    _Rule(
        "The key may not do this.",
        "Look at the permissions of the key and its project at the provider.",
        statuses=(403,),
    ),
    _Rule(
        "The request is larger than the provider takes.",
        "Send smaller pictures or files, or fewer of them; the request's size is in the facts.",
        r"request_too_large|entity too large|payload too large|image exceeds|file is too large|maximum content size",
    ),
    _Rule("The request is larger than the provider takes.", "Its size is in the facts.", statuses=(413,)),
    _Rule(
        "A picture or file in the request could not be used.",
        "Look at the pictures of the request: type, size and whether an address can be reached from the provider.",
        r"invalid_image|could not process image|unsupported image|invalid image|failed to download|"
        r"error while downloading|image_parse_error|invalid base64",
    ),
    _Rule(
        "The answer's schema is not one that the provider takes.",
        "The message names the place in response_format or the tool's parameters.",
        r"invalid schema|response_format|invalid_json_schema|json_schema",
        (400, 422),
    ),
    _Rule(
        "There is no such endpoint.",
        "Compare the path in the facts with the provider's API: a base URL with /v1 twice or missing is common.",
        r"invalid url|unknown request url|no route|cannot (post|get)|page not found",
    ),
    _Rule(
        "There is nothing at this address, or nothing with this id.",
        "Look at the path and at ids in it; a model that the provider does not have answers 404 too.",
        statuses=(404,),
    ),
    _Rule("The provider does not take this method here.", "Look at the endpoint in the facts.", statuses=(405,)),
    _Rule(
        "The provider could not read the request.",
        "The message names the field; the request's JSON shows what was sent.",
        statuses=(400, 422),
    ),
    _Rule(
        "The provider, or the gateway, waited too long.",
        "Send it again; if it stays, shorten the request or stream the answer.",
        statuses=(408, 504, 524),
    ),
    _Rule(
        "The provider failed; the request is usually not at fault.",
        "Send it again, or let the config retry on this status or fall back to another provider.",
        r"server_error|internal server error|internal_error|api_error",
    ),
)

_OWN = {
    "stream_cut": Explanation(
        "The stream ended without its end mark: the answer may be missing its tail.",
        "The provider or something before it closed the connection. What came is shown; Raw ends where it did.",
    ),
    "client_left": Explanation(
        "The caller closed the connection before the answer was complete.",
        "Look at the caller's timeout, or whether a user left the page. The provider may have billed the whole answer.",
    ),
    "no_answer": Explanation(
        "No answer came.",
        "The connection broke, or the sender logged only the request. Look at the gateway's own output.",
    ),
}


def explain(
    status: int | None,
    error_type: str,
    code: str,
    message: str,
    *,
    gateway: GatewayStatus,
    completeness: str = "complete",
) -> Explanation:
    """What a failure means. ``status`` is the HTTP status, None where there was no answer."""
    own = error_type or {"cut": "stream_cut", "client_left": "client_left"}.get(completeness, "")
    if not message and status is None:
        own = own or "no_answer"
    if own in _OWN:
        return _OWN[own]
    found = _by_text(status, f"{error_type} {code} {message}".lower())
    return _with_gateway(found, status, gateway)


def _by_text(status: int | None, text: str) -> Explanation:
    for rule in (*_GATEWAY_RULES, *_PROVIDER_RULES):
        if rule.applies(status, text):
            return Explanation(rule.summary, rule.next_step)
    if status is not None and status >= 500:
        return Explanation(
            "The provider failed; the request is usually not at fault.",
            "Send it again, or let the config retry on this status or fall back to another provider.",
        )
    return Explanation("The call failed.", "The message and the answer's JSON are all that is known.")


def _with_gateway(found: Explanation, status: int | None, gateway: GatewayStatus) -> Explanation:
    """What the gateway did about it belongs to the meaning: a cached error, retries that ran out, a last option."""
    if status is not None and status < 300 and gateway.cache_status in FROM_CACHE:
        return Explanation(
            f"The gateway had cached an error and served it as a success (HTTP {status}). {found.summary}",
            "Send x-portkey-cache-force-refresh once to replace it, or wait for the cache's max_age to pass.",
        )
    summary = found.summary
    if status is not None and status < 300:
        summary = f"An error behind HTTP {status}. {summary}"
    if gateway.retry_status == "failed":
        summary += " The gateway's retries did not help."
    if gateway.fallback_status == "triggered" and gateway.fallback_option is not None:
        before = "option 0" if gateway.fallback_option == 1 else f"options 0 to {gateway.fallback_option - 1}"
        summary += (
            f" It is the error of fallback option {gateway.fallback_option}, the last tried; {before} failed before."
        )
    return Explanation(summary, found.next_step)


def checks_of(answer: Any) -> list[Check]:
    """The guardrail checks that an answer reports under ``hook_results``, failed ones first."""
    results = answer.get("hook_results") if isinstance(answer, dict) else None
    found: list[Check] = []
    for name, when in (("before_request_hooks", "request"), ("after_request_hooks", "answer")):
        hooks = results.get(name) if isinstance(results, dict) else None
        for hook in hooks if isinstance(hooks, list) else []:
            if isinstance(hook, dict) and isinstance(hook.get("checks"), list):
                denies = hook.get("deny") is True
                found += [_check(check, when, denies) for check in hook["checks"] if isinstance(check, dict)]
    return sorted(found, key=lambda check: check.passed is not False)[:MAX_CHECKS]


def _check(check: dict[str, Any], when: str, denies: bool) -> Check:
    verdict = check.get("verdict")
    data, error = check.get("data"), check.get("error")
    reason = data.get("explanation") if isinstance(data, dict) else None
    if isinstance(error, dict):
        reason = error.get("message") or reason
    elif isinstance(error, str):
        reason = error
    return Check(
        name=str(check.get("id") or "check")[:200],
        passed=verdict if isinstance(verdict, bool) and not (error and verdict) else None,
        reason=reason[:1000] if isinstance(reason, str) else "",
        when=when,
        denies=denies,
    )

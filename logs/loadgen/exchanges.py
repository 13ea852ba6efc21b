"""One exchange after the other as a busy gateway sees them, in the form that ``POST /v1/logs`` takes.

Providers, models, users, configs, prompts and keys come up as unevenly as in life: a few all the time, most of them
seldom. Knows no Django.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from logs.loadgen import words

Exchange = dict[str, Any]

USERS = 2000
TOKEN_BYTES = 4.5  # of English text
_PROVIDERS = {"openai": "https://api.openai.com", "anthropic": "https://api.anthropic.com",
              "mistral-ai": "https://api.mistral.ai", "groq": "https://api.groq.com/openai",
              "google": "https://generativelanguage.googleapis.com/v1beta/openai"}  # fmt: skip
_CONFIGS: dict[str, dict[str, Any]] = {
    "pc-cached-6a1f02": {"cache": {"mode": "simple"}},
    "pc-semantic-90be11": {"cache": {"mode": "semantic"}},
    "pc-patient-13c9d4": {"retry": {"attempts": 3}},
    "pc-safe-77f0aa": {"strategy": {"mode": "fallback"}, "targets": [{"provider": "openai"}, {"provider": "groq"}]},
    "pc-spread-5d20e8": {"strategy": {"mode": "loadbalance"}, "targets": [{"weight": 0.7}, {"weight": 0.3}]},
    "pc-trial-e4417c": {"strategy": {"mode": "fallback"}, "retry": {"attempts": 2}, "targets": [{}, {}, {}]},
}
_PROMPTS = [f"pp-{name}" for name in ("greet-2c81b0", "triage-71d9ff", "summary-0ab3ce", "sql-e2f5d7", "tone-98c64a")]
_VIRTUAL_KEYS = ["openai-prod", "anthropic-prod", "openai-staging", "mistral-eu", "groq-trial"]
_FEATURES = ["support-chat", "search", "summaries", "onboarding", "code-review", "translation", "moderation", "evals"]
_ERRORS = {429: "rate_limit_exceeded", 500: "server_error", 400: "invalid_request_error", 401: "invalid_api_key",
           408: "timeout", 503: "overloaded"}  # fmt: skip
_ERROR_SHARE, _CONFIG_SHARE, _PROMPT_SHARE, _VIRTUAL_KEY_SHARE, _STREAM_SHARE = 0.06, 0.45, 0.25, 0.6, 0.35


class Kind(NamedTuple):
    provider: str
    model: str
    path: str
    weight: float


_KINDS = [
    Kind("openai", "gpt-4o-mini", "/v1/chat/completions", 30),
    Kind("openai", "gpt-4o", "/v1/chat/completions", 16),
    Kind("anthropic", "claude-3-5-sonnet-20241022", "/v1/messages", 12),
    Kind("openai", "text-embedding-3-small", "/v1/embeddings", 12),
    Kind("google", "gemini-2.0-flash", "/v1/chat/completions", 7),
    Kind("openai", "gpt-4.1", "/v1/responses", 6),
    Kind("mistral-ai", "mistral-large-latest", "/v1/chat/completions", 4),
    Kind("groq", "llama-3.3-70b-versatile", "/v1/chat/completions", 4),
    Kind("openai", "o3-mini", "/v1/chat/completions", 3),
    Kind("openai", "gpt-3.5-turbo-instruct", "/v1/completions", 1),
    Kind("openai", "dall-e-3", "/v1/images/generations", 0.5),
    Kind("openai", "omni-moderation-latest", "/v1/moderations", 0.5),
    *(Kind("openai", f"ft:gpt-4o-mini:team:{n:02}", "/v1/chat/completions", 0.4 / (n + 1)) for n in range(20)),
]


class Maker:
    """Makes exchanges; the same seed makes the same ones. ``body_bytes`` is about what both bodies have together."""

    def __init__(self, seed: int, body_bytes: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - nothing secret
        self._body_bytes = body_bytes
        self._kind_weights = list(accumulate(kind.weight for kind in _KINDS))
        self._user_weights = _falling(USERS)

    def exchange(self) -> Exchange:
        """A body for ``POST /v1/logs``, without a time and without ids."""
        chance = self._chance
        kind = chance.choices(_KINDS, cum_weights=self._kind_weights)[0]
        size = self._body_bytes * chance.lognormvariate(-0.2, 0.6)  # the mean of the factor is 1
        asked, answered = words.text(chance, round(size * 0.7)), words.text(chance, round(size * 0.3))
        user = f"user-{chance.choices(range(USERS), cum_weights=self._user_weights)[0]}"
        failed = chance.random() < _ERROR_SHARE
        streams = not failed and kind.path.endswith("chat/completions") and chance.random() < _STREAM_SHARE
        request_headers, response_headers = self._headers(kind, failed)
        status, body = self._error(kind) if failed else (200, _answer(kind, asked, answered))
        request = {"model": kind.model, **_question(kind, asked), **({"stream": True} if streams else {})}
        return {
            "request": {
                "url": _PROVIDERS[kind.provider] + kind.path,
                "method": "POST",
                "provider": kind.provider,
                "headers": request_headers,
                "body": request,
            },
            "response": {
                "status": status,
                "headers": response_headers | {"content-type": "text/event-stream" if streams else "application/json"},
                "body": _events(body) if streams else body,
                "response_time": self._milliseconds(kind, answered, response_headers),
                "streamingMode": streams,
            },
            "metadata": {
                "_user": user,
                "env": chance.choices(["prod", "staging", "dev"], [80, 15, 5])[0],
                "feature": self._falling_choice(_FEATURES),
                "team": f"team-{int(user.removeprefix('user-')) % 12}",
            },
        }

    def _headers(self, kind: Kind, failed: bool) -> tuple[dict[str, str], dict[str, str]]:
        """What the gateway was asked for, and what it says it did."""
        chance = self._chance
        request = {"content-type": "application/json", "user-agent": "portkey-python/2.3.4"}
        response = {"x-portkey-provider": kind.provider, "x-portkey-cache-status": "DISABLED",
                    "x-portkey-retry-attempt-count": "0", "x-portkey-last-used-option-index": "config"}  # fmt: skip
        if chance.random() < _VIRTUAL_KEY_SHARE:
            request["x-portkey-virtual-key"] = self._falling_choice(_VIRTUAL_KEYS)
        if chance.random() < _PROMPT_SHARE:
            request["x-portkey-prompt-slug"] = self._falling_choice(_PROMPTS)
        if chance.random() > _CONFIG_SHARE:
            return request, response
        slug = self._falling_choice(list(_CONFIGS))
        config = _CONFIGS[slug]
        request |= {"x-portkey-config": json.dumps(config), "x-portkey-config-slug": slug}
        if "cache" in config:
            hit = "SEMANTIC HIT" if config["cache"]["mode"] == "semantic" else "HIT"
            states = ["MISS"] if failed else ["MISS", hit, "REFRESH"]
            response["x-portkey-cache-status"] = chance.choices(states, [60, 35, 5][: len(states)])[0]
        if "retry" in config:
            tries = [0, 1, 2, 3][: config["retry"]["attempts"] + 1]
            count = -1 if failed else chance.choices(tries, [85, 9, 4, 2][: len(tries)])[0]
            response["x-portkey-retry-attempt-count"] = str(count)
        if "targets" in config:
            option = min(int(chance.expovariate(2)), len(config["targets"]) - 1)
            response["x-portkey-last-used-option-index"] = f"config.targets[{option}]"
        return request, response

    def _error(self, kind: Kind) -> tuple[int, Exchange]:
        status = self._falling_choice(list(_ERRORS))
        error = {"message": f"{kind.provider} error: {_ERRORS[status]}", "type": _ERRORS[status], "code": str(status)}
        return status, {"error": error, "provider": kind.provider}

    def _milliseconds(self, kind: Kind, answered: str, response_headers: dict[str, str]) -> int:
        if "HIT" in response_headers["x-portkey-cache-status"]:
            return self._chance.randrange(4, 40)
        median = 90 if kind.path == "/v1/embeddings" else 500 + len(answered) / 4
        return round(self._chance.lognormvariate(math.log(median), 0.6))

    def _falling_choice[Value](self, values: Sequence[Value]) -> Value:
        return self._chance.choices(values, cum_weights=_falling(len(values)))[0]


def _falling(count: int) -> list[float]:
    """Cumulated weights of Zipf's law."""
    return list(accumulate(1 / (rank + 1) for rank in range(count)))


def _question(kind: Kind, asked: str) -> Exchange:
    match kind.path:
        case "/v1/embeddings" | "/v1/moderations" | "/v1/responses":
            return {"input": asked}
        case "/v1/completions" | "/v1/images/generations":
            return {"prompt": asked}
        case "/v1/messages":
            return {"max_tokens": 1024, "messages": [{"role": "user", "content": asked}]}
        case _:
            system = {"role": "system", "content": "You are a helpful assistant. Answer in one paragraph."}
            return {"messages": [system, {"role": "user", "content": asked}]}


def _answer(kind: Kind, asked: str, answered: str) -> Exchange:
    sent, made = (max(1, round(len(text) / TOKEN_BYTES)) for text in (asked, answered))
    usage = {"prompt_tokens": sent, "completion_tokens": made, "total_tokens": sent + made}
    match kind.path:
        case "/v1/embeddings":
            data = [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 0.125]}]
            return {"object": "list", "model": kind.model, "data": data,
                    "usage": {"prompt_tokens": sent, "total_tokens": sent}}  # fmt: skip
        case "/v1/messages":
            return {"type": "message", "role": "assistant", "model": kind.model, "stop_reason": "end_turn",
                    "content": [{"type": "text", "text": answered}],
                    "usage": {"input_tokens": sent, "output_tokens": made}}  # fmt: skip
        case "/v1/responses":
            content = [{"type": "output_text", "text": answered, "annotations": []}]
            return {"object": "response", "status": "completed", "model": kind.model,
                    "output": [{"type": "message", "role": "assistant", "content": content}],
                    "usage": {"input_tokens": sent, "output_tokens": made, "total_tokens": sent + made}}  # fmt: skip
        case "/v1/images/generations":
            return {"created": 1780000000, "data": [{"url": "https://images.invalid/1.png", "revised_prompt": asked}]}
        case "/v1/moderations":
            return {"model": kind.model, "results": [{"flagged": False, "categories": {}, "category_scores": {}}]}
        case "/v1/completions":
            choices = [{"index": 0, "text": answered, "finish_reason": "stop"}]
            return {"object": "text_completion", "model": kind.model, "choices": choices, "usage": usage}
        case _:
            message = {"role": "assistant", "content": answered}
            return {"object": "chat.completion", "model": kind.model, "usage": usage,
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}  # fmt: skip


def _events(answer: Exchange) -> str:
    """A chat completion as the stream that it would have been, in three chunks."""
    text = answer["choices"][0]["message"]["content"]
    chunk = {"object": "chat.completion.chunk", "model": answer["model"]}
    parts = [text[: len(text) // 2], text[len(text) // 2 :]]
    deltas = [{"choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]} for part in parts]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": answer["usage"]}
    return "".join(f"data: {json.dumps(chunk | each)}\n\n" for each in [*deltas, end]) + "data: [DONE]\n\n"

"""Stand-ins for what the SDK's framework handlers import, so that the handlers themselves can run.

LangChain, LlamaIndex, OpenTelemetry and requests are not dependencies of the SDK; its handlers take base
classes and a function from each. Here are just those.
"""

from __future__ import annotations

import sys
from enum import Enum
from types import ModuleType
from typing import Any

import httpx
import portkey_ai
import pytest


class Handler:
    def __init__(self, **kwargs: Any) -> None:
        pass


class EventType(str, Enum):  # noqa: UP042 - as LlamaIndex has it
    CHUNKING = "chunking"
    NODE_PARSING = "node_parsing"
    SYNTHESIZE = "synthesize"
    EXCEPTION = "exception"
    TREE = "tree"
    RERANKING = "reranking"
    LLM = "llm"
    EMBEDDING = "embedding"
    AGENT_STEP = "agent_step"


class TokenCounter:
    def estimate_tokens_in_messages(self, messages: list[Any]) -> int:
        return 7 * len(messages)

    def get_string_tokens(self, text: str) -> int:
        return len(text.split())


def post(url: str, data: str, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(url, content=data, headers=headers, trust_env=False)


STAND_INS: dict[str, dict[str, Any]] = {
    "requests": {"post": post},
    "langchain_core.callbacks.base": {"BaseCallbackHandler": Handler},
    "llama_index.core.callbacks.schema": {"CBEventType": EventType},
    "llama_index.core.callbacks.base_handler": {"BaseCallbackHandler": Handler},
    "llama_index.core.utilities.token_counting": {"TokenCounter": TokenCounter},
    "opentelemetry.sdk.trace.export": {"SpanExporter": Handler, "SpanExportResult": Enum("Result", "SUCCESS FAILURE"),
                                       "ReadableSpan": object},
    # The package around the exporter imports each framework it can instrument; the exporter needs none.
    "portkey_ai.api_resources.instrumentation": {
        "__path__": [f"{portkey_ai.__path__[0]}/api_resources/instrumentation"],
    },
}  # fmt: skip


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the stand-ins in the place of the packages, for one test."""
    for name, contents in STAND_INS.items():
        parts = name.split(".")
        for depth in range(1, len(parts)):
            parent = ".".join(parts[:depth])
            if parent.partition(".")[0] != "portkey_ai":
                monkeypatch.setitem(sys.modules, parent, sys.modules.get(parent) or ModuleType(parent))
        module = ModuleType(name)
        module.__dict__.update(contents)
        monkeypatch.setitem(sys.modules, name, module)

"""From a request's URL: its path, what kind of request it is, and what the path itself names."""

from __future__ import annotations

import re
from urllib.parse import unquote

from logs.llm.vocabulary import RequestType

_TYPES = {
    "chat/completions": RequestType.CHAT_COMPLETION,
    "completions": RequestType.COMPLETION,
    "embeddings": RequestType.EMBEDDING,
    "images/generations": RequestType.IMAGE_GENERATION,
    "images/edits": RequestType.IMAGE_EDIT,
    "audio/speech": RequestType.AUDIO_SPEECH,
    "audio/transcriptions": RequestType.AUDIO_TRANSCRIPTION,
    "audio/translations": RequestType.AUDIO_TRANSLATION,
    "messages": RequestType.MESSAGE,
    "responses": RequestType.RESPONSE,
    "moderations": RequestType.MODERATION,
    "rerank": RequestType.RERANK,
}
_VERSION = re.compile(r"v\d+\w*")
# "/v1/prompts/pp-1/completions" and "/threads/t1/messages" end like endpoints and are none.
_OTHERS = frozenset({"prompts", "threads", "files", "batches", "fine_tuning"})
_STORED = frozenset({"files", "batches", "fine_tuning", "uploads"})

# Hosts of providers, for requests that no gateway named one for.
_HOSTS = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "openai.azure.com": "azure-openai",
    "cognitiveservices.azure.com": "azure-openai",
    "services.ai.azure.com": "azure-ai",
    "aiplatform.googleapis.com": "vertex-ai",
    "generativelanguage.googleapis.com": "google",
    "amazonaws.com": "bedrock",
    "api.mistral.ai": "mistral-ai",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.groq.com": "groq",
    "api.together.xyz": "together-ai",
    "api.together.ai": "together-ai",
    "api.fireworks.ai": "fireworks-ai",
    "api.deepseek.com": "deepseek",
    "api.perplexity.ai": "perplexity-ai",
    "api.x.ai": "x-ai",
    "openrouter.ai": "openrouter",
    "api.cerebras.ai": "cerebras",
    "api.voyageai.com": "voyage",
    "api.moonshot.cn": "moonshot",
}
_LABELS = 4  # the most that any of these names has
_PROMPT = re.compile(r"/prompts/([^/]+)/completions/?$")
_DEPLOYMENT = re.compile(r"/deployments/([^/]+)/|/models/([^/:]+):|/model/([^/]+)/(?:converse|invoke)")


def path_of(url: str) -> str:
    """The path of ``url`` without scheme, host, query and fragment; never raises, unlike urlsplit."""
    rest = url.partition("?")[0].partition("#")[0]
    _, scheme, after = rest.partition("://")
    if not scheme:
        return rest
    _, slash, path = after.partition("/")
    return slash + path


def provider_of(url: str) -> str | None:
    """The provider whose host ``url`` names, None for any other host."""
    _, scheme, after = url.partition("://")
    if not scheme:
        return None
    place = after.partition("/")[0].partition("?")[0].partition("#")[0]
    labels = place.rpartition("@")[2].partition(":")[0].lower().rsplit(".", _LABELS)[-_LABELS:]
    names = (".".join(labels[start:]) for start in range(len(labels)))
    return next((_HOSTS[name] for name in names if name in _HOSTS), None)


def request_type(method: str, path: str) -> RequestType:
    """The kind of request, "other" for whatever is not a call of a known endpoint: only calls that make an answer
    are of a type, so ``GET /v1/responses/<id>``, ``/messages/count_tokens``, files, batches and models are others.

    What follows the last version segment decides ("/base/v1/chat/completions"), or
    what follows "deployments/NAME" (Azure), or without either the end of the path.
    """
    if method.upper() != "POST":
        return RequestType.OTHER
    parts = [part for part in path.lower().split("/") if part]
    if not _OTHERS.isdisjoint(parts):
        return RequestType.OTHER
    if "deployments" in parts:
        parts = parts[parts.index("deployments") + 2 :]
        return _TYPES.get("/".join(parts), RequestType.OTHER)
    versions = [position for position, part in enumerate(parts) if _VERSION.fullmatch(part)]
    if versions:
        parts = parts[versions[-1] + 1 :]
        if parts[:1] in (["openai"], ["proxy"]):  # Google: /v1beta/openai/…; the gateway's old /v1/proxy/…
            parts = parts[1:]
        return _TYPES.get("/".join(parts), RequestType.OTHER)
    return _TYPES.get("/".join(parts[-2:])) or _TYPES.get("/".join(parts[-1:])) or RequestType.OTHER


def handles_stored(method: str, path: str) -> bool:
    """Whether a request reads or changes something that is stored at the provider, and makes no answer of its own.

    Reading a response, a batch or a job again gives the usage of the call that made it, which must not count
    twice. Of the POSTs these are ``/responses/<id>/cancel`` and those of files, batches and fine-tuning.
    """
    if method.upper() != "POST":
        return True
    parts = [part for part in path.lower().split("/") if part]
    return parts[-1:] == ["cancel"] or not _STORED.isdisjoint(parts)


def prompt_in(path: str) -> str | None:
    """The slug in ``/v1/prompts/<slug>/completions``."""
    match = _PROMPT.search(path)
    return unquote(match[match.lastindex or 0]) if match else None


def deployment_in(path: str) -> str | None:
    """The model a path names: Azure's ``/openai/deployments/<name>/…``, Google's ``/models/<name>:generateContent``,
    Bedrock's ``/model/<name>/converse``."""
    match = _DEPLOYMENT.search(path)
    return unquote(match[match.lastindex or 0]) if match else None

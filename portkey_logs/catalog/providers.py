"""The providers: their names as the open-source gateway knows them, and where each API begins. Knows no Django."""

from __future__ import annotations

import re
from typing import NamedTuple


class Provider(NamedTuple):
    """``base_url`` is set for those that can be called without a gateway: OpenAI's API, or Anthropic's own.

    ``key_option`` names the gateway's option that takes the secret; ``options`` are further ones that a virtual
    key of this provider needs, none of them secret.
    """

    slug: str
    name: str
    base_url: str | None = None
    key_option: str = "api_key"
    options: tuple[str, ...] = ()


# Where each provider's API begins; what follows /v1 in the call is appended, as the gateway does.
_WELL_KNOWN = (
    Provider("anthropic", "Anthropic", "https://api.anthropic.com/v1"),
    Provider("azure-ai", "Azure AI Foundry", options=("azure_foundry_url", "azure_api_version")),
    Provider(
        "azure-openai",
        "Azure OpenAI",
        options=("resource_name", "deployment_id", "api_version", "azure_model_name"),
    ),
    Provider("bedrock", "AWS Bedrock", key_option="aws_secret_access_key", options=("aws_access_key_id", "aws_region")),
    Provider("cerebras", "Cerebras", "https://api.cerebras.ai/v1"),
    Provider("deepinfra", "DeepInfra", "https://api.deepinfra.com/v1/openai"),
    Provider("deepseek", "DeepSeek", "https://api.deepseek.com/v1"),
    Provider("fireworks-ai", "Fireworks AI", "https://api.fireworks.ai/inference/v1"),
    Provider("google", "Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai"),
    Provider("groq", "Groq", "https://api.groq.com/openai/v1"),
    Provider("huggingface", "Hugging Face", options=("huggingface_base_url",)),
    Provider("mistral-ai", "Mistral AI", "https://api.mistral.ai/v1"),
    Provider("ollama", "Ollama", "http://localhost:11434/v1"),
    Provider("openai", "OpenAI", "https://api.openai.com/v1", options=("openai_organization", "openai_project")),
    Provider("openrouter", "OpenRouter", "https://openrouter.ai/api/v1"),
    Provider("perplexity-ai", "Perplexity", "https://api.perplexity.ai"),
    Provider("together-ai", "Together AI", "https://api.together.xyz/v1"),
    Provider("vertex-ai", "Google Vertex AI", options=("vertex_project_id", "vertex_region")),
    Provider("workers-ai", "Cloudflare Workers AI", options=("workers_ai_account_id",)),
    Provider("x-ai", "xAI", "https://api.x.ai/v1"),
)
# Further names that version 1.15.2 of the gateway takes; any other is refused there.
_FURTHER = (
    "302ai ai21 aibadgr anyscale bytez cohere cometapi cortex dashscope deepbricks featherless-ai github hyperbolic"
    " inference-net iointelligence jina kluster-ai krutrim lambda lemonfox-ai lepton lingyi matterai meshy milvus modal"
    " monsterapi moonshot ncompass nebius nextbit nomic novita-ai nscale oracle ovhcloud palm portkey predibase qdrant"
    " recraft-ai reka-ai replicate sagemaker sambanova segmind siliconflow stability-ai tripo3d triton upstage voyage"
    " z-ai zhipu"
)

PROVIDERS: dict[str, Provider] = {
    provider.slug: provider for provider in sorted((*_WELL_KNOWN, *(Provider(slug, slug) for slug in _FURTHER.split())))
}
# By slug; what a call without a gateway needs.
BASE_URLS: dict[str, str] = {slug: item.base_url for slug, item in PROVIDERS.items() if item.base_url}
# Options of virtual keys that go into paths, queries and headers, never into a host.
HARMLESS_OPTIONS = frozenset(
    {"openai_organization", "openai_project", "api_version", "azure_api_version", "azure_model_name", "deployment_id"}
)
# The gateway asks for no key for these.
KEYLESS = frozenset({"ollama", "triton"})


def provider_name(slug: str) -> str:
    """What people call it; the slug itself where we have no better word."""
    provider = PROVIDERS.get(slug)
    return provider.name if provider else slug


# Where Portkey's word for a provider's option is not the gateway's.
_PORTKEY_WORDS = {"deployment_id": "deploymentName"}


def names_of(option: str) -> tuple[str, str]:
    """Return the names under which the API takes a provider's option: the gateway's, and Portkey's."""
    return option, _PORTKEY_WORDS.get(option) or re.sub(r"_(\w)", lambda match: match[1].upper(), option)

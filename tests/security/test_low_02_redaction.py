"""Low 2: one list of names and of known keys masks secrets in headers, queries and JSON, and nothing else."""

from __future__ import annotations

import json
import time

import pytest

from logs.llm.request_context import tidy_metadata
from portkey_logs.accounts import internal_tokens
from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.accounts.tokens import API_KEY_PREFIX
from portkey_logs.lib.redaction import is_secret_name, mask_config, mask_echoes, mask_headers, mask_known_keys, mask_url

SECRET = "Zq7wXk93vTnB41LmYs"

NAMES = """auth x-auth X-Auth xAuth proxy_auth basic-auth oauth x-oauth x-session session user_session sid x-sid connect.sid
    PHPSESSID JSESSIONID sessionid pass x-pass user_pass dbpass pwd x-pwd userPwd db-pwd passwd passcode otp x-otp totp
    mfa-code pin x-pin userPin card_pin sig x-sig hmac x-hub-hmac-sha256 x-shopify-hmac dsn sentry_dsn sentryDsn
    DATABASE_URL databaseUrl redis-url mongo_uri db_dsn creds aws_creds sas_token csrf x-xsrf x-sign saml cvv
    sessionToken auth_key authCode client_pem authentication X-Authentication authn basicAuth auth_data authHeader psk
    wpa_psk GITHUB_PAT github_pat deploy_key deploykey appKey app_key client_assertion code_verifier recovery_code
    backupCode verification-code one_time_code accessCode security_code mnemonic seed_phrase licenceKey"""

HARMLESS = """author authors authority :authority pinned unpinned pinecone pin_count spin opinion max_tokens
    token_count tokenizer passage passed bypass compass passthrough pass_through pass_rate single_pass side inside
    signal sign_in signup design assign sigma significance auth_type auth_method authMode azure_auth_mode session_id
    session-id x-session-id x-claude-code-session-id session_name session_count dsname pinterest otpauth-version
    key_id keyboard primary_key cache_key stop_token shipping usage url base_url webhook_url database
    x-ratelimit-remaining-tokens prompt_tokens logprobs top_p seed response_format traceparent
    output_token_details token_id token_ids token_index oauth_scope authentication_required status_code error_code
    country_code currencyCode language_code path pattern patch"""


@pytest.mark.parametrize("name", NAMES.split())
def test_a_name_masks_in_headers_queries_and_json(name: str) -> None:
    assert SECRET not in mask_headers({name: SECRET})[name]
    assert SECRET not in mask_url(f"https://h.example/v1?a=1&{name}={SECRET}&b=2")
    assert SECRET not in mask_config(json.dumps({"targets": [{name: SECRET}]}))
    assert SECRET not in mask_headers({"x-other": json.dumps({name: SECRET})})["x-other"]


@pytest.mark.parametrize("name", HARMLESS.split())
def test_a_name_that_only_resembles_one_masks_nowhere(name: str) -> None:
    assert not is_secret_name(name)
    assert mask_headers({name: SECRET})[name] == SECRET
    assert mask_url(f"https://h.example/v1?{name}={SECRET}") == f"https://h.example/v1?{name}={SECRET}"


KEYS = {
    "ours": API_KEY_PREFIX + "Xk93vTnB41LmYsZq7wXk93vTnB41LmYsZq7wXk93vTn",
    "openai": "sk-proj-Xk93vTnB41LmYsZq7w",
    "anthropic": "sk-ant-api03-Xk93vTnB41LmYsZq7w",
    "openrouter": "sk-or-v1-93041f7293041f7293041f72",
    "nvidia": "nvapi-Xk93vTnB41LmYsZq7wXk93",
    "cerebras": "csk-xk93vtnb41lmyszq7wxk93vtnb41",
    "fireworks": "fw_3ZXk93vTnB41LmYsZq7wXk",
    "together": "tgp_v1_Xk93vTnB41LmYsZq7wXk93vTnB",
    "jina": "jina_93041f7293041f72Xk93vTnB41Lm",
    "voyage": "pa-Xk93vTnB41LmYsZq7wXk93vTnB41LmYsZq7w",
    "npm": "npm_Xk93vTnB41LmYsZq7wXk93vTnB41LmYs",
    "docker": "dckr_pat_Xk93vTnB41LmYsZq7wXk93vTn",
    "notion": "ntn_Xk93vTnB41LmYsZq7wXk93vTn",
    "square": "sq0atp-Xk93vTnB41LmYsZq7wXk93",
    "databricks": "dapi93041f7293041f7293041f7293041f72",
    "twilio": "SK93041f7293041f7293041f7293041f72",
    "mailgun": "key-93041f7293041f7293041f7293041f72",
    "telegram bot": "123456789:AAXk93vTnB41LmYsZq7wXk93vTnB41LmYs",
    "discord bot": "MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.Xk93vTnB41LmYsZq7wXk93vTnB41",
    "terraform": "Xk93vTnB41LmYs.atlasv1.Xk93vTnB41LmYsZq7wXk93vTnB41LmYsZq7wXk93vTnB41LmYs",
    "supabase": "sbp_93041f7293041f7293041f7293041f72",
    "doppler": "dp.pt.Xk93vTnB41LmYsZq7wXk93vTnB41LmYs",
    "new relic": "NRAK-XK93VTNB41LMYSZQ7WXK93VTN",
    "postman": "PMAK-93041f7293041f7293041f72-93041f7293041f7293",
    "1password": "ops_eyJXk93vTnB41LmYsZq7wXk93vTn",
    "bitbucket": "ATBBXk93vTnB41LmYsZq7wXk93vTn",
    "google oauth": "ya29.a0Xk93vTnB41LmYsZq7wXk93vTnB41",
    "groq": "gsk_Xk93vTnB41LmYsZq7wXk93vTnB41",
    "xai": "xai-Xk93vTnB41LmYsZq7wXk93vTnB41",
    "hugging face": "hf_Xk93vTnB41LmYsZq7wXk93vT",
    "replicate": "r8_Xk93vTnB41LmYsZq7wXk93vTnB41",
    "aws": "AKIAXK93VTNB41LMYSZQ",
    "aws, temporary": "ASIAXK93VTNB41LMYSZQ",
    "github": "ghp_Xk93vTnB41LmYsZq7wXk93vTnB41LmYs",
    "github, fine-grained": "github_pat_11AXk93vTnB41LmYsZq7wXk",
    "github, user to server": "ghu_Xk93vTnB41LmYsZq7wXk93vTnB41LmYs",
    "gitlab": "glpat-Xk93vTnB41LmYsZq7w",
    "slack": "xoxb-1234567890-Xk93vTnB41LmYsZq7w",
    "google": "AIzaXk93vTnB41LmYsZq7wXk93vTnB41LmYsZq7",
    "sendgrid": "SG.Xk93vTnB41LmYsZq7wXk93.vTnB41LmYsZq7wXk93vTnB41LmYs",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2ln",
    "pem": "-----BEGIN RSA PRIVATE KEY-----\nXk93vTnB41LmYsZq7w\n-----END RSA PRIVATE KEY-----",
    "slack webhook": "https://hooks.slack.com/services/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",
    "discord webhook": "https://discord.com/api/webhooks/123456789012345678/Xk93vTnB41LmYsZq7wXk93vT",
    "discord webhook, versioned": "https://canary.discordapp.com/api/v10/webhooks/1234567890/Xk93vTnB41LmYsZq7w",
    "teams webhook": "https://acme.webhook.office.com/webhookb2/9304f-1/IncomingWebhook/93041f72Xk93vTnB/41LmYs",
    "teams workflow": "https://prod-1.westus.logic.azure.com:443/workflows/93041f72/triggers/manual/Xk93vTnB41LmYsZq7w",
}
PLACES = {
    "header": lambda text: mask_headers({"x-note": text})["x-note"],
    "words of a header": lambda text: mask_headers({"x-note": f"it is {text}, see"})["x-note"],
    "json header": lambda text: mask_headers({"x-json": json.dumps({"note": [text]})})["x-json"],
    "config": lambda text: mask_config(json.dumps({"override_params": {"user": text}})),
    "query": lambda text: mask_url(f"https://h.example/v1?note={text}"),
    "path": lambda text: mask_url(f"https://h.example/{text}/x"),
    "metadata": lambda text: tidy_metadata({"note": text})["note"],
    "error": lambda text: mask_echoes(f"Incorrect key: {text}. Mend it.", {}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("make", KEYS)
def test_a_key_of_a_known_make_is_masked_wherever_it_stands(make: str, place: str) -> None:
    masked = PLACES[place](KEYS[make])
    assert KEYS[make] not in masked
    assert KEYS[make][-12:] not in masked
    assert "*" * 8 in masked


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgresql://app:s3cr3t-pass@db:5432/app", "s3cr3t-pass"),
        ("cannot reach mysql+pymysql://root:s3cr3t-pass@h/x today", "s3cr3t-pass"),
        ("mongodb+srv://u:p@ss-s3cr3t@c0.example.net/?w=1", "p@ss-s3cr3t"),
        ("redis://:s3cr3t-pass@cache:6379/0", "s3cr3t-pass"),
        ("host=db user=app password=s3cr3t-pass dbname=x", "s3cr3t-pass"),
        ("Server=db;User Id=sa;Pwd=s3cr3t-pass;", "s3cr3t-pass"),
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0c2VjcmV0==;", "c2VjcmV0c2VjcmV0"),
    ],
)
def test_the_password_of_a_database_is_masked_and_the_rest_stays(text: str, secret: str) -> None:
    masked = mask_known_keys(text)
    assert secret not in masked
    before, after = text.split(secret)
    assert masked.startswith(before)
    assert masked.endswith(after.lstrip("=") or "*")


def test_a_pass_of_ours_is_masked_to_its_end() -> None:
    text = internal_tokens.issue(Grant(None, 1, "acme", "acme", ("logs.write",)))
    masked = mask_headers({"x-note": f"got {text} here"})["x-note"]
    assert masked.startswith("got pl********")
    assert text[-20:-3] not in masked
    assert text.split(":")[1] not in masked


@pytest.mark.parametrize(
    "text",
    [
        "gpt-4o-mini-2024-07-18 global-anthropic-claude-sonnet-4-5",
        "pa-internal-service-of-the-platform-team",
        "the task-list-of-the-next-quarter and risk-adjusted-return-on-capital",
        "https://h.example/v1/chat/completions?api-version=2024-06-01",
        "https://hooks.example.com/services/list",
        "mailto:ada@example.org, see https://h.example/a",
        "xoxo-love-and-kisses fw_short npm_run",
        "eyJ is how tokens begin",
        "secret_manager_of_the_platform and fc-barcelona-fan-club",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert mask_known_keys(text) == text


STARTS = [
    "plk_pass_a:", "plk_", "pa-", "fw_a", "SG.aaaaaaaaaaaaaaaaaaaa", "xoxb-a", "hooks.slack.com/services/", "password='",
    "password=", "pwd =", "://a:", "://a@", "logic.azure.com/", "workflows/a", "-----BEGIN PRIVATE KEY", "ya29.", "eyJ_a",
    "glpat-", "api.telegram.org/bot", "AKIA", "x-auth-", "oAuth",
    "NM", "SK0a", "12345678:AA", "dp.pt.", " MAAAAAAAAAAAAAAAAAAAAAAAA.aaaaaa.", " aaaaaaaaaaaaaa.atlasv1.", "dapi", "ops_eyJ",
]  # fmt: skip


@pytest.mark.parametrize("start", STARTS)
def test_text_full_of_beginnings_takes_no_longer_than_its_length(start: str) -> None:
    text = start * (200_000 // len(start))
    began = time.process_time()
    mask_known_keys(text)
    mask_headers({"x-note": text, text: "x"})
    mask_url("https://h/?" + text)
    assert time.process_time() - began < 3  # seconds; quadratic it would be minutes

"""Secrets are masked before anything is stored: in headers, in the config, in URLs.

Masked means: the first 2 characters, 8 asterisks, the last 3, as Portkey does; the
asterisks say nothing of the length. What counts as a secret is decided by the name
of a header, key or query parameter, and for values that look like a well-known kind
of key by the value itself. In doubt a value is masked: a masked label costs little.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from portkey_logs.lib.known_keys import STARS, mask, mask_known

__all__ = [
    "STARS",
    "is_secret_name",
    "mask",
    "mask_config",
    "mask_echoes",
    "mask_headers",
    "mask_json",
    "mask_known_keys",
    "mask_url",
    "sensitive_names",
    "without_secret_parameters",
]

_REMEMBERED_LENGTH = 100  # characters; names of headers and fields are shorter, and so are most headers
_MIN_ECHO = 8  # characters; a shorter "secret" may stand in any text by chance
# Objects deeper than this are masked as a whole; real configs nest a handful of levels.
_MAX_DEPTH = 50

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# One list for headers, query parameters and JSON. Wherever they stand in a name, with or without separators:
# "clientSecret", "x-api-key-2", "AWSAccessKeyId".
_SECRET = re.compile(
    "secret|passw|passphrase|passcode|credential|authorization|cookie|signature|hmac|pwd|sessid|apikey|accesskey"
    "|privatekey|privkey|apitoken|authtoken|accesstoken|refreshtoken|authkey|authcode|sessionkey|hmackey|userpass"
    "|dbpass|passkey|signingkey|subscriptionkey|encryptionkey|masterkey|sharedkey|serviceaccount|bearer|jwt"
    "|connectionstring|connstr|authdata|authheader|authinfo|authstring|presharedkey|deploykey"
    "|appkey|hashkey|licen[cs]ekey|clientassertion|codeverifier|magiclink|mnemonic|seedphrase"
    "|(?:verification|recovery|backup|access|security|activation|onetime|unlock|login|mfa|tfa|factor)code"
)
# A word of its own is a secret ("x-auth", "otp"; not "author", "pinned"), except before a word that says that it is
# something about one ("auth_type", "pass_rate").
_SECRET_WORDS = re.compile(
    "auth|oauth|xauth|sid|otp|totp|hotp|mfa|pin|pincode|pass|psw|sig|hmac|dsn|creds?|sas|saml|csrf|csrftoken|xsrf|cv[vc]"
    "|pem|j?sessionid|authn|authz|authentication|basicauth|pat|psk|tfa"
)
_LAST_SECRET_WORDS = re.compile("key|session|sign")  # only at the end: "session_id" names a conversation
_DATABASE = re.compile("database|db|redis|mongo|mongodb|postgres|postgresql|pg|mysql|mariadb|amqp|rabbitmq|broker")
_ADDRESS = re.compile("url|uri|dsn")
# "key" is no secret behind these; nor is "token", as in special tokens ("eos_token"), and "pass".
# Plural "tokens" are counts ("max_tokens").
_HARMLESS_BEFORE = re.compile(
    "virtual|cache|public|primary|foreign|sort|partition|idempotency|prompt|metadata|group"
    "|max|min|stop|pad|eos|bos|per|first|last|next|page|continuation|single|second|forward|backward"
)
_HARMLESS_BEHIND = re.compile(
    "limit|count|counts|usage|budget|type|types|url|uri|endpoint|rate|size|length|quota|name|logprobs|mode|method"
    "|methods|scheme|status|state|enabled|required|version|provider|realm|level|timeout|expiry|expires|ttl|through"
    "|fail|threshold|policy|algorithm|alg|required|details|ids?|index|scopes?|hint"
)

_SCHEME = re.compile(r"(Bearer|Basic|Digest|Token|ApiKey|Api-Key|Key|AWS4-HMAC-SHA256)(\s+)(\S.*)", re.I | re.S)
_MIN_KNOWN_KEY = 10  # characters of what ``known_keys`` may find
_PARAMETER = re.compile(r"(?<=[?&;#])([^=?&;#\s]+)=([^&;#\s]*)")
_OAUTH_CODE = "code"  # a secret in a URL alone: elsewhere codes are those of errors
_CONFIG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_SENSITIVE = "x-portkey-sensitive-headers"

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def mask_headers(headers: Mapping[str, str], sensitive: Iterable[str] = ()) -> dict[str, str]:
    """``headers`` with every secret masked; names stay as they are.

    ``sensitive`` are further header names to mask; those listed in the headers' own
    ``x-portkey-sensitive-headers`` (comma-separated) always count.
    """
    extra = {name.strip().lower() for name in sensitive} | sensitive_names(headers)
    masked = {}
    for name, value in headers.items():
        lowered = name.lower()
        if lowered in extra:
            masked[name] = _mask_authorization(value)
        elif len(name) <= _REMEMBERED_LENGTH:
            masked[name] = _remembered_mask(name)(value)
        else:
            masked[name] = _mask_of(name)(value)
    return masked


def sensitive_names(headers: Mapping[str, str]) -> set[str]:
    """The lower-case header names that the caller asked to mask by ``x-portkey-sensitive-headers``."""
    names: set[str] = set()
    if _SENSITIVE not in map(str.lower, headers):
        return names
    for name, value in headers.items():
        if name.lower() == _SENSITIVE:
            names.update(re.findall(r"[^\s,;\[\]\"']+", value.lower()))
    return names


def is_secret_name(name: str) -> bool:
    """Whether a header, JSON key or the like of this name holds a secret.

    "x-api-key", "aws_secret_access_key", "azureAdToken" do; "max_tokens",
    "x-ratelimit-limit-tokens", "virtual_key" do not.
    """
    return _remembered(name) if len(name) <= _REMEMBERED_LENGTH else _says_secret(name)


def _says_secret(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    return bool(_SECRET.search("".join(words))) or any(
        map(_is_secret_word, ["", *words], words, [*words[1:], ""])  # each with what stands before and behind
    )


def _is_secret_word(before: str, word: str, behind: str) -> bool:
    if _ADDRESS.fullmatch(word) and _DATABASE.fullmatch(before):
        return True
    is_token = "token" in word and not word.startswith(("tokens", "tokeni"))
    if not (is_token or _SECRET_WORDS.fullmatch(word) or (_LAST_SECRET_WORDS.fullmatch(word) and not behind)):
        return False
    return not _HARMLESS_BEFORE.fullmatch(before) and not _HARMLESS_BEHIND.fullmatch(behind)


# The same header names come with every request. A sender's megabytes in the place of a name are not kept.
_remembered = lru_cache(maxsize=4096)(_says_secret)


def mask_config(text: str) -> str:
    """An ``x-portkey-config`` with every nested secret masked, as compact JSON.

    An id ("pc-…") stays; anything else that is no JSON object is masked as a whole,
    since nobody can tell what it holds.
    """
    stripped = text.strip()
    if stripped.startswith("pc-") and _CONFIG_ID.fullmatch(stripped):
        return text
    masked = _mask_json(stripped, 0)
    return mask(text) if masked is None else masked


def mask_json(value: Any) -> Any:
    """A JSON value with every nested secret masked; objects, lists and names stay as they are."""
    return _mask_value(value, secret=False, depth=0)


def mask_url(url: str) -> str:
    """``url`` with its password and the secret query parameters (``key=``, ``api-key=``, …) masked.

    Everything else stays as it was written.
    """
    if "=" in url:
        url = _PARAMETER.sub(_mask_parameter, url)
    return mask_known_keys(url)


def without_secret_parameters(target: str) -> str:
    """``target`` (path and query) without its secret query parameters; everything else stays as it was written."""
    path, mark, query = target.partition("?")
    left = [pair for pair in query.split("&") if not is_secret_name(unquote_plus(pair.partition("=")[0]))]
    return f"{path}?{'&'.join(left)}" if mark and left else path


def mask_known_keys(text: str) -> str:
    """``text`` with keys of a well-known make ("plk_…", "sk-…", JWTs, PEM keys), addresses of webhooks and passwords
    of databases masked."""
    if len(text) < _MIN_KNOWN_KEY:
        return text
    return _mask_known_again(text) if len(text) <= _REMEMBERED_LENGTH else mask_known(text)


_mask_known_again = lru_cache(maxsize=4096)(mask_known)  # the same URLs come with every request, too


def mask_echoes(text: str, headers: Mapping[str, str]) -> str:
    """``text`` without the secrets of ``headers`` and without keys of a well-known make.

    For what a provider says of a call: some name the key that they refuse.
    """
    extra = sensitive_names(headers)
    for name, value in headers.items():
        for secret in _secrets_in(name.lower(), value, extra):
            if len(secret) >= _MIN_ECHO:
                text = text.replace(secret, mask(secret))
    return mask_known_keys(text)


def _secrets_in(name: str, value: str, extra: set[str]) -> Iterator[str]:
    """The texts that ``mask_headers`` would not show of a header."""
    if name in extra or is_secret_name(name):
        match = _SCHEME.fullmatch(value.strip())
        yield match[3] if match else value.strip()
    elif value.lstrip()[:1] == "{":
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            return
        yield from _hidden_texts(parsed, _mask_value(parsed, secret=False, depth=0))


def _hidden_texts(value: Any, masked: Any) -> Iterator[str]:
    """The texts that a mask stands for; objects whose keys were masked are passed over."""
    if isinstance(value, dict) and isinstance(masked, dict):
        for key, item in value.items():
            yield from _hidden_texts(item, masked.get(key))
    elif isinstance(value, list) and isinstance(masked, list):
        for item, shown in zip(value, masked, strict=True):
            yield from _hidden_texts(item, shown)
    elif isinstance(value, str) and value != masked:
        yield value


def _mask_of(name: str) -> Callable[[str], str]:
    """What masks the values of the headers of a name; its capitals part its words."""
    if name.lower() == "x-portkey-config":
        return mask_config
    if name.lower() == _SENSITIVE:
        return str
    return _mask_authorization if _says_secret(name) else _mask_harmless


_remembered_mask = lru_cache(maxsize=4096)(_mask_of)


def _mask_harmless(value: str) -> str:
    return _mask_again(value) if len(value) <= _REMEMBERED_LENGTH else _mask_text(value, 0)


@lru_cache(maxsize=4096)  # most headers of a client are the same in every call; those with secret names never get here
def _mask_again(value: str) -> str:
    return _mask_text(value, 0)


def _mask_authorization(value: str) -> str:
    """The scheme word ("Bearer") says how the caller authenticates and stays; the rest is masked."""
    match = _SCHEME.fullmatch(value.strip())
    return f"{match[1]}{match[2]}{mask(match[3])}" if match else mask(value)


def _mask_text(value: str, depth: int) -> str:
    """A value whose name is harmless: it may still be JSON, a URL or a key of a known make."""
    if value.lstrip()[:1] in ("{", "["):
        masked = _mask_json(value, depth)
        if masked is not None:
            return masked
    if (match := _SCHEME.fullmatch(value)) and match[1].lower() in ("bearer", "basic", "aws4-hmac-sha256"):
        return _mask_authorization(value)
    if "://" in value:
        return mask_url(value)
    return mask_known_keys(value)


def _mask_json(text: str, depth: int) -> str | None:
    """``text`` masked when it is a JSON object or array, None when it is not."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    except RecursionError:
        return STARS
    if not isinstance(parsed, (dict, list)):
        return None
    masked = _mask_value(parsed, secret=False, depth=depth + 1)
    return _compact(masked)


def _mask_value(value: Any, *, secret: bool, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        return STARS
    if isinstance(value, dict):
        named = _names_secret(value)
        return {
            _mask_text(key, depth): _mask_value(
                item,
                secret=secret or is_secret_name(key) or (named and key in ("value", "values")),
                depth=depth + 1,
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        # [["authorization", "Bearer …"], …]: headers given as pairs
        pair = len(value) == 2 and isinstance(value[0], str) and is_secret_name(value[0])
        return [
            _mask_value(item, secret=secret or (pair and position == 1), depth=depth + 1)
            for position, item in enumerate(value)
        ]
    if isinstance(value, str):
        return _mask_authorization(value) if secret else _mask_text(value, depth)
    if secret and value is not None and not isinstance(value, bool):
        return STARS
    return value


def _names_secret(item: dict[str, Any]) -> bool:
    """Whether the object is a pair such as {"name": "Authorization", "value": "…"}."""
    return any(isinstance(item.get(k), str) and is_secret_name(item[k]) for k in ("name", "key", "header"))


def _mask_parameter(match: re.Match[str]) -> str:
    name, value = match[1], match[2]
    plain = unquote_plus(name)
    if value and (plain.lower() == _OAUTH_CODE or is_secret_name(plain)):
        return f"{name}={mask(value)}"
    return match[0]

"""A pass: what the installation itself shows capture instead of an API key, for one call and one minute.

It is signed with the installation's secret key and says all that capture has to know of the caller, so that capture
asks nobody. Nobody else can make one, and it looks like a key of ours, so that it never goes on to a provider.
"""

from __future__ import annotations

import base64

import msgspec
from django.core import signing

from portkey_logs.accounts.api_key_cache import Grant
from portkey_logs.accounts.tokens import API_KEY_PREFIX

PREFIX = f"{API_KEY_PREFIX}pass_"
LIFETIME_SECONDS = 60  # from the decision to run until capture has the call; a busy machine takes some seconds


def issue(grant: Grant) -> str:
    """A pass that means the grant."""
    return PREFIX + _signer().sign(base64.urlsafe_b64encode(msgspec.json.encode(grant)).decode())


def read(text: str) -> Grant | None:
    """What a pass means; None for anything that is none of ours, was changed, or is too old."""
    if not text.startswith(PREFIX):
        return None
    try:
        signed = _signer().unsign(text.removeprefix(PREFIX), max_age=LIFETIME_SECONDS)
        return msgspec.json.decode(base64.urlsafe_b64decode(signed), type=Grant)
    except (signing.BadSignature, ValueError):  # of msgspec and base64 too
        return None


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="portkey_logs.accounts.internal_tokens")

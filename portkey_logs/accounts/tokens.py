"""What our tokens look like and how they are kept. Knows no Django, so that capture can use it."""

from __future__ import annotations

import hashlib

# A prefix of our own: secret scanners can spot a leaked key, and we can tell it from a provider's.
API_KEY_PREFIX = "plk_"


def hash_token(token: str) -> str:
    """SHA-256 in hex. Enough for our own tokens: they are random and of at least 160 bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

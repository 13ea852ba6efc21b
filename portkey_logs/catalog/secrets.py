"""Secrets at rest: encrypted with Fernet (AES-128-CBC and HMAC-SHA256), under keys that can be rotated. No Django."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Unreadable(Exception):
    """The secret was encrypted under a key that is not among ours, or is damaged."""


class Vault:
    """Encrypts under the first of ``keys`` and reads under any of them. Raises ValueError for a malformed key."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> str:
        """``text`` encrypted, as ASCII."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed. Raises Unreadable."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise Unreadable("A secret cannot be decrypted: is its key among PORTKEY_LOGS_ENCRYPTION_KEYS?") from None

    def rotate(self, sealed: str) -> str:
        """The same secret under the first key. Raises Unreadable."""
        try:
            return self._fernet.rotate(sealed).decode()
        except InvalidToken:
            raise Unreadable("A secret cannot be decrypted: is its key among PORTKEY_LOGS_ENCRYPTION_KEYS?") from None


def derived_key(secret_key: str) -> str:
    """An encryption key out of another secret, always the same one."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"portkey-logs encryption of secrets")
    return base64.urlsafe_b64encode(kdf.derive(secret_key.encode())).decode()


def check_key(key: str) -> bool:
    """Whether it is 32 bytes in url-safe base64, as Fernet wants them."""
    try:
        Fernet(key)
    except ValueError:
        return False
    return True

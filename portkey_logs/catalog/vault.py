"""The vault of this process, under the keys of the settings."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from portkey_logs.catalog.secrets import Vault


def vault() -> Vault:
    """What secrets are sealed and opened with."""
    return _vault(tuple(settings.ENCRYPTION_KEYS))


_vault = lru_cache(maxsize=2)(Vault)

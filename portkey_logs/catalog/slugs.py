"""Slugs as Portkey makes them: ``pc-fallba-ca7a87`` for a config, ``pp-…`` for a prompt. Knows no Django."""

from __future__ import annotations

import re
import secrets
import unicodedata

MAX_LENGTH = 100
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
RESERVED = frozenset({"new", "save"})  # whose places among the pages are those of forms
_SHOWN = 6  # characters of the name, as in Portkey's own slugs


def make_slug(prefix: str, name: str, shown: int = _SHOWN) -> str:
    """A new slug: ``prefix``, the beginning of the name, six random hex digits."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    start = re.sub(r"[^a-z0-9]+", "-", plain)[:shown].strip("-")
    return "-".join(filter(None, [prefix, start, secrets.token_hex(3)]))

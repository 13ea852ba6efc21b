"""A config that is kept here holds secrets that the log does not: a run names it by its slug."""

from __future__ import annotations

from logs.models import Log
from replay.source import target_of

CONFIG = '{"provider":"openai","api_key":"sk********def"}'


def test_a_config_with_secrets_is_run_by_its_slug() -> None:
    log = Log(config="pc-1", provider="openai")
    kept = {"x-portkey-config": CONFIG, "x-portkey-config-slug": "pc-1"}
    assert target_of(log, kept).config == "pc-1"


def test_an_inline_config_with_secrets_cannot_be_run_as_it_was() -> None:
    assert target_of(Log(provider="openai"), {"x-portkey-config": CONFIG}).config == ""

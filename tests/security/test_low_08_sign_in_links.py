"""Low 8: no sign-in link in containers' logs, no password in the list of processes."""

from __future__ import annotations

import io
import json
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from portkey_logs.accounts.models import User


def test_prepare_prints_a_link_only_when_asked(db: None, tmp_path: Path, settings: object) -> None:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    for options, has_link in (((), False), (("--show-link",), True)):
        out = StringIO()
        call_command("prepare", *options, stdout=out)
        assert bool(json.loads(out.getvalue().splitlines()[-1])["sign_in_path"]) == has_link


def test_a_password_comes_from_the_standard_input(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long enough phrase\n"))
    call_command("create_user", "zoe@example.org", "--password", "-", stdout=StringIO())
    assert User.objects.get(email="zoe@example.org").check_password("a long enough phrase")

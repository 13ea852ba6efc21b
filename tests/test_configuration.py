"""What the environment may say, and what stops the start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.hashers import get_hasher

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTKEY_LOGS_RETENTION_DAYS", "0"),  # would drop every partition
        ("PORTKEY_LOGS_RETENTION_DAYS", "3651"),
        ("PORTKEY_LOGS_RETENTION_DAYS", "a month"),
        ("PORTKEY_LOGS_SPOOL_MB", "0"),
        ("PORTKEY_LOGS_UPSTREAM_TIMEOUT", "0"),
        ("PORTKEY_LOGS_STATEMENT_TIMEOUT", "0"),
        ("PORTKEY_LOGS_SECRET_KEY", "x" * 31),
    ],
)
def test_a_bad_value_stops_the_start_with_one_line_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=os.environ | {"PORTKEY_LOGS_DATA_DIR": str(tmp_path), name: value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The configuration does not work: ")
    assert name in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_suite_has_its_own_settings_in_each_of_its_processes() -> None:
    """With the product's, each person that a test makes costs a tenth of a second for the password."""
    assert get_hasher().algorithm == "md5"

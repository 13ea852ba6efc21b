"""The key of an installation that was given none."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from portkey_logs import settings


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PORTKEY_LOGS_SECRET_KEY", raising=False)
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path / "var")
    return tmp_path / "var"


def test_it_is_made_once_and_for_its_owner_alone(data_dir: Path) -> None:
    key = settings._secret_key()
    assert len(key) > 50
    assert settings._secret_key() == key
    assert os.listdir(data_dir) == ["secret_key"]
    assert (data_dir / "secret_key").stat().st_mode & 0o777 == 0o600


def test_all_that_start_at_once_have_the_same(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together, make = Barrier(8), tempfile.mkstemp

    def all_found_none(**where: Any) -> tuple[int, str]:
        together.wait(10)
        return make(**where)

    monkeypatch.setattr(tempfile, "mkstemp", all_found_none)
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: settings._secret_key(), range(8)))
    assert len(set(keys)) == 1
    assert len(keys[0]) > 50
    assert os.listdir(data_dir) == ["secret_key"]

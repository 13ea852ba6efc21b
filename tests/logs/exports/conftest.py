"""Logs to export, exports of them, and the worker's rounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from logs.exports import selection, work
from logs.exports.models import Export
from tests.factories import People


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Any) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def make(people: People) -> Callable[..., Export]:
    """A started export of acme's workspace; everything may be overridden."""

    def make(query: str = "", **values: Any) -> Export:
        defaults = {"workspace": people.workspace, "created_by": people.alice, "fields": ["id", "ai_model"]}
        export = Export(query=query, **defaults | values)
        export.total = selection.count(export)
        export.save()
        assert export.start()
        return export

    return make


@pytest.fixture
def finished() -> Callable[..., Export]:
    """Have the worker finish everything; gives the export as it is then."""

    def finished(export: Export) -> Export:
        while work.work():
            pass
        export.refresh_from_db()
        return export

    return finished


def lines(export: Export) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export.path.read_bytes().splitlines()]

"""Recorded calls: each set is a file of JSON lines in ``tests/fixtures``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"


def recorded(name: str) -> list[dict[str, Any]]:
    """Return the entries of a set: ``gateway``, ``sdk_calls`` or ``sdk_calls_js``."""
    with (FIXTURES / f"{name}.jsonl").open() as lines:
        return [json.loads(line) for line in lines]

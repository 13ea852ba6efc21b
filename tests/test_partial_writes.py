"""No model is written as a whole: a column that another request has changed meanwhile would be put back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ["charts", "exports", "feedback", "logs", "portkey_logs", "replay"]
PARTIAL = {"update_fields", "force_insert"}


def _whole_writes(source: str) -> Iterator[int]:
    """Lines that call ``save`` or ``asave`` without saying which columns to write, and that it is a new row."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr not in ("save", "asave"):
            continue
        given = {keyword.arg for keyword in node.keywords}
        is_unsaved_form = any(
            keyword.arg == "commit" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            for keyword in node.keywords
        )
        if not given & PARTIAL and not is_unsaved_form:
            yield node.lineno


@pytest.mark.parametrize("package", PRODUCT)
def test_every_save_names_its_columns_or_inserts(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
        for line in _whole_writes(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "is_whole"),
    [
        ("row.save()", True),
        ("row.save(using='default')", True),
        ("await row.asave()", True),
        ("form.save()", True),
        ("form.save(commit=True)", True),
        ("self.thing.save(update_fields=['a'])", False),
        ("row.save(force_insert=True)", False),
        ("form.save(commit=False)", False),
        ("save()", False),
    ],
)
def test_the_check_sees_whole_writes(source: str, is_whole: bool) -> None:
    assert bool(list(_whole_writes(source))) is is_whole

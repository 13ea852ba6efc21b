"""The cells of a page are drawn once for rows in which they are the same: never for rows in which they differ."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from django.http import QueryDict
from django.template import Context, Template

from logs.explorer import presentation
from logs.explorer.columns import USUAL, Columns
from logs.explorer.filters.address import Address
from logs.explorer.presentation import Mark, Row, State
from logs.models import Log
from portkey_logs.lib import uuid7

PAGE = Template("{% load rows %}{% for row in rows %}{% for cell in row.cells %}{% cell %}|{% endfor %}{% endfor %}")
FAILED = {"is_success": False, "status_code": 500, "error_message": "b", "completeness": "cut"}
# Values that the rows below have not; one that is made of another stands beside it.
OTHERS: tuple[dict[str, Any], ...] = (
    {"request_type": "embedding", "type_label": "Embedding"}, {"provider": "azure"}, {"model": "gpt-5"},
    {"user": "bob"}, {"requested_model": "gpt"}, {"tokens": "9"}, {"tokens_title": "9 tokens"},
    {"tokens_origin": "estimated"}, {"cost": "9 cents"}, {"cost_known": False}, {"cost_struck": True},
    {"pill": (State("cache", "hit", "Cache Hit"),)}, {"status_code": 201}, {"is_success": False}, {"is_success": True},
    {"error_type": "x"}, {"error_type": ""}, {"error_message": "y"}, {"latency": "9 s"}, {"stream": True},
    {"completeness": "complete", "completeness_note": ""}, {"marks": (Mark("image", "with images"),)},
    {"trace_id": "t9"},
)  # fmt: skip


def drawn(*rows: Row) -> list[str]:
    address = Address("/w/acme/logs/", QueryDict(""))
    cells = PAGE.render(Context({"rows": rows, "address": address})).split("|")[:-1]
    return ["".join(cells[at : at + len(USUAL)]) for at in range(0, len(cells), len(USUAL))]


def a_row(**changes: Any) -> Row:
    log = Log(
        id=uuid7.uuid7(), received_at=datetime.now(UTC), source="api", completeness="complete",
        trace_id="t", request_type="chat_completion", provider="openai", model="gpt-4o", user="ada", status_code=200,
        is_success=True, latency_ms=5, stream=False, cache_status="miss", retry_status="not_triggered", retry_count=0,
        fallback_status="disabled", loadbalance_status="disabled", tokens_origin="provider",
    )  # fmt: skip
    return replace(presentation.row(log, "/", cells=Columns().cells(log)), **changes)


@pytest.mark.parametrize("change", OTHERS, ids=lambda change: next(iter(change)))
def test_what_differs_is_drawn_anew(change: dict[str, Any]) -> None:
    for base in (a_row(), a_row(**FAILED, error_type="a"), a_row(**FAILED, error_type="")):
        other = replace(base, **change)
        assert drawn(base, other, base) == [*drawn(base), *drawn(other), *drawn(base)]


def test_every_field_that_a_cell_may_show_is_tried() -> None:
    of_the_row_itself = {"id", "url", "created_at", "received_at", "score", "match", "actions", "is_open", "cells"}
    assert {field.name for field in fields(Row)} == {*chain(*OTHERS), *of_the_row_itself}

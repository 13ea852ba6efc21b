"""The three formats as plain functions of rows, and going on after a crash."""

from __future__ import annotations

import csv
import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet
import pytest

from logs.exports.fields import FIELDS
from logs.exports.files import WRITERS, Csv, JsonLines, Parquet, Writer

NAMES = ("id", "created_at", "ai_model", "metadata", "is_success", "cost", "req_units", "request")
CHOSEN = [FIELDS[name] for name in NAMES]
MOMENT = datetime(2026, 11, 23, 15, 27, 24, 123000, tzinfo=UTC)
ROW = ["0192", MOMENT, "gpt-4o", {"env": "prod"}, True, 0.066, 18, msgspec.Raw(b'{"body": {"n": 1.50}}')]
EMPTY = ["0193", MOMENT, None, {}, False, None, None, msgspec.Raw(b'{"body":null}')]


def write(kind: type[Writer], path: Path, *rows: list[Any]) -> Path:
    writer = kind(path, CHOSEN)
    for row in rows:
        writer.write([row])
    assert writer.finish() == path.stat().st_size
    return path


def test_jsonl_nests_what_is_json_and_keeps_its_spelling(tmp_path: Path) -> None:
    lines = write(JsonLines, tmp_path / "f", ROW, EMPTY).read_bytes().splitlines()
    assert b'"request":{"body": {"n": 1.50}}' in lines[0]
    assert json.loads(lines[0]) == {
        "id": "0192", "created_at": "2026-11-23T15:27:24.123Z", "ai_model": "gpt-4o", "metadata": {"env": "prod"},
        "is_success": True, "cost": 0.066, "req_units": 18, "request": {"body": {"n": 1.5}},
    }  # fmt: skip
    assert json.loads(lines[1])["ai_model"] is None


def test_csv_has_a_header_and_json_as_text(tmp_path: Path) -> None:
    with write(Csv, tmp_path / "f", ROW, EMPTY).open(newline="") as file:
        header, first, second = csv.reader(file)
    assert header == list(NAMES)
    assert first == ["0192", "2026-11-23T15:27:24.123Z", "gpt-4o", '{"env":"prod"}', "true", "0.066", "18", '{"body": {"n": 1.50}}']  # fmt: skip
    assert second[2:] == ["", "{}", "false", "", "", '{"body":null}']


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_csv_makes_no_formulas(tmp_path: Path, start: str) -> None:
    evil = start + 'HYPERLINK("http://evil.example","x")'
    row = ROW.copy()
    row[2], row[6] = evil, -1  # a number stays a number
    with write(Csv, tmp_path / "f", row).open(newline="") as file:
        cells = list(csv.reader(file))[1]
    assert (cells[2], cells[6]) == ("'" + evil, "-1")


def test_parquet_has_types(tmp_path: Path) -> None:
    table = pyarrow.parquet.read_table(write(Parquet, tmp_path / "f", ROW, EMPTY))
    assert [str(field.type) for field in table.schema] == [
        "string", "timestamp[ms, tz=UTC]", "string", "string", "bool", "double", "int64", "string",
    ]  # fmt: skip
    first, second = table.to_pylist()
    assert first | {"request": None} == dict(zip(NAMES, ROW, strict=True)) | {
        "metadata": '{"env":"prod"}',
        "request": None,
    }
    assert (second["ai_model"], second["cost"]) == (None, None)


@pytest.mark.parametrize("name", WRITERS)
def test_an_empty_file_is_one_too_and_nobody_else_reads_it(tmp_path: Path, name: str) -> None:
    path = write(WRITERS[name], tmp_path / "f")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    if name == "parquet":
        assert pyarrow.parquet.read_table(path).num_rows == 0
    else:
        assert path.read_bytes().decode() == {"jsonl": "", "csv": ",".join(NAMES) + "\r\n"}[name]


@pytest.mark.parametrize("name", ["jsonl", "csv"])
def test_lines_go_on_where_they_were_safe(tmp_path: Path, name: str) -> None:
    kind, path = WRITERS[name], tmp_path / "f"
    whole = write(kind, tmp_path / "whole", ROW, EMPTY).read_bytes()
    killed = kind(path, CHOSEN)
    killed.write([ROW])
    safe = killed.sync()
    killed.write([ROW, ROW])
    killed.close()
    again = kind(path, CHOSEN, safe)
    again.write([EMPTY])
    again.finish()
    assert path.read_bytes() == whole
    with pytest.raises(OSError):
        kind(path, CHOSEN, len(whole) + 1)

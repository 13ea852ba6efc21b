"""The three formats. Each is written front to back; lines can be gone on with after a crash."""

from __future__ import annotations

import csv
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from logs.explorer import presentation
from logs.exports.fields import Field
from portkey_logs.lib.spreadsheets import as_text

if TYPE_CHECKING:
    import pyarrow

GROUP_BYTES = 32_000_000  # of one Parquet row group in memory: large enough to be read quickly

Row = Sequence[Any]


class Writer(ABC):
    """A file (0600) that rows are added to, from byte ``start`` on."""

    resumable = True  # whether what is written so far is worth keeping when the process ends

    def __init__(self, path: Path, fields: Sequence[Field], start: int = 0) -> None:
        """Raises OSError, also where the file is shorter than ``start``."""
        self.fields = fields
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "r+b")
        if os.fstat(descriptor).st_size < start:
            self._file.close()
            raise OSError(f"{path} lost what was written")
        self._file.truncate(start)
        self._file.seek(start)

    @abstractmethod
    def write(self, rows: Sequence[Row]) -> None: ...

    def sync(self) -> int:
        """Have all that was written safe on the disk; how many bytes that are."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def finish(self) -> int:
        """Write the end and close; the size of the file in bytes."""
        size = self.sync()
        self._file.close()
        return size

    def close(self) -> None:
        """Leave the file as it is."""
        self._file.close()


class JsonLines(Writer):
    """An object per line. Bodies are the JSON as received, nested."""

    def write(self, rows: Sequence[Row]) -> None:
        names = [field.name for field in self.fields]
        lines = (dict(zip(names, map(_plain, row), strict=True)) for row in rows)
        self._file.write(msgspec.json.Encoder().encode_lines(lines))


class Csv(Writer):
    """RFC 4180 in UTF-8 with a header; JSON as text. Text that looks like a formula gets an apostrophe in front."""

    def __init__(self, path: Path, fields: Sequence[Field], start: int = 0) -> None:
        super().__init__(path, fields, start)
        if start == 0:
            self._write_lines([[field.name for field in fields]])

    def write(self, rows: Sequence[Row]) -> None:
        self._write_lines([[_cell(value) for value in row] for row in rows])

    def _write_lines(self, rows: Sequence[Row]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self._file.write(text.getvalue().encode("utf-8", "replace"))


class Parquet(Writer):
    """Typed columns, zstd. Its footer is written last, so after a crash it begins anew."""

    resumable = False

    def __init__(self, path: Path, fields: Sequence[Field], start: int = 0) -> None:
        import pyarrow.parquet  # 60 MB of memory, for those who want it

        super().__init__(path, fields, 0)
        self._schema = pyarrow.schema([(field.name, _arrow_type(field)) for field in fields])
        self._writer = pyarrow.parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        self._batches: list[pyarrow.RecordBatch] = []

    def write(self, rows: Sequence[Row]) -> None:
        import pyarrow

        columns = [list(map(_typed, column)) for column in zip(*rows, strict=True)] or [[] for _ in self.fields]
        arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._batches.append(pyarrow.RecordBatch.from_arrays(arrays, schema=self._schema))
        if sum(batch.nbytes for batch in self._batches) > GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow

        self._writer.write_table(pyarrow.Table.from_batches(self._batches, self._schema))
        self._batches = []

    def finish(self) -> int:
        self._write_group()
        self._writer.close()
        return super().finish()

    def close(self) -> None:
        self._batches = []
        self._writer.close()
        super().close()


WRITERS: dict[str, type[Writer]] = {"jsonl": JsonLines, "csv": Csv, "parquet": Parquet}


def _plain(value: Any) -> Any:
    return presentation.iso(value) if isinstance(value, datetime) else value


def _cell(value: Any) -> Any:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return presentation.iso(value)
        case str():
            return as_text(value)
        case dict() | msgspec.Raw():
            return msgspec.json.encode(value).decode("utf-8", "replace")
        case _:
            return value


def _typed(value: Any) -> Any:
    if isinstance(value, (dict, msgspec.Raw)):
        return msgspec.json.encode(value).decode("utf-8", "replace")
    return value


def _arrow_type(field: Field) -> pyarrow.DataType:
    import pyarrow

    types = {
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "time": pyarrow.timestamp("ms", "UTC"),
    }
    return types.get(field.kind, pyarrow.string())

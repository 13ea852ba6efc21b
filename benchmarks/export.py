"""Exports of a million logs: rows a second, and how much the worker's memory grows.

    DATABASE_URL=postgresql://… python -m benchmarks.export [--logs 1000000] [--keep]

Uses the month that ``benchmarks.find`` uses. Every format is written by a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import databases
from benchmarks.databases import PROJECT

LIMIT_MB = 200
KINDS = ("jsonl", "csv", "parquet", "jsonl with bodies")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=1_000_000)
    parser.add_argument("--keep", action="store_true", help="leave the database for the next time")
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        databases.use(os.environ["BENCHMARK_URL"])
        export(options.child)
        return
    with tempfile.TemporaryDirectory() as data_dir:
        os.environ["PORTKEY_LOGS_DATA_DIR"] = data_dir
        with databases.of_month(options.logs, keep=options.keep) as url:
            os.environ["BENCHMARK_URL"] = url
            for kind in KINDS:
                subprocess.run([sys.executable, "-m", "benchmarks.export", "--child", kind], cwd=PROJECT, check=True)


def export(kind: str) -> None:
    from logs.exports import fields, work
    from logs.exports.models import Export
    from logs.models import Log
    from portkey_logs.accounts.models import Workspace

    workspace = Workspace.objects.get(slug="demo")
    chosen = [*fields.USUAL, *(["request", "response"] if "bodies" in kind else [])]
    made = Export.objects.create(workspace=workspace, fields=chosen, format=kind.split()[0])
    made.start()
    before, begun = megabytes(), time.monotonic()
    while work.work():
        pass
    seconds, grown = time.monotonic() - begun, megabytes() - before
    made.refresh_from_db()
    assert made.status == Export.Status.SUCCESS, made.error
    assert made.records == Log.objects.in_workspace(workspace).count() == rows(made.path, kind)
    verdict = "ok" if grown < LIMIT_MB else "over"
    print(
        f"{kind:18} {made.records:10,} logs {made.records / seconds:8,.0f} a second {made.size / 1e6:7,.0f} MB file,"
        f" grew by {grown:4.0f} MB of {LIMIT_MB} {verdict}",
        flush=True,
    )
    made.delete()


def rows(path: Path, kind: str) -> int:
    if kind == "parquet":
        import pyarrow.parquet

        return int(pyarrow.parquet.ParquetFile(path).metadata.num_rows)
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b"")) - (kind == "csv")


def megabytes() -> float:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

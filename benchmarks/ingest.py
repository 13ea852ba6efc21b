"""Ingest over HTTP against a bare COPY of the same rows into the same tables, in one run.

    DATABASE_URL=postgresql://… python -m benchmarks.ingest [--rows 20000] [--batch 20] [--clients 16] [--workers 1]

Makes a database of its own on that server and drops it again. COPY gets rows whose values are derived
already, compresses their bodies and stores 2,000 in a transaction, on one connection. Over HTTP the rows come
as JSON from ``--clients`` connections that run beside the server.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import threading
import time
from copy import copy
from datetime import UTC, datetime
from typing import Any

import psycopg

from benchmarks import databases
from benchmarks.databases import PROJECT

DATABASE = "benchmark_ingest"
BODY_BYTES = 11_000
COPY_ROWS = 2000


def main() -> None:
    options = arguments()
    with databases.fresh(DATABASE):
        measure(options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000, help="logs sent each way")
    parser.add_argument("--batch", type=int, default=20, help="logs in one POST")
    parser.add_argument("--clients", type=int, default=16, help="connections that send at once")
    parser.add_argument("--workers", type=int, default=1, help="web processes")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> None:
    from django.db import connection

    from logs.storage import partitions
    from portkey_logs.accounts.models import ApiKey, Organisation, Workspace

    now_ms = time.time_ns() // 1_000_000
    partitions.ensure(connection, now_ms, now_ms)
    organisation = Organisation.objects.create(slug="benchmark")
    workspace = Workspace.objects.create(slug="benchmark", organisation=organisation)
    _, key = ApiKey.issue(workspace, "benchmark")
    logs = [make_log(number) for number in range(500)]

    copied = copy_rate(workspace.pk, logs, options.rows)
    print(f"COPY  {copied:8,.0f} rows/s")
    rate, times = http_rate(key, logs, options)
    p50, p95 = (statistics.quantiles(times, n=100)[n - 1] * 1000 for n in (50, 95))
    print(f"HTTP  {rate:8,.0f} rows/s  {rate / copied:.2f} of COPY; one POST p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    print(f"      {options.clients} clients, {options.batch} logs of {BODY_BYTES / 1000:.0f} KB in each POST")
    stored = wait_for_rows(connection, 2 * options.rows)
    print(f"      {stored:,} rows stored")


def make_log(number: int) -> dict[str, Any]:
    """A chat completion whose bodies together have BODY_BYTES, of words with a natural spread."""
    chosen = random.Random(number)
    words = [f"w{int(chosen.paretovariate(0.7)) % 20_000}" for _ in range(BODY_BYTES // 4)]
    text = " ".join(words)
    model = chosen.choice(["gpt-4o", "gpt-4o-mini", "o1"])
    question, answer = text[: BODY_BYTES * 2 // 3], text[BODY_BYTES * 2 // 3 : BODY_BYTES - 600]
    return {
        "request": {
            "url": "https://api.openai.com/v1/chat/completions",
            "method": "POST",
            "provider": "openai",
            "headers": {"content-type": "application/json", "user-agent": "benchmark"},
            "body": {"model": model, "messages": [{"role": "user", "content": question}]},
        },
        "response": {
            "status": 200,
            "headers": {"content-type": "application/json"},
            "body": {
                "id": f"chatcmpl-{number}",
                "model": model,
                "choices": [{"message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 900, "completion_tokens": 500, "total_tokens": 1400},
            },
            "response_time": chosen.randrange(100, 9000),
        },
        "metadata": {"_user": f"user-{number % 50}", "env": "prod", "team": f"t{number % 7}"},
    }


def copy_rate(workspace_id: int, logs: list[dict[str, Any]], rows: int) -> float:
    """Rows per second of COPY into ``log`` and ``log_body``."""
    from django.conf import settings

    from logs.ingest import normalise, portkey
    from logs.ingest import rows as storage
    from portkey_logs.lib import uuid7

    records = []
    for exchange in portkey.parse(json.dumps(logs).encode(), {}, now_ms=0):
        assert not isinstance(exchange, portkey.RowError), exchange
        records.append(
            normalise.to_record(
                exchange, workspace_id=workspace_id, api_key_id=None, now_ms=time.time_ns() // 1_000_000
            )
        )
    columns = {"log": storage.LOG_COLUMNS, "log_body": storage.BODY_COLUMNS}
    received_at = datetime.now(UTC)
    seconds = 0.0
    with psycopg.connect(**connection_parameters(settings)) as connection, connection.cursor() as cursor:
        for start in range(0, rows, COPY_ROWS):
            batch = []
            for number in range(start, min(rows, start + COPY_ROWS)):
                record = copy(records[number % len(records)])
                record.id = uuid7.uuid7()
                batch.append(record)
            begun = time.perf_counter()
            tables = {
                "log": [storage.log_row(record, received_at) for record in batch],
                "log_body": [one.body for one in storage.pack(batch)],
            }
            for table, table_rows in tables.items():
                names = ", ".join(f'"{name}"' for name in columns[table])
                with cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT binary)") as sink:
                    sink.set_types(list(columns[table].values()))
                    for row in table_rows:
                        sink.write_row(row)
            connection.commit()
            seconds += time.perf_counter() - begun
    return rows / seconds


def connection_parameters(settings: Any) -> dict[str, Any]:
    of = settings.DATABASES["default"]
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
    return {name: of[known] for known, name in names.items() if of.get(known)}


def http_rate(key: str, logs: list[dict[str, Any]], options: argparse.Namespace) -> tuple[float, list[float]]:
    """Rows per second over HTTP, and how long each POST took (seconds)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    from portkey_logs.runtime.management.commands.up import web_command

    command = [*web_command(port), "--workers", str(options.workers)]
    web = subprocess.Popen(command, cwd=PROJECT, start_new_session=True)
    try:
        calls = prepare_calls(key, logs, options.batch)
        wait_for(port)
        for call in calls[:20]:  # let it start its threads and connections
            post(port, [call], [])
        times: list[float] = []
        parts: list[list[bytes]] = [[] for _ in range(options.clients)]
        for number in range(options.rows // options.batch - 20):
            parts[number % options.clients].append(calls[number % len(calls)])
        threads = [threading.Thread(target=post, args=(port, part, times)) for part in parts]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(times) * options.batch / (time.perf_counter() - begun), times
    finally:
        os.killpg(web.pid, signal.SIGTERM)
        web.wait()


def prepare_calls(key: str, logs: list[dict[str, Any]], batch: int) -> list[bytes]:
    calls = []
    for start in range(100):
        chosen = [logs[(start * batch + n) % len(logs)] for n in range(batch)]
        body = json.dumps(chosen if batch > 1 else chosen[0]).encode()
        head = f"POST /v1/logs HTTP/1.1\r\nhost: localhost\r\nx-portkey-api-key: {key}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        calls.append(head.encode() + body)
    return calls


def post(port: int, calls: list[bytes], times: list[float]) -> None:
    """Send prepared calls one after the other; as little Python as possible, it shares the processor."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for call in calls:
            begun = time.perf_counter()
            connection.sendall(call)
            answer = b""
            while True:
                answer += connection.recv(65536)
                head, end, body = answer.partition(b"\r\n\r\n")
                if end and len(body) >= int(head.lower().partition(b"content-length:")[2].split()[0]):
                    break
            times.append(time.perf_counter() - begun)
            if b" 200 " not in answer[:20]:
                raise RuntimeError(answer[:500])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the web process did not start")


def wait_for_rows(connection: Any, expected: int) -> int:
    deadline = time.monotonic() + 30
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM log")
            (stored,) = cursor.fetchone()
        if stored >= expected or time.monotonic() > deadline:
            return int(stored)
        time.sleep(0.2)


if __name__ == "__main__":
    main()

"""What it takes to look at a large log: time and memory of the web process, for bodies of 100 KB, 3 MB and 20 MB.

    DATABASE_URL=postgresql://… python -m benchmarks.big_log [--runs 5]

Makes a database of its own on that server and drops it again. Each body is the request and the answer of a chat;
"picture" is one whose size is a picture's. Times are those of whole HTTP requests on the same machine, the median
of the runs; their ratio is to the smallest body. Memory is the web process's: what it reached while it answered,
and what it kept, above what it held before that size.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import socket
import statistics
import subprocess
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import databases
from benchmarks.databases import PROJECT

DATABASE = "benchmark_big_log"
SIZES = {"100 KB": 100_000, "3 MB": 3_000_000, "20 MB": 20_000_000}
MB = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="times that each page is fetched")
    options = parser.parse_args()
    with databases.fresh(DATABASE):
        measure(options.runs)


def measure(runs: int) -> None:
    from django.core.management import call_command

    call_command("createcachetable", verbosity=0)
    workspace_id, session, key = make_people()
    for kind, make in (("text", text_body), ("picture", picture_body)):
        logs = {name: store(workspace_id, make(size)) for name, size in SIZES.items()}
        report(kind, logs, session, key, runs)


def make_people() -> tuple[int, str, str]:
    from django.conf import settings
    from django.test import Client

    from portkey_logs.accounts.models import ApiKey, Membership, Organisation, User, Workspace

    organisation = Organisation.objects.create(slug="benchmark")
    workspace = Workspace.objects.create(slug="benchmark", organisation=organisation)
    user = User.objects.create_user("ada@example.org", "benchmark")
    Membership.objects.create(user=user, organisation=organisation, role="owner")
    client = Client()
    client.force_login(user)
    _, key = ApiKey.issue(workspace, "benchmark")
    return workspace.pk, client.cookies[settings.SESSION_COOKIE_NAME].value, key


def text_body(size: int) -> bytes:
    """A chat of so many bytes, in words with a natural spread; one of them holds what is searched for."""
    chosen = random.Random(size)
    words = [f"w{int(chosen.paretovariate(0.7)) % 20_000}" for _ in range(2000)]
    messages: list[dict[str, str]] = []
    left = size
    while left > 0:
        text = " ".join(chosen.choices(words, k=150))
        messages.append({"role": ("user", "assistant")[len(messages) % 2], "content": text})
        left -= len(text) + 50
    messages[len(messages) * 9 // 10]["content"] += " the needle, é"
    return json.dumps({"model": "gpt-4o", "messages": messages}).encode()


def picture_body(size: int) -> bytes:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(size * 3 // 4)).decode()
    parts = [
        {"type": "text", "text": "What is in it? A needle, é"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
    ]
    return json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": parts}]}).encode()


def store(workspace_id: int, body: bytes) -> str:
    """Stored from here, so that the web process has not yet seen any of it."""
    from django.db import connection

    from logs.ingest import normalise
    from logs.ingest import rows as storage
    from logs.record import Exchange

    message = {"role": "assistant", "content": body.decode()[:-2]}
    answer = {"model": "gpt-4o", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    exchange = Exchange(
        source="api",
        url="https://api.openai.com/v1/chat/completions",
        method="POST",
        request_headers={"content-type": "application/json"},
        response_headers={"content-type": "application/json"},
        request_body=body,
        response_body=json.dumps(answer).encode(),
        status_code=200,
    )
    now_ms = time.time_ns() // 1_000_000
    record = normalise.to_record(exchange, workspace_id=workspace_id, api_key_id=None, now_ms=now_ms)
    (outcome,) = storage.commit_batch(connection, [record])
    if outcome.state != "stored":
        raise RuntimeError(outcome.message)
    return str(record.id)


def report(kind: str, logs: dict[str, str], session: str, key: str, runs: int) -> None:
    size_of = {id: SIZES[name] for name, id in logs.items()}
    with Web() as web:
        panel = {"Cookie": f"sessionid={session}", "HX-Request": "true", "HX-Target": "log-panel"}
        card = {"Cookie": f"sessionid={session}", "HX-Request": "true"}
        api = {"x-portkey-api-key": key}
        pages: dict[str, Callable[[str], tuple[str, dict[str, str]]]] = {
            "open": lambda id: (f"/w/benchmark/logs/{id}/", panel),
            "JSON": lambda id: (body_url(id, view="json"), card),
            "node": lambda id: (f"/w/benchmark/logs/{id}/body/request/node/?at=/1&from=200&of=after", card),
            "raw": lambda id: (body_url(id, view="raw"), card),
            "raw, last part": lambda id: (body_url(id, view="raw", **{"from": size_of[id] - 50_000}), card),
            "find": lambda id: (body_url(id, find="NEEDLE, É"), card),
            "find nothing": lambda id: (body_url(id, find="not in there"), card),
            "download": lambda id: (f"/w/benchmark/logs/{id}/raw/request", card),
            "GET /v1/logs/…": lambda id: (f"/v1/logs/{id}", api),
        }
        for _ in range(runs):  # threads, connections and caches
            for page in pages.values():
                web.seconds(*page(logs["100 KB"]))
        rows: dict[str, list[tuple[float, int]]] = {label: [] for label in pages}
        memory = ["memory kept"]
        for id in logs.values():
            before = web.reset_peak()
            for label, page in pages.items():
                web.reset_peak()
                seconds = statistics.median(web.seconds(*page(id)) for _ in range(runs))
                rows[label].append((seconds, web.peak() - before))
            memory.append(f"+{(web.resident() - before) / MB:.0f} MB of {before / MB:.0f} MB")
        print_row(kind, *logs)
        for label, cells in rows.items():
            smallest = cells[0][0]
            print_row(label, *(f"{s * 1000:.0f} ms {s / smallest:5.1f}x {peak / MB:+5.0f} MB" for s, peak in cells))
        print_row(*memory)
        print()


def print_row(*cells: str) -> None:
    print(f"{cells[0]:16}" + "".join(f"{cell:>26}" for cell in cells[1:]))


def body_url(id: str, **params: Any) -> str:
    return f"/w/benchmark/logs/{id}/body/request/?{urlencode(params)}"


class Web:
    """One web process, as ``up`` starts it."""

    def __enter__(self) -> Web:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        from portkey_logs.runtime.management.commands.up import web_command

        self.main = subprocess.Popen(web_command(self.port), cwd=PROJECT)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0 and (children := self._children()):
                    self.worker = children[-1]
                    return self
            time.sleep(0.05)
        raise RuntimeError("the web process did not start")

    def __exit__(self, *_: object) -> None:
        self.main.terminate()
        self.main.wait()

    def _children(self) -> list[int]:
        tasks = Path(f"/proc/{self.main.pid}/task").glob("*/children")
        return sorted(int(pid) for task in tasks for pid in task.read_text().split())

    def seconds(self, path: str, headers: dict[str, str]) -> float:
        """From the request's first byte to the answer's last."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.connect()
        begun = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        while answer.read(MB):
            pass
        taken = time.perf_counter() - begun
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} for {path}")
        return taken

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

    def resident(self) -> int:
        return self._status("VmRSS:")

    def peak(self) -> int:
        """The most it held since the peak was reset."""
        return self._status("VmHWM:")

    def reset_peak(self) -> int:
        Path(f"/proc/{self.worker}/clear_refs").write_text("5")
        return self.resident()


if __name__ == "__main__":
    main()

"""What slow clients cost the others: latencies beside so many connections that trickle, as a ratio to those without.

    python -m benchmarks.slow_clients --target web|capture --pid PID --key-file var/api_key [--port N] [--clients 200]

For a server that runs already (``manage.py up``); ``--pid`` is its process, for its memory. The slow clients are
signed out: some stop within a head, the others send a byte of a body each second.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import socket
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\n"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
SLOW_BODIES = {  # path, type, whether its length is declared
    "web": [("/accounts/login/", FORM, True), ("/accounts/login/", FORM, False), ("/v1/logs", JSON, True)],
    "capture": [("/v1/chat/completions", JSON, True), ("/v1/chat/completions", JSON, False), ("/v1/logs", JSON, True)],
}
DECLARED_BYTES = 500_000


class SlowClients:
    """Connections that trickle, opened again where the server ends them. A context manager."""

    def __init__(self, port: int, target: str = "web", count: int = 200) -> None:
        self._port = port
        self._count = count
        self._shapes = itertools.cycle([*SLOW_BODIES[target], None])
        self._stop = threading.Event()
        self._all_open = threading.Event()
        self._thread = threading.Thread(target=self._trickle, daemon=True)

    def __enter__(self) -> SlowClients:
        self._thread.start()
        self._all_open.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _trickle(self) -> None:
        connections: list[socket.socket | None] = [None] * self._count
        while not self._stop.is_set():
            for index, connection in enumerate(connections):
                if connection is None or not _drip(connection):
                    connections[index] = self._open()
            self._all_open.set()
            self._stop.wait(1)
        for connection in connections:
            if connection:
                connection.close()

    def _open(self) -> socket.socket | None:
        shape = next(self._shapes)
        with suppress(OSError):
            connection = socket.create_connection(("127.0.0.1", self._port), timeout=5)
            if shape is None:
                connection.sendall(b"POST / HTTP/1.1\r\nHost: local")
            else:
                path, type, is_declared = shape
                length = f"Content-Length: {DECLARED_BYTES}" if is_declared else "Transfer-Encoding: chunked"
                start = "" if is_declared else f"{DECLARED_BYTES:x}\r\n"
                connection.sendall(f"{HEAD.format(path=path, type=type)}{length}\r\n\r\n{start}".encode())
            connection.setblocking(False)
            return connection
        return None


def _drip(connection: socket.socket) -> bool:
    """Send a byte; False, and the connection is closed, where the server has answered or ended it."""
    with suppress(OSError):
        connection.send(b"a")
        try:
            connection.recv(65536)
        except BlockingIOError:
            return True
    connection.close()
    return False


def request(port: int, method: str, path: str, body: bytes | None = None, key: str = "") -> int:
    """Make a call on a connection of its own and return its status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"content-type": "application/json"} | ({"x-portkey-api-key": key} if key else {})
    headers |= {"x-portkey-provider": "demo"} if "chat" in path else {}
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def calls_of(target: str, port: int, key: str) -> dict[str, Callable[[], int]]:
    """Return what is measured at a target, by name. Each call returns its status."""
    chat = {"model": "demo", "messages": [{"role": "user", "content": "Say hi"}]}
    log = json.dumps({"request": {"url": "https://api.openai.com/v1/chat/completions", "body": chat}}).encode()
    if target == "capture":
        return {
            "/healthz": lambda: request(port, "GET", "/healthz"),
            "a call": lambda: request(port, "POST", "/v1/chat/completions", json.dumps(chat).encode(), key),
        }
    return {
        "/healthz": lambda: request(port, "GET", "/healthz"),
        "the sign-in page": lambda: request(port, "GET", "/accounts/login/"),
        "POST /v1/logs": lambda: request(port, "POST", "/v1/logs", log, key),
    }


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process and those that it started, in MB."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if str(pid) in (status.parent.name, fields["PPid"].strip()) and "VmRSS" in fields:
                total += int(fields["VmRSS"].split()[0]) / 1000
    return total


def milliseconds(call: Callable[[], int], runs: int) -> float:
    """Return the median time of a call that succeeds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        status = call()
        times.append((time.perf_counter() - began) * 1000)
        assert status == 200, status
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", choices=SLOW_BODIES, default="web")
    parser.add_argument("--port", type=int, help="8000 for web, 8788 for capture, unless given")
    parser.add_argument("--pid", type=int, required=True, help="the server's process")
    parser.add_argument("--key-file", type=Path, default=Path("var/api_key"))
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--runs", type=int, default=40, help="of each call")
    options = parser.parse_args()
    port = options.port or {"web": 8000, "capture": 8788}[options.target]
    calls = calls_of(options.target, port, options.key_file.read_text().strip())
    idle = {name: milliseconds(call, options.runs) for name, call in calls.items()}
    before = memory_mb(options.pid)
    with SlowClients(port, options.target, options.clients):
        loaded = {name: milliseconds(call, options.runs) for name, call in calls.items()}
        after = memory_mb(options.pid)
    print(f"| {options.target}, {options.clients} slow clients | idle, ms | loaded, ms | ratio |\n|---|---:|---:|---:|")
    for name in calls:
        print(f"| {name} | {idle[name]:.1f} | {loaded[name]:.1f} | {loaded[name] / idle[name]:.2f} |")
    print(f"| memory, MB | {before:.0f} | {after:.0f} | {after / before:.2f} |")


if __name__ == "__main__":
    main()

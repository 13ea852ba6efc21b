"""``manage.py up`` as people meet it: real processes on a real private server, started, killed and stopped."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from portkey_logs.runtime.postgres import Server
from tests.logs.processes import PROJECT, free_port, wait_until

READY = re.compile(r"Ctrl-C stops everything")
pytestmark = pytest.mark.processes


class Up:
    """One run of ``manage.py up``, with everything it said."""

    def __init__(self, data_dir: Path, port: int, *options: str) -> None:
        self.data_dir = data_dir
        self.base_url = f"http://127.0.0.1:{port}"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "PORTKEY"))
        }
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port), "--data-dir", str(data_dir), *options]
            + ([] if "--capture-port" in options else ["--capture-port", str(free_port())]),
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = ""
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def hear(self, pattern: re.Pattern[str] | str, seconds: float = 90) -> None:
        """Read until a line matches. Raises AssertionError when the deadline or the output's end comes first."""
        deadline = time.monotonic() + seconds
        while True:
            line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            assert line is not None, self.said
            self.said += line
            if re.search(pattern, line):
                return

    def rest(self, seconds: float = 30) -> int:
        """Read to the end and return the exit code."""
        code = self.process.wait(seconds)
        while (line := self._lines.get(timeout=seconds)) is not None:
            self.said += line
        return code

    def api(self, path: str = "/v1/logs") -> dict[str, object]:
        """Ask the API with the demo's key."""
        key = (self.data_dir / "api_key").read_text().strip()
        request = urllib.request.Request(self.base_url + path, headers={"x-portkey-api-key": key})
        with urllib.request.urlopen(request, timeout=10) as response:
            answer: dict[str, object] = json.load(response)
            return answer

    def answers(self) -> bool:
        """Whether web is ready."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def count(self) -> int:
        """Return how many logs the demo workspace has."""
        total, cursor = 0, ""
        while True:
            page = self.api(f"/v1/logs?cursor={cursor}" if cursor else "/v1/logs")
            total += len(page["data"])  # type: ignore[arg-type]
            if not page["has_more"]:
                return total
            cursor = str(page["next_cursor"])


def processes_of(data_dir: Path) -> dict[int, str]:
    """Return id and command of every living process that belongs to a data directory."""
    pointer = data_dir / "pg"
    marks = [str(data_dir).encode(), *([pointer.read_bytes().strip()] if pointer.exists() else [])]
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            belongs = any(mark in command + (process / "environ").read_bytes() for mark in marks)
            if belongs and (process / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                found[int(process.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return found


class Runs:
    """The runs on one data directory, one at a time."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.current: Up | None = None

    def start(self) -> Up:
        """Start a run and wait until it is ready."""
        self.current = Up(self.data_dir, free_port())
        self.current.hear(READY)
        return self.current

    def stop(self) -> None:
        """Stop the current run, if there is one."""
        if self.current and self.current.process.poll() is None:
            self.current.process.terminate()
            assert self.current.rest() == 0
        assert processes_of(self.data_dir) == {}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The module's data directory; what one test leaves there the next one finds."""
    runs = Runs(tmp_path_factory.mktemp("up") / "var")
    yield runs
    try:
        runs.stop()
    finally:
        Server(runs.data_dir).delete()


@pytest.fixture
def up(runs: Runs) -> Up:
    """Everything running: as the last test left it, or started anew if that ended it."""
    if runs.current is None or runs.current.process.poll() is not None:
        return runs.start()
    return runs.current


def test_the_first_run(up: Up) -> None:
    """It ends with a link that opens, a key that works, and the demo's logs."""
    link = re.search(r"http://127\.0\.0\.1:\d+/accounts/link/\S+", up.said)
    assert link, up.said
    with urllib.request.urlopen(link[0], timeout=10) as response:
        assert response.status == 200
    assert stat.S_IMODE((up.data_dir / "api_key").stat().st_mode) == 0o600
    loaded = re.search(r"Loaded (\d+) demo logs", up.said)
    assert loaded, up.said
    assert up.count() == int(loaded[1])


def test_the_printed_call_works_offline_and_is_a_log(up: Up) -> None:
    sample = re.search(r"^    curl (.+?)\n\n", up.said, re.M | re.S)
    assert sample, up.said
    url, *options = shlex.split(sample[1].replace("\\\n", " "))
    values = dict(zip(options[1::2], options[::2], strict=True))
    headers = dict(value.split(": ", 1) for value, option in values.items() if option == "-H")
    assert headers["x-portkey-api-key"] == f"$(cat {up.data_dir / 'api_key'})"
    headers["x-portkey-api-key"] = (up.data_dir / "api_key").read_text().strip()
    (body,) = [value for value, option in values.items() if option == "-d"]
    before = up.count()
    with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=10) as response:
        assert "demo provider" in json.load(response)["choices"][0]["message"]["content"]
    wait_until(lambda: up.count() == before + 1)


def test_ctrl_c_leaves_no_process_and_the_next_run_finds_everything(runs: Runs, up: Up) -> None:
    count, key = up.count(), (up.data_dir / "api_key").read_text()
    assert len(processes_of(up.data_dir)) > 4
    started = time.monotonic()
    os.kill(up.process.pid, signal.SIGINT)
    assert up.rest() == 0, up.said
    assert time.monotonic() - started < 15
    assert processes_of(up.data_dir) == {}

    again = runs.start()
    assert again.count() == count
    assert (up.data_dir / "api_key").read_text() == key
    assert "demo logs" not in again.said
    assert "/accounts/link/" in again.said, "the owner has no password yet: a fresh link"


def test_kill_9_of_up_takes_everything_along(up: Up) -> None:
    up.process.kill()
    up.process.wait()
    wait_until(lambda: not processes_of(up.data_dir))


def test_kill_9_of_everything_loses_no_log(runs: Runs, up: Up) -> None:
    count = up.count()
    for pid in processes_of(up.data_dir):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    up.process.wait()
    assert runs.start().count() == count


@pytest.mark.parametrize(
    ("name", "mark"),
    [("web", "asgi"), ("capture", "manage.py capture"), ("worker", "maintain"), ("PostgreSQL", "guardian")],
)
def test_a_killed_process_starts_again(up: Up, name: str, mark: str) -> None:
    victims = [pid for pid, command in processes_of(up.data_dir).items() if mark in command]
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    up.hear(f"{name} .*starts again")
    wait_until(up.answers)
    wait_until(lambda: any(mark in command for command in processes_of(up.data_dir).values()))
    assert up.count() > 150


def test_a_second_up_on_the_same_data_says_so(up: Up) -> None:
    second = Up(up.data_dir, free_port())
    assert second.rest() == 1
    assert re.fullmatch(rf"CommandError: .*{up.data_dir} \(process {up.process.pid}\)\n", second.said)
    assert up.answers()


def test_a_command_uses_the_running_server(up: Up) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE")}
    environment["PORTKEY_LOGS_DATA_DIR"] = str(up.data_dir)
    command = [sys.executable, "manage.py", "migrate", "--check"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert up.answers()


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = Up(tmp_path / "var", port)
        assert up.rest() == 1
    assert up.said.count("\n") == 1
    for part in (f"port {port}", f"(process {os.getpid()})", "--port"):
        assert part in up.said
    assert not (tmp_path / "var" / "pg").exists(), "nothing is started before the port is known to be free"


def test_bad_configuration_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "nonsense")
    command = [sys.executable, "manage.py", "up", "--data-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr
    assert done.stderr.count("\n") == 1

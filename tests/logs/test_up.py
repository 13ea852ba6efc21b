"""``manage.py up`` as people meet it: real processes on a real private server, started, killed and stopped."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portkey_logs.embedded import Server

PROJECT = Path(__file__).resolve().parents[2]
READY = re.compile(r"Ctrl-C stops everything")
pytestmark = pytest.mark.processes


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Poll until the condition holds. Raises AssertionError after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def free_port() -> int:
    """Return a port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Up:
    """One run of ``manage.py up``, with everything it said."""

    def __init__(self, data_dir: Path, port: int, *options: str) -> None:
        self.data_dir = data_dir
        self.base_url = f"http://127.0.0.1:{port}"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "PORTKEY"))
        }
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port), "--data-dir", str(data_dir), *options],
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


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("up") / "var"
    yield path
    Server(path).delete()


@pytest.fixture
def up(data_dir: Path) -> Iterator[Up]:
    """Everything running on the module's data directory; what one test leaves there the next one finds."""
    up = Up(data_dir, free_port())
    try:
        up.hear(READY)
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
            up.rest()
        wait_until(lambda: not processes_of(data_dir))


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


def test_the_next_run_keeps_everything_and_loads_nothing_twice(up: Up) -> None:
    assert "demo logs" not in up.said
    assert "/accounts/link/" in up.said, "the owner has no password yet: a fresh link"
    assert up.count() > 150


def test_ctrl_c_leaves_no_process(up: Up) -> None:
    assert len(processes_of(up.data_dir)) > 4
    started = time.monotonic()
    os.kill(up.process.pid, signal.SIGINT)
    assert up.rest() == 0, up.said
    assert time.monotonic() - started < 15
    assert processes_of(up.data_dir) == {}


def test_kill_9_of_up_takes_everything_along(up: Up) -> None:
    up.process.kill()
    up.process.wait()
    wait_until(lambda: not processes_of(up.data_dir))


def test_kill_9_of_everything_loses_no_log(data_dir: Path) -> None:
    before = Up(data_dir, free_port())
    before.hear(READY)
    count = before.count()
    for pid in processes_of(data_dir):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    before.process.wait()
    after = Up(data_dir, free_port())
    after.hear(READY)
    assert after.count() == count
    after.process.terminate()
    assert after.rest() == 0


@pytest.mark.parametrize(("name", "mark"), [("web", "granian"), ("worker", "maintain"), ("PostgreSQL", "guardian")])
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

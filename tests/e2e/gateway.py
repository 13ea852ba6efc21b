"""Real processes for end-to-end tests: a stub provider, the Portkey gateway from npm, capture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portkey_logs.runtime import gateway, ports
from portkey_logs.runtime.management.commands.up import web_command
from tests.conftest import NO_GATEWAY
from tests.logs.processes import PROJECT, free_port, wait_until

CACHE = PROJECT / "var" / "gateway"  # where `up` has it too


class Process:
    """A server in a session of its own; what it prints goes to ``log``."""

    def __init__(self, command: list[str], port: int, log: Path, env: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.log = log
        self._command = command
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=PROJECT, env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self.answers, 60)  # a busy machine takes its time

    def answers(self) -> bool:
        """Whether it speaks HTTP; an error status will do."""
        assert self._process is None or self._process.poll() is None, self.log.read_text()
        try:
            get(f"{self.url}/healthz")
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """``kill -9`` of the process and its children."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As a supervisor does, in peace."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def _end(self, number: int) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, number)
            self._process.wait()
            self._process = None

    @contextmanager
    def running(self) -> Iterator[Process]:
        self.start()
        try:
            yield self
        finally:
            self.kill()


def stub_provider(folder: Path) -> Process:
    port = free_port()
    command = [sys.executable, "-m", "tests.e2e.stub_provider", str(port)]
    return Process(command, port, folder / "stub.log", dict(os.environ))


def npm_gateway(folder: Path, trusted_hosts: Iterable[str] = ("127.0.0.1", "localhost")) -> Process:
    """The real gateway; the test is skipped where it cannot be installed."""
    try:
        script = gateway.install(CACHE)
    except gateway.GatewayError as error:
        pytest.skip(f"{NO_GATEWAY}: {error}")
    port = free_port()
    command = gateway.command(script, port, trusted_hosts)
    return Process(command, port, folder / "gateway.log", dict(os.environ))


def capture(folder: Path, env: dict[str, str], *options: str) -> Process:
    """Capture as it is run in production."""
    port = free_port()
    command = [sys.executable, "manage.py", "capture", "--port", str(port), *options]
    known = os.environ | {"PORTKEY_LOGS_DATA_DIR": str(folder)} | env
    return Process(command, port, folder / "capture.log", known)


def web(folder: Path, env: dict[str, str]) -> Process:
    """Web as it is run in production."""
    port = free_port()
    known = os.environ | {"PORTKEY_LOGS_DATA_DIR": str(folder)} | env
    return Process(web_command(port), port, folder / "web.log", known)


def get(url: str) -> bytes:
    with ports.call(url, timeout=10) as response:
        return response.read()

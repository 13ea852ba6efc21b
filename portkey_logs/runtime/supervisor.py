"""Keeping a few processes alive: start, watch, restart, stop. Knows no Django."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from http.client import HTTPException
from pathlib import Path
from typing import IO, NamedTuple
from urllib.error import HTTPError

from portkey_logs.lib.log_lines import escape_controls
from portkey_logs.runtime import ports
from portkey_logs.runtime.postgres.process import die_with_parent

POLL_SECONDS = 0.2
STOP_SECONDS = 10
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 60  # a process that ran this long gets the shortest pause again
LOG_BYTES = 10_000_000
IMPORTANT = re.compile(r"\b(WARNING|ERROR|CRITICAL|Traceback|panicked)\b|^\w+(\.\w+)*(Error|Exception)\b")

Say = Callable[[str], None]


class Health(NamedTuple):
    """An address at which a process that is well answers, whatever the status.

    A process that misses several probes in a row is killed, and starts again as one that died. The numbers let half a
    minute pass, for a gateway that reads a body of many megabytes is silent for seconds.
    """

    url: str
    every: float = 5.0  # seconds between two probes, and before the first
    timeout: float = 5.0  # seconds
    misses: int = 3


class Child:
    """One supervised process, its log file and when it may start again."""

    def __init__(self, name: str, command: list[str], log: Path, say: Say, health: Health | None = None) -> None:
        self.name = name
        self.command = command
        self.log = log
        self._say = say
        self._health = health
        self._hung: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._started = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        self._restart_at: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def ended(self) -> str | None:
        """How the process ended, in words; None while it runs or before it was started."""
        code = self._process.poll() if self._process else None
        if code is None:
            return None
        if self._hung is self._process and self._health:
            return f"did not answer {self._health.misses} times in a row and was killed"
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def start(self) -> None:
        """Start the process, in a session of its own: Ctrl-C is for the supervisor.

        Call it in the main thread; the process gets SIGTERM when that is gone, however it ended.
        """
        self._restart_at = None
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        self._reader = threading.Thread(target=self._copy_output, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        if self._health:
            threading.Thread(target=self._watch, args=(self._process, self._health), daemon=True).start()

    def revive(self) -> None:
        """Start the process again if it has ended, after a pause that doubles each time."""
        if self.ended is None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            self.kill()  # what it may have left of its own children
            if now - self._started > HEALTHY_SECONDS:
                self._pause = FIRST_PAUSE_SECONDS
            self._say(f"{self.name} {self.ended}; starts again in {self._pause:g} s; see {self.log}")
            self._restart_at = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        elif now >= self._restart_at:
            self.start()

    def terminate(self) -> None:
        """Ask the process to end."""
        if self._process:
            self._process.terminate()

    def kill(self) -> None:
        """End the process and what it started, at once."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):  # all of it is gone
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_lines(self, count: int = 3) -> str:
        """Return the end of what the process printed, once it has ended."""
        if self._reader:
            self._reader.join(timeout=1)
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def _watch(self, process: subprocess.Popen[bytes], health: Health) -> None:
        """Kill the process when it misses its probes."""
        missed = 0
        while missed < health.misses:
            try:
                process.wait(health.every)
                return
            except subprocess.TimeoutExpired:
                missed = 0 if _answers(health) else missed + 1
        self._hung = process
        process.kill()

    def _copy_output(self, output: IO[bytes]) -> None:
        """Write each line to the log file, and show those that matter. Not all that children print is their own."""
        file = open_log(self.log)
        for line in output:
            if file.tell() > LOG_BYTES:
                file.close()
                self.log.replace(self.log.with_suffix(".log.1"))
                file = open_log(self.log)
            text = escape_controls(line.decode(errors="replace").rstrip())
            file.write(text.encode() + b"\n")
            if IMPORTANT.search(text):
                self._say(f"{self.name}: {text}")
        file.close()


class Supervisor:
    """Runs children until it is told to stop."""

    def __init__(self, children: Iterable[Child]) -> None:
        self.children = list(children)
        self._stop = threading.Event()

    def obey_signals(self) -> None:
        """Let Ctrl-C, SIGTERM and a closed terminal end ``run``; a second one kills the children at once."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._on_signal)

    @property
    def stopping(self) -> bool:
        """Whether a signal has asked for the end."""
        return self._stop.is_set()

    def start(self) -> None:
        """Start all children."""
        for child in self.children:
            child.start()

    def run(self, watch: Callable[[], None]) -> None:
        """Keep the children alive until a signal comes; ``watch`` is called at every look."""
        while not self._stop.wait(POLL_SECONDS):
            watch()
            for child in self.children:
                child.revive()

    def stop(self) -> None:
        """End all children within STOP_SECONDS; whatever is left then is killed."""
        for child in self.children:
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            while child.is_running and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS / 4)
            child.kill()

    def _on_signal(self, signum: int, frame: object) -> None:
        if self._stop.is_set():
            for child in self.children:
                child.kill()
        self._stop.set()


def _answers(health: Health) -> bool:
    try:
        ports.call(health.url, health.timeout).close()
    except HTTPError:
        return True
    except (OSError, HTTPException):
        return False
    return True


def open_log(path: Path) -> IO[bytes]:
    """Open a log file for appending, unbuffered, mode 0600: it may quote what people logged."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)

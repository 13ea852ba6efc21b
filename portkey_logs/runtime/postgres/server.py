"""The private PostgreSQL as its users see it: there while they need it, shared by all of them."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from portkey_logs.runtime.postgres import cluster
from portkey_logs.runtime.postgres import location as places
from portkey_logs.runtime.postgres.location import EmbeddedError
from portkey_logs.runtime.postgres.process import START_SECONDS, STOP_SECONDS

Progress = Callable[[str], None]
POLL_SECONDS = 0.05
ANSWER_SECONDS = 10
# Length and code of the protocol's SSLRequest: every server answers it with one byte, before any authentication.
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
PROGRESS_SECONDS = 5
LOG_BYTES = 20_000_000  # at a start, a longer log is put aside
PROJECT = Path(__file__).resolve().parents[3]


def _silent(_: str) -> None:
    """Show no progress."""


class Server:
    """One user's hold on the server of a data directory.

    The server starts for its first user and stops after its last, in whatever
    order they leave; see ``guardian``. Works for root and for ordinary users.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self._users: IO[str] | None = None
        self._guardian: subprocess.Popen[bytes] | None = None
        self._place: places.Place | None = None

    @property
    def place(self) -> places.Place:
        """The server's directories. Raises EmbeddedError, see ``place.find``."""
        if self._place is None:
            with self._turn():
                self._place = places.find(self.data_dir)
        return self._place

    @property
    def url(self) -> str:
        """A ``postgresql://`` URL with the password; the host is the socket's directory, percent-encoded."""
        host = quote(str(self.place.socket_dir), safe="")
        return f"postgresql://{cluster.USER}:{cluster.password(self.place)}@{host}/{cluster.DATABASE}"

    @property
    def is_running(self) -> bool:
        """Whether the server accepts connections now."""
        lines = self._postmaster_file()
        if len(lines) < 8 or lines[7].strip() != "ready":
            return False
        return _answers(self.place.socket_dir / ".s.PGSQL.5432")

    def start(self, progress: Progress = _silent) -> None:
        """Make the server ready, at most START_SECONDS later, and keep it until ``stop``.

        ``progress`` gets a short line whenever something takes time. Call it
        again after the server has died. Raises EmbeddedError with what
        PostgreSQL said if it does not come up.
        """
        place = self.place
        if self._users is None:
            self._users = _open_lock(self.data_dir / "pg.users")
            fcntl.flock(self._users, fcntl.LOCK_SH)  # waits while a server without users is stopping
        try:
            with self._turn():
                if not self.is_running:
                    self._launch(place, progress)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Give up the hold; if it was the last, return when the server has stopped."""
        if self._users is None:
            return
        server = self._postmaster_file()[:1]
        last = _is_last(self._users)
        self._users.close()
        self._users = None
        deadline = time.monotonic() + STOP_SECONDS
        while last and server and self._postmaster_file()[:1] == server and time.monotonic() < deadline:
            if not _alive(int(server[0])):
                break
            time.sleep(POLL_SECONDS)
        if last and self._guardian is not None:
            self._guardian.wait(STOP_SECONDS)
            self._guardian = None

    def delete(self) -> None:
        """Stop the server and remove its database for good; for suites that make one for themselves.

        Raises EmbeddedError while somebody else uses it.
        """
        self.stop()
        if self.is_running:
            raise EmbeddedError(f"the database of {self.data_dir} is in use")
        shutil.rmtree(self.place.socket_dir, ignore_errors=True)
        shutil.rmtree(self.place.home)
        (self.data_dir / "pg").unlink(missing_ok=True)
        self._place = None

    def _launch(self, place: places.Place, progress: Progress) -> None:
        if not place.cluster.exists():
            progress("Preparing a private PostgreSQL (first run)")
        cluster.prepare(place)
        place.make_socket_dir()
        if place.log.exists() and place.log.stat().st_size > LOG_BYTES:
            place.log.rename(place.log.with_suffix(".log.1"))
        progress("Starting PostgreSQL")
        with open(os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            begin = log.tell()
            self._guardian = subprocess.Popen(
                [sys.executable, "-m", "portkey_logs.runtime.postgres.guardian", str(self.data_dir)],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the users, who then leave
            )
        self._wait_until_ready(self._guardian, progress, lambda: _last_words(place.log, begin))

    def _wait_until_ready(
        self, guardian: subprocess.Popen[bytes], progress: Progress, last_words: Callable[[], str]
    ) -> None:
        started = told = time.monotonic()
        while not self.is_running:
            now = time.monotonic()
            if guardian.poll() is not None or now - started > START_SECONDS:
                raise EmbeddedError(f"PostgreSQL did not start: {last_words()}")
            if now - told > PROGRESS_SECONDS:
                told = now
                progress(f"PostgreSQL is still starting ({now - started:.0f} s)")
            time.sleep(POLL_SECONDS)

    def _turn(self) -> IO[str]:
        """Wait until nobody else makes or starts this server; closing the result passes the turn on."""
        with places.access(self.data_dir):
            self.data_dir.mkdir(parents=True, exist_ok=True)
            turn = _open_lock(self.data_dir / "pg.start")
        fcntl.flock(turn, fcntl.LOCK_EX)
        return turn

    def _postmaster_file(self) -> list[str]:
        """Return the lines in which the server says how it is; none if it is not there."""
        try:
            return (self.place.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []


@contextmanager
def running(data_dir: Path, progress: Progress = _silent) -> Iterator[str]:
    """Have the server of ``data_dir`` run for the duration of the block; gives its URL.

    A server that runs already is used and stays. Raises EmbeddedError like ``Server.start``.
    """
    server = Server(data_dir)
    server.start(progress)
    try:
        yield server.url
    finally:
        server.stop()


def _open_lock(path: Path) -> IO[str]:
    return open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def _is_last(users: IO[str]) -> bool:
    """Whether nobody else holds the shared lock; asking gives it up."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        pass
    try:  # either others have the shared lock, or the guardian its own already and stops the server
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True


def _answers(path: Path) -> bool:
    """Whether a living server is behind the socket; a killed one may leave its files, and still take calls."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(ANSWER_SECONDS)
            probe.connect(str(path))
            probe.sendall(SSL_REQUEST)
            return probe.recv(1) != b""
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _last_words(log: Path, begin: int) -> str:
    """Return the end of the server's log from byte ``begin`` on, in one line."""
    lines = log.read_bytes()[begin:].decode(errors="replace").splitlines()
    said = [line.partition("] ")[2] or line for line in lines]  # without time and process
    return f"{'; '.join(said[-3:]) or 'it said nothing'} ({log})"

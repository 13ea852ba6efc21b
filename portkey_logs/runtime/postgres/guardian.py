"""The process that owns a running PostgreSQL: ``python -m portkey_logs.runtime.postgres.guardian DATA_DIR``.

Everybody who uses the server holds a shared lock on ``<data_dir>/pg.users``.
The guardian waits for the exclusive one: when it gets it, the last user is
gone, however that ended, and the server is stopped. If the guardian itself is
killed, the kernel stops the server.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from portkey_logs.runtime.postgres import cluster
from portkey_logs.runtime.postgres import location as places
from portkey_logs.runtime.postgres.process import START_SECONDS, STOP_SECONDS, die_with_parent

# What a killed server leaves behind, and what its last processes hold for a second or two.
STALE = ("lock file", "pre-existing shared memory block")


def main(data_dir: Path) -> int:
    """Run the server until nobody uses it any more."""
    place = places.find(data_dir)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = start(place)
    users_left = threading.Event()

    def watch() -> None:
        """End with a server that ended by itself; the main thread waits for the lock."""
        code = server.wait()
        if not users_left.is_set():
            os._exit(code or 1)

    threading.Thread(target=watch, daemon=True).start()
    with (data_dir / "pg.users").open() as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX)  # which then keeps new users waiting until the end
        finally:
            users_left.set()
            stop(server)
            with contextlib.suppress(OSError):
                place.socket_dir.rmdir()
    return 0


def start(place: places.Place) -> subprocess.Popen[bytes]:
    """Start the server, again and again for START_SECONDS while a killed one's traces are in the way.

    Raises SystemExit if it does not stay up for other reasons; the log says why.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        with place.log.open("ab") as log:
            begin = log.tell()
            server = subprocess.Popen(
                cluster.server_command(place),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(signal.SIGINT),
                **place.as_user(),
            )
        try:
            server.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            return server
        said = place.log.read_bytes()[begin:].decode(errors="replace")
        if time.monotonic() > deadline or not any(words in said for words in STALE):
            sys.exit(1)


def stop(server: subprocess.Popen[bytes]) -> None:
    """Stop the server: connections are closed, what was committed is on disk."""
    for signum in (signal.SIGINT, signal.SIGQUIT):
        server.send_signal(signum)
        try:
            server.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

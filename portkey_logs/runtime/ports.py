"""This machine's own address: is a port free, who has it if not, and asking what listens there. Knows no Django."""

from __future__ import annotations

import errno
import os
import socket
import urllib.request
from http.client import HTTPResponse
from pathlib import Path

LISTEN = "0A"  # the state column of /proc/net/tcp
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever http_proxy says


def call(request: urllib.request.Request | str, timeout: float) -> HTTPResponse:
    """Send a request, past any proxy. Raises OSError (URLError, HTTPError) like ``urllib``; timeout in seconds."""
    response: HTTPResponse = _opener.open(request, timeout=timeout)
    return response


def complaint(port: int, flag: str) -> str | None:
    """Return one line on why ``port`` of 127.0.0.1 cannot be used and which flag chooses another; None if it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections do not count
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except PermissionError:
            return f"port {port} needs more rights: choose one above 1023 with {flag}"
        except OverflowError:
            return f"port {port} does not exist: choose one below 65536 with {flag}"
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return f"port {port} is taken by {holder(port) or 'another process'}: end it or choose another with {flag}"
    return None


def holder(port: int) -> str | None:
    """Return name and id of the process that listens on ``port``; None where the system does not tell."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(fd) in sockets for fd in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
    return None


def _listening(port: int) -> list[str]:
    """Return the inodes of the sockets that listen on ``port``."""
    inodes: list[str] = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [row.split() for row in Path(table).read_text().splitlines()[1:]]
        except OSError:
            continue
        inodes += [row[9] for row in rows if row[3] == LISTEN and int(row[1].rpartition(":")[2], 16) == port]
    return inodes

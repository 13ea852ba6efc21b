"""The open-source Portkey gateway from npm: installed at a pinned version, started headless. Knows no Django.

``package.json`` pins more than the gateway: with the newest @hono/node-server that its own range allows, every
streamed answer becomes a 500. ``package-lock.json`` holds the checksum of each package.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from portkey_logs.lib.outbound import PRELOAD
from portkey_logs.runtime import ports

INSTALL_SECONDS = 300
PORT = 8787  # the gateway's own default
HEADER_BYTES = 1024 * 1024  # of all headers; Node's 16 KiB would not hold a config with its prompts
_FILES = ("package.json", "package-lock.json")
_HERE = Path(__file__).resolve().parent


class GatewayError(Exception):
    """The gateway cannot be installed; the message is one line that says what to do."""


def install(directory: Path) -> Path:
    """Return the gateway's script below ``directory``, installed there unless it is. Raises GatewayError."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise GatewayError(f"{program} is missing: install Node.js 20 or newer, or leave --with-gateway out")
    pins = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _FILES)).hexdigest()[:12]
    place = directory / pins
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _install_into(place)
    return place / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"


def _install_into(place: Path) -> None:
    """Install beside ``place`` and move it there, so that it is whole or absent."""
    with tempfile.TemporaryDirectory(dir=place.parent) as draft:
        for name in _FILES:
            shutil.copy(_HERE / name, draft)
        command = ["npm", "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run(command, cwd=draft, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            raise GatewayError(
                f"npm did not install the gateway within {INSTALL_SECONDS} s: check the network"
            ) from None
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or [
                f"exit {done.returncode}"
            ]
            raise GatewayError(f"npm cannot install the gateway: {lines[0]}")
        os.rename(draft, place)
        Path(draft).mkdir()  # for the context manager to remove


def command(script: Path, port: int, trusted_hosts: Iterable[str] = ()) -> list[str]:
    """Return the command of a gateway without its pages and its log stream, which show everybody's keys to anyone.

    It learns nothing of our environment: no database password. The preload has it listen on 127.0.0.1 alone, follow no
    redirect, and reach ``trusted_hosts`` (``host`` or ``host:port``) only of what is not public.
    """
    known = {name: os.environ[name] for name in ("PATH", "HOME", "NODE_EXTRA_CA_CERTS") if name in os.environ}
    known |= {"NODE_ENV": "production", "PORTKEY_LOGS_TRUSTED_HOSTS": ",".join(trusted_hosts)}
    pairs = [f"{name}={value}" for name, value in known.items()]
    options = [f"--max-http-header-size={HEADER_BYTES}", "--import", PRELOAD.as_uri()]
    return ["env", "-i", *pairs, "node", *options, str(script), f"--port={port}", "--headless"]


def answers(url: str) -> bool:
    """Whether a Portkey gateway answers at ``url``: its front page says so."""
    try:
        with ports.call(url, timeout=2) as response:
            return b"Gateway" in response.read(1000)
    except (OSError, ValueError):
        return False

"""``manage.py up``: the whole product on this machine, until Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from portkey_logs.runtime import gateway, ports
from portkey_logs.runtime.demo.load import load_demo
from portkey_logs.runtime.postgres import EmbeddedError, Server
from portkey_logs.runtime.supervisor import POLL_SECONDS, Child, Health, Supervisor, open_log

READY_SECONDS = 60
DATABASE_LOOK_SECONDS = 2
MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]


class Command(BaseCommand):
    help = "Starts PostgreSQL (unless DATABASE_URL is set), web, capture and worker; runs until Ctrl-C."
    requires_system_checks = []  # `prepare` runs them, on a database that is there

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, default=8000, help="port of the web pages and the API (%(default)s)")
        parser.add_argument("--capture-port", type=int, default=8788, help="port that calls go to (%(default)s)")
        parser.add_argument("--gateway-url", default="", help="the Portkey gateway behind capture")
        parser.add_argument(
            "--with-gateway", action="store_true", help=f"install the gateway from npm and start it on {gateway.PORT}"
        )
        parser.add_argument("--data-dir", default="var", help="where everything is kept (%(default)s)")
        parser.add_argument("--no-demo", action="store_true", help="load no demo logs")

    def handle(self, *args: Any, port: int, capture_port: int, no_demo: bool, **options: Any) -> None:
        """Start everything, print where to go, and supervise. Raises CommandError with one line on what to fix."""
        data_dir = Path(settings.DATA_DIR)
        with only_one(data_dir):
            for number, flag in ((port, "--port"), (capture_port, "--capture-port")):
                if complaint := ports.complaint(number, flag):
                    raise CommandError(complaint)
            try:
                installation = Installation(data_dir, port, capture_port, demo=not no_demo, say=self.say)
                installation.choose_gateway(options["gateway_url"], own=options["with_gateway"])
                installation.run()
            except (EmbeddedError, gateway.GatewayError) as error:
                raise CommandError(str(error)) from error

    def say(self, line: str) -> None:
        """Print a line at once."""
        self.stdout.write(line)
        self.stdout.flush()


class Installation:
    """One data directory, its database and its processes."""

    def __init__(self, data_dir: Path, port: int, capture_port: int, *, demo: bool, say: Any) -> None:
        self.data_dir = data_dir
        self.demo = demo
        self.say = say
        self.base_url = f"http://127.0.0.1:{port}"
        self.capture_url = f"http://127.0.0.1:{capture_port}"
        self.gateway_url = ""
        configured = os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE")
        self.server = None if configured else Server(data_dir)
        self._looked = time.monotonic()
        logs = data_dir / "log"
        logs.mkdir(mode=0o700, exist_ok=True)
        self.web = Child("web", web_command(port), logs / "web.log", say)
        self.worker = Child("worker", [*MANAGE, "maintain"], logs / "worker.log", say)
        self.capture = Child("capture", capture_command(capture_port), logs / "capture.log", say)
        self.supervisor = Supervisor([self.web, self.worker, self.capture])

    def choose_gateway(self, url: str, *, own: bool) -> None:
        """Set the gateway behind capture: the one named, our own, or none.

        One that merely answers is not used: all calls would go there, with the secrets of virtual keys. Raises
        CommandError or GatewayError.
        """
        default = f"http://127.0.0.1:{gateway.PORT}"
        self.gateway_url = url or settings.GATEWAY_URL or ""
        if self.gateway_url:
            return
        if own:
            self.start_gateway(default)
        elif gateway.answers(default):
            self.say(f"A Portkey gateway answers at {default} and is not used; to use it: --gateway-url {default}")

    def start_gateway(self, url: str) -> None:
        """Install the npm gateway and have it run. Raises CommandError where its port is taken, and GatewayError."""
        if ports.complaint(gateway.PORT, "--gateway-url"):
            holder = ports.holder(gateway.PORT) or "another process"
            raise CommandError(
                f"port {gateway.PORT} is taken by {holder}, so --with-gateway cannot start a gateway there: end it, or "
                f"use what answers there with --gateway-url {url}"
            )
        self.say("Installing the Portkey gateway")
        script = gateway.install(self.data_dir / "gateway")
        command = gateway.command(script, gateway.PORT, settings.TRUSTED_HOSTS)
        log = self.data_dir / "log" / "gateway.log"
        self.supervisor.children.append(Child("gateway", command, log, self.say, Health(url)))
        self.gateway_url = url

    def run(self) -> None:
        """Bring everything up, say where it is, and keep it running until a signal comes."""
        self.supervisor.obey_signals()
        try:
            if self.server:
                self.server.start(self.say)
                os.environ["DATABASE_URL"] = self.server.url
            os.environ["PORTKEY_LOGS_DATA_DIR"] = str(self.data_dir)
            os.environ["PORTKEY_LOGS_WEB_URL"] = self.base_url
            os.environ["PORTKEY_LOGS_CAPTURE_URL"] = self.capture_url
            os.environ["PORTKEY_GATEWAY_URL"] = self.gateway_url
            self.say("Preparing the database")
            prepared = prepare()
            self.supervisor.start()
            if self.wait_until_ready():
                if self.demo:
                    self.load_demo(Path(prepared["api_key_file"]).read_text().strip())
                self.say(summary(self.base_url, self.capture_url, self.gateway_url, prepared))
                self.supervisor.run(self.watch_database)
            self.say("Stopping")
        finally:
            self.supervisor.stop()
            if self.server:
                self.server.stop()

    def wait_until_ready(self) -> bool:
        """Wait until web and capture answer; False when a signal asked for the end. Raises CommandError."""
        deadline = time.monotonic() + READY_SECONDS
        for child, url in ((self.web, self.base_url), (self.capture, self.capture_url)):
            while problem := health_problem(url):
                if self.supervisor.stopping:
                    return False
                if child.ended:
                    raise CommandError(f"{child.name} {child.ended} while starting:\n{child.last_lines()}")
                if time.monotonic() > deadline:
                    raise CommandError(f"{child.name} is not ready after {READY_SECONDS} s: {problem}; see {child.log}")
                time.sleep(POLL_SECONDS)
        return not self.supervisor.stopping

    def load_demo(self, api_key: str) -> None:
        """Load the demo's logs into a demo workspace that never had any."""
        marker = self.data_dir / "demo_loaded"
        if marker.exists():
            return
        try:
            if not has_logs(self.base_url, api_key):
                self.say(f"Loaded {load_demo(self.base_url, api_key)} demo logs")
            marker.touch()
        except (OSError, ValueError) as error:  # URLError and HTTPError are OSErrors
            self.say(f"The demo was not loaded ({error}); the next start tries again")

    def watch_database(self) -> None:
        """Start the private server again if it has died."""
        if self.server is None or time.monotonic() - self._looked < DATABASE_LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        if not self.server.is_running:
            self.say("PostgreSQL has ended; it starts again")
            try:
                self.server.start(self.say)
            except EmbeddedError as error:
                self.say(f"{error}; trying again")


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold a data directory for one ``up``. Raises CommandError if another has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with open_log(data_dir / "up.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = (data_dir / "up.lock").read_text().strip()
            raise CommandError(f"it is running already on {data_dir} (process {other})") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n".encode())
        yield


def web_command(port: int) -> list[str]:
    """Return the command of the web process.

    Its threads are those of ``portkey_logs.front``. What granian calls backpressure are connections, idle ones
    included: 4,000 cost some 100 MB. A head may take 30 s, and a connection may idle as long; HTTP/2, which has no such
    limits, is off. A stopping worker gets 5 s for its requests.
    """
    flags = "--interface asginl --http 1 --no-ws --host 127.0.0.1 --workers 1 --backlog 4096 --backpressure 4000"
    flags += " --workers-kill-timeout 5 --log-level error"
    options = ["--port", str(port), "--working-dir", str(settings.BASE_DIR)]
    options += ["--log-config", str(settings.BASE_DIR / "portkey_logs" / "granian-log.json")]
    return [sys.executable, "-m", "granian", *flags.split(), *options, "portkey_logs.asgi:application"]


def capture_command(port: int) -> list[str]:
    """Return the command of the capture process."""
    return [*MANAGE, "capture", "--port", str(port)]


def prepare() -> dict[str, Any]:
    """Run ``manage.py prepare`` in a process whose settings know the database, and return what it printed."""
    done = subprocess.run([*MANAGE, "prepare", "--show-link"], capture_output=True, text=True)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise CommandError(f"the database could not be prepared: {lines[-1]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def health_problem(base_url: str) -> str | None:
    """Return why web is not ready; None when it is."""
    try:
        with ports.call(f"{base_url}/healthz", timeout=5):
            return None
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(500).decode(errors='replace').strip()}"
    except OSError as error:
        return str(error)


def has_logs(base_url: str, api_key: str) -> bool:
    """Whether the key's workspace has any log. Raises OSError when the API does not answer as it should."""
    headers = {"x-portkey-api-key": api_key}
    request = urllib.request.Request(f"{base_url}/v1/logs", headers=headers)  # noqa: S310 - our own address
    with ports.call(request, timeout=30) as response:
        return bool(json.load(response)["data"])


def summary(base_url: str, capture_url: str, gateway_url: str, prepared: dict[str, Any]) -> str:
    """Say where to go: the sign-in link, the key, and a first call to copy and paste."""
    public = settings.PUBLIC_URL or base_url
    key_file = prepared["api_key_file"]
    if os.path.commonpath([key_file, os.getcwd()]) == os.getcwd():
        key_file = os.path.relpath(key_file)
    if prepared["sign_in_path"]:
        entrance = f"{public}{prepared['sign_in_path']}   (works once, for 30 minutes)"
    else:
        entrance = f"{public}{reverse(settings.LOGIN_URL)}"
    onward = f"through the Portkey gateway at {gateway_url}" if gateway_url else "straight to the providers"
    return f"""
portkey-logs is ready.

  Sign in    {entrance}
  API key    {key_file}   (workspace demo)
  Base URL   {capture_url}/v1   ({onward})

  Your first log, without any provider's key:

    curl {capture_url}/v1/chat/completions -H "x-portkey-api-key: $(cat {key_file})" \\
      -H "x-portkey-provider: demo" -H "content-type: application/json" \\
      -d '{{"model": "demo", "messages": [{{"role": "user", "content": "Say hi"}}]}}'

  Ctrl-C stops everything.
"""

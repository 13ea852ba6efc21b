"""The proxy: ``manage.py capture``. Django gives it settings and models; no call passes through its request cycle."""

from __future__ import annotations

import ctypes
import resource
import sys
from argparse import ArgumentParser
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from logs.capture.app import Capture, Settings
from logs.capture.recorder import Recorder
from logs.capture.server import serve
from portkey_logs.accounts.api_key_cache import keyring
from portkey_logs.catalog.catalog_cache import registry
from portkey_logs.database import limit_statements

_M_MMAP_THRESHOLD = -3


class Command(BaseCommand):
    help = "Passes calls on to the gateway or the providers, and records them; SIGTERM ends it."
    requires_system_checks = []  # it starts with the database away

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
        parser.add_argument("--port", type=int, default=8788, help="port to listen on (%(default)s)")
        parser.add_argument("--share-port", action="store_true", help="let several such processes listen on it")

    def handle(self, *args: Any, host: str, port: int, share_port: bool, **options: Any) -> None:
        """Serve until a signal comes. Raises CommandError with one line on what to fix."""
        suit_process()
        limit_statements()
        capture = Capture(
            Settings(
                gateway_url=settings.GATEWAY_URL,
                web_url=settings.WEB_URL,
                public_url=settings.PUBLIC_URL or settings.WEB_URL,
                read_seconds=settings.UPSTREAM_SECONDS,
                trusted_hosts=frozenset(settings.TRUSTED_HOSTS),
                share_limits=settings.SHARE_LIMITS,
            ),
            keyring,
            registry,
            Recorder(settings.DATA_DIR / "spool", settings.SPOOL_BYTES),
        )
        try:
            uvloop.run(serve(capture, host, port, share_port=share_port))
        except OSError as error:
            raise CommandError(f"capture cannot start: {error}") from error


def suit_process() -> None:
    """Fit the process to many calls at a time beside a thread that commits."""
    # The event loop shares the interpreter with the threads that commit: they hand it over after 1 ms, not after 5.
    sys.setswitchinterval(0.001)
    # Each call takes two connections; many systems allow 1,024 open files until they are asked for more.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if sys.platform == "linux":
        # Bodies of some MB come and go: blocks from 1 MB on are to be given back at once.
        getattr(ctypes.CDLL(None), "mallopt", lambda *_: None)(_M_MMAP_THRESHOLD, 1 << 20)

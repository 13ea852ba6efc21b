"""Capture, for an ASGI server: ``granian --interface asgi portkey_logs.asgi:application``.

Django is set up for its settings and models alone; no call passes through its request cycle.
"""

import os
import sys

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portkey_logs.settings")
django.setup()

from logs.capture.app import Capture, Settings  # noqa: E402 - needs Django's settings
from logs.capture.recorder import Recorder  # noqa: E402
from portkey_logs.accounts.keyring import keyring  # noqa: E402

# The event loop shares the interpreter with the threads that commit: they hand it over after 1 ms, not after 5.
sys.setswitchinterval(0.001)

application = Capture(
    Settings(
        gateway_url=settings.GATEWAY_URL,
        web_url=settings.WEB_URL,
        public_url=settings.PUBLIC_URL or settings.WEB_URL,
        read_seconds=settings.UPSTREAM_SECONDS,
        trusted_hosts=frozenset(settings.TRUSTED_HOSTS),
    ),
    keyring,
    Recorder(settings.DATA_DIR / "spool", settings.SPOOL_BYTES),
)

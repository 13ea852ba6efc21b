"""Capture, for an ASGI server: ``granian --interface asgi portkey_logs.asgi:application``.

Django is set up for its settings and models alone; no call passes through its request cycle.
"""

import ctypes
import os
import signal
import sys

import django
from django.conf import settings

from portkey_logs.embedded.process import end_with_parent

end_with_parent(signal.SIGTERM)  # a worker of granian would outlive a killed main process and keep the port

if sys.platform == "linux":
    # Bodies of some MB come and go: blocks from 1 MB on are to be given back at once. M_MMAP_THRESHOLD is -3.
    getattr(ctypes.CDLL(None), "mallopt", lambda *_: None)(-3, 1 << 20)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portkey_logs.settings")
django.setup()

from logs.capture.app import Capture, Settings  # noqa: E402 - needs Django's settings
from logs.capture.recorder import Recorder  # noqa: E402
from portkey_logs.accounts.keyring import keyring  # noqa: E402
from portkey_logs.catalog.registry import registry  # noqa: E402

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
    registry,
    Recorder(settings.DATA_DIR / "spool", settings.SPOOL_BYTES),
)

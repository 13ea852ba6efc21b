"""The web process: ``granian --interface wsgi portkey_logs.wsgi:application``."""

import ctypes
import os
import signal
import sys

from django.core.wsgi import get_wsgi_application

from portkey_logs.runtime.postgres.process import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portkey_logs.settings")
end_with_parent(signal.SIGTERM)  # a worker of granian would outlive a killed main process and keep the port

if sys.platform == "linux":
    # glibc keeps freed blocks of the size of the largest one it has freed: after one look at a log of 20 MB the
    # process would stay some 80 MB larger. From 1 MB on, blocks are to be given back. M_MMAP_THRESHOLD is -3.
    getattr(ctypes.CDLL(None), "mallopt", lambda *_: None)(-3, 1 << 20)

application = get_wsgi_application()

# After Django is set up: keys are polled and spooled logs drained from the start, not from the first call.
from logs.ingest import writer  # noqa: E402
from portkey_logs.accounts import api_key_cache  # noqa: E402
from portkey_logs.database import limit_statements  # noqa: E402

limit_statements()
api_key_cache.start()
writer.start()

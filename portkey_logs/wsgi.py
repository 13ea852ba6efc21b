"""The web process: ``granian --interface wsgi portkey_logs.wsgi:application``."""

import os
import signal

from django.core.wsgi import get_wsgi_application

from portkey_logs.embedded.process import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portkey_logs.settings")
end_with_parent(signal.SIGTERM)  # a worker of granian would outlive a killed main process and keep the port

application = get_wsgi_application()

# After Django is set up: keys are polled and spooled logs drained from the start, not from the first call.
from logs.ingest import writer  # noqa: E402
from portkey_logs.accounts import keyring  # noqa: E402

keyring.start()
writer.start()

"""The web process: ``granian --interface wsgi portkey_logs.wsgi:application``."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portkey_logs.settings")

application = get_wsgi_application()

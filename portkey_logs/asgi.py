"""The web process: ``granian --interface asginl portkey_logs.asgi:application``."""

from portkey_logs.front.app import Front
from portkey_logs.wsgi import application as pages

application = Front(pages)

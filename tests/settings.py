"""The product's settings on a PostgreSQL and a data directory of the suite's own.

A settings module, because pytest-django loads it before any conftest: what it reads from the environment
must be there by then. ``DATABASE_URL`` and ``PORTKEY_LOGS_DATA_DIR`` of the caller are respected. Where pytest-xdist runs the
suite, its workers share the server that their parent has started (pytest-django gives each a database of its own).
"""

import os
import tempfile
from pathlib import Path

import psycopg

from portkey_logs.runtime.postgres import Server

if "PORTKEY_LOGS_DATA_DIR" not in os.environ:
    directory = tempfile.TemporaryDirectory(prefix="plt-")
    os.environ["PORTKEY_LOGS_DATA_DIR"] = directory.name
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    own = Path(os.environ["PORTKEY_LOGS_DATA_DIR"], worker)
    own.mkdir(exist_ok=True)
    os.environ["PORTKEY_LOGS_DATA_DIR"] = str(own)

server: Server | None = None
if "DATABASE_URL" not in os.environ:
    server = Server(Path(os.environ["PORTKEY_LOGS_DATA_DIR"]))
    server.start()
    os.environ["DATABASE_URL"] = server.url
    with psycopg.connect(server.url, autocommit=True) as connection:
        # The suite's data need not outlive a power cut.
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")

# Where Python must not leave compiled modules beside their sources, every process that a test starts would compile all
# of them anew, which takes as long as the rest of its start.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(os.environ["PORTKEY_LOGS_DATA_DIR"], "bytecode"))

# Processes that a test starts are the product's, on the same database.
os.environ["DJANGO_SETTINGS_MODULE"] = "portkey_logs.settings"

from portkey_logs.settings import *  # noqa: E402, F403

# Argon2 is slow by design; what tests check is not how slow.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

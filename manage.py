#!/usr/bin/env python
"""Django's command line, with a database at hand: the private server where DATABASE_URL is unset."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

WITHOUT_DATABASE = {"help", "version", "up"}  # `up` looks after its database itself


def main() -> None:
    """Run a management command; a command that needs the private PostgreSQL shares or starts it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portkey_logs.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from environs import EnvError
    except ImportError:
        sys.exit("Django is missing: run `make up`, or `uv sync` and then `uv run manage.py ...`")
    from portkey_logs.runtime.postgres import EmbeddedError

    arguments = sys.argv[1:]
    if arguments[:1] == ["up"]:
        take_data_dir(arguments)
    try:
        with private_database() if needs_private_database(arguments) else nullcontext():
            execute_from_command_line(sys.argv)
    except EmbeddedError as error:
        sys.exit(str(error))
    except (EnvError, ImproperlyConfigured) as error:
        sys.exit(f"The configuration does not work: {error}")
    except PermissionError as error:
        if not str(error.filename).startswith(str(data_dir())):
            raise
        sys.exit(f"no access to {error.filename}: run as its owner or choose another data directory")


def data_dir() -> Path:
    """Return where the settings, too, keep everything."""
    return Path(os.environ.get("PORTKEY_LOGS_DATA_DIR") or "var").resolve()


@contextmanager
def private_database() -> Iterator[None]:
    """Have the private server run, and name it where the settings look for a database."""
    from portkey_logs.runtime.postgres import running

    with running(data_dir(), progress=lambda line: print(line, file=sys.stderr)) as url:
        os.environ["DATABASE_URL"] = url
        yield


def take_data_dir(arguments: list[str]) -> None:
    """Put ``up --data-dir`` where the settings, which load before the command, look for it."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data-dir")
    if chosen := parser.parse_known_args(arguments)[0].data_dir:
        os.environ["PORTKEY_LOGS_DATA_DIR"] = chosen


def needs_private_database(arguments: list[str]) -> bool:
    """Whether the command uses a database and none is configured."""
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        return False
    asks_for_help = not arguments or {"-h", "--help", "--version"} & set(arguments)
    return not asks_for_help and arguments[0] not in WITHOUT_DATABASE


if __name__ == "__main__":
    main()

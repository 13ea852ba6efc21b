"""The private server: its life, its privacy and what survives a kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from portkey_logs.runtime.postgres import EmbeddedError, Server, running
from portkey_logs.runtime.postgres.server import PROJECT
from tests.logs.processes import wait_until

from .conftest import Query


def processes_of(server: Server) -> list[int]:
    """Return the server's processes: guardian, postmaster and all its children."""
    postmaster = int((server.place.cluster / "postmaster.pid").read_text().split()[0])
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in table.splitlines())}
    return [
        parents[postmaster],
        postmaster,
        *(pid for pid, parent in parents.items() if parent == postmaster),
    ]


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be reaped has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def another_user(data_dir: Path) -> subprocess.Popen[str]:
    """Start another process that uses the server until its input ends; returns once it has it."""
    code = (
        "import sys; from pathlib import Path; from portkey_logs.runtime.postgres import running\n"
        "with running(Path(sys.argv[1])) as url: print(url, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(data_dir)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql://")
    return process


def leave(process: subprocess.Popen[str]) -> None:
    """Let ``another_user`` end by itself."""
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_start_and_stop(data_dir: Path, query: Query) -> None:
    server = Server(data_dir)
    assert not server.is_running
    server.start()
    processes = processes_of(server)
    assert server.is_running
    assert query(server.url, "SELECT 1") == [(1,)]
    server.stop()
    assert not server.is_running
    assert not server.place.socket_dir.exists()
    assert all(is_gone(pid) for pid in processes)
    server.stop()  # harmless


def test_progress_is_told(data_dir: Path) -> None:
    lines: list[str] = []
    with running(data_dir, lines.append):
        pass
    assert "Starting PostgreSQL" in lines


SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "plan_cache_mode": "force_custom_plan",
    "max_connections": "100",
    "server_encoding": "UTF8",
    "password_encryption": "scram-sha-256",
}


def test_settings(server: Server, query: Query) -> None:
    assert {name: query(server.url, f"SHOW {name}")[0][0] for name in SETTINGS} == SETTINGS


def test_text_is_unicode_and_sorts_by_code_point(server: Server, query: Query) -> None:
    locale = "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = current_database()"
    assert query(server.url, locale) == [("b", "C.UTF-8")]
    assert query(server.url, "SELECT upper('é'), 'Z' < 'a'") == [("É", True)]


def test_nobody_gets_in_without_the_password(server: Server, query: Query) -> None:
    user_and_password, rest = server.url.split("@")
    user = user_and_password.rpartition(":")[0]
    for url in (f"{user}:wrong@{rest}", f"{user}@{rest}", f"postgresql://postgres@{rest}"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
    methods = query(server.url, "SELECT DISTINCT auth_method FROM pg_hba_file_rules")
    assert methods == [("scram-sha-256",)]


def test_files_are_private(server: Server) -> None:
    place = server.place
    assert stat.S_IMODE(place.password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.cluster.stat().st_mode) == 0o700
    assert stat.S_IMODE(place.socket_dir.stat().st_mode) == 0o700
    assert place.socket_dir.stat().st_uid == place.cluster.stat().st_uid


def test_the_server_does_not_run_as_root(server: Server) -> None:
    postmaster = processes_of(server)[1]
    owner = Path(f"/proc/{postmaster}").stat().st_uid
    assert owner == (server.place.user.pw_uid if server.place.user else os.getuid())
    assert owner != 0


def test_restart_keeps_data(data_dir: Path, query: Query) -> None:
    with running(data_dir) as url:
        query(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    with running(data_dir) as again:
        assert again == url
        assert query(url, "SELECT answer FROM kept") == [(42,)]


def test_kill_9_of_everything_keeps_what_was_committed(data_dir: Path, query: Query) -> None:
    server = Server(data_dir)
    server.start()
    query(server.url, "CREATE TABLE survived AS SELECT generate_series(1, 1000) AS n")
    for pid in processes_of(server):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # ended with its postmaster
    again = Server(data_dir)
    again.start()
    assert query(again.url, "SELECT count(*) FROM survived") == [(1000,)]
    again.stop()
    server.stop()
    assert not server.is_running


def test_kill_9_of_the_guardian_stops_the_server(data_dir: Path, query: Query) -> None:
    server = Server(data_dir)
    server.start()
    processes = processes_of(server)
    os.kill(processes[0], signal.SIGKILL)
    wait_until(lambda: all(is_gone(pid) for pid in processes))
    server.start()  # what a supervisor does
    assert query(server.url, "SELECT 1") == [(1,)]
    server.stop()


def test_kill_9_of_the_only_user_stops_the_server(data_dir: Path) -> None:
    user = another_user(data_dir)
    server = Server(data_dir)
    processes = processes_of(server)
    user.kill()
    user.communicate()
    wait_until(lambda: all(is_gone(pid) for pid in processes))


def test_a_running_server_is_shared_until_its_last_user_leaves(data_dir: Path, query: Query) -> None:
    with running(data_dir) as url:
        processes = processes_of(Server(data_dir))
        with running(data_dir) as inner:
            assert inner == url
        assert query(url, "SELECT 1") == [(1,)]
        other = another_user(data_dir)
    assert query(url, "SELECT 1") == [(1,)], "it must stay for the user that came later"
    leave(other)
    wait_until(lambda: all(is_gone(pid) for pid in processes), 5)


def test_two_commands_may_race(tmp_path: Path) -> None:
    """Both find nothing and both begin; there is one server, and each can use it."""
    code = "import sys; from pathlib import Path; from portkey_logs.runtime.postgres import running; import psycopg\n"
    code += "with running(Path(sys.argv[1])) as url: psycopg.connect(url).execute('SELECT 1'); print(url)"
    command = [sys.executable, "-c", code, str(tmp_path / "var")]
    both = [subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    urls = {process.communicate(timeout=120)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(urls) == 1
    assert not Server(tmp_path / "var").is_running
    Server(tmp_path / "var").delete()


def test_two_servers_side_by_side_below_a_long_path(data_dir: Path, tmp_path: Path, query: Query) -> None:
    """A socket's path has at most 107 bytes, a data directory's may have more."""
    deep = tmp_path / ("long" * 40) / "with space & percent%2F" / "var"
    with running(data_dir) as url, running(deep) as other:
        assert url != other
        query(other, "CREATE TABLE only_here AS SELECT 1")
        assert query(url, "SELECT to_regclass('only_here')::text") == [(None,)]
    Server(deep).delete()


def test_a_lost_password_is_replaced(data_dir: Path, query: Query) -> None:
    with running(data_dir) as url:
        pass
    (data_dir / "pg_password").unlink()
    with running(data_dir) as renewed:
        assert renewed != url
        assert query(renewed, "SELECT 1") == [(1,)]


def test_a_socket_directory_of_somebody_else_is_refused(data_dir: Path) -> None:
    server = Server(data_dir)
    directory = server.place.socket_dir
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    try:
        with pytest.raises(EmbeddedError, match="not a private directory"):
            server.start()
        assert not server.is_running
    finally:
        directory.rmdir()


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    with running(data_dir):
        pass
    auto = Server(data_dir).place.cluster / "postgresql.auto.conf"
    before = auto.read_text()
    auto.write_text(before + "shared_buffers = 'plenty'\n")
    try:
        with pytest.raises(EmbeddedError, match="shared_buffers"):
            Server(data_dir).start()
    finally:
        auto.write_text(before)

"""A database and data directory of version 0.1.0 open with today's code, and nothing is missing."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from django.db import connection

from tests.logs.processes import PROJECT, database_url, free_port, wait_until

FIXTURE = Path(__file__).parents[1] / "fixtures" / "upgrade"
DATABASE = f"upgrade_{os.getpid()}"
KEY = {"x-portkey-api-key": (FIXTURE / "api_key").read_text().strip()}

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@dataclass
class Installation:
    """The upgraded installation while it runs."""

    url: str
    environment: dict[str, str]

    def get(self, path: str) -> dict[str, object]:
        """The JSON of an API route."""
        answer = httpx.get(self.url + path, headers=KEY, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def manage(self, *command: str) -> str:
        """Output of a management command."""
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=PROJECT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout

    def sign_in(self, email: str, password: str) -> httpx.Client:
        """A client that is signed in through the form."""
        client = httpx.Client(base_url=self.url, follow_redirects=True, timeout=20)
        page = client.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        form = {"csrfmiddlewaretoken": token[1], "login": email, "password": password}
        assert client.post("/accounts/login/", data=form, headers={"referer": self.url}).status_code == 200
        return client


@pytest.fixture
def installation(db: None, tmp_path: Path) -> Iterator[Installation]:
    data_dir = tmp_path / "var"
    shutil.copytree(FIXTURE / "data", data_dir)
    url = database_url().rpartition("/")[0] + f"/{DATABASE}"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    with psycopg.connect(url, autocommit=True) as database:
        dump = gzip.decompress((FIXTURE / "database.sql.gz").read_bytes())
        database.execute(re.sub(rb"(?m)^\\(un)?restrict .*$", b"", dump))  # commands of psql
        # Files of exports are removed after a week, and those logs grow older than any usual retention.
        database.execute("UPDATE public.exports_export SET expires_at = now() + interval '1 day'")
    environment = os.environ | {
        "DATABASE_URL": url,
        "PORTKEY_LOGS_DATA_DIR": str(data_dir),
        "PORTKEY_LOGS_RETENTION_DAYS": "3650",
    }
    port, capture_port = free_port(), free_port()
    up = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port), "--capture-port", str(capture_port)],
        cwd=PROJECT,
        env=environment,
        stdout=(tmp_path / "output").open("w"),
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until(lambda: up.poll() is not None or "Ctrl-C stops" in (tmp_path / "output").read_text(), 120)
        assert up.poll() is None, (tmp_path / "output").read_text()
        yield Installation(f"http://127.0.0.1:{port}", environment)
    finally:
        up.terminate()
        up.wait(30)
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)')


def test_everything_is_there_after_the_upgrade(installation: Installation) -> None:
    # The sixth log waited in the spool while the database was away.
    wait_until(lambda: len(installation.get("/v1/logs")["data"]) == 6)
    logs = {log["id"]: log for log in installation.get("/v1/logs")["data"]}
    assert sorted(log["status_code"] for log in logs.values()) == [200, 200, 200, 200, 200, 400]
    traced = [log for log in logs.values() if log["trace_id"] == "upgrade-trace"]
    assert [log["user"] for log in traced] == ["ada", "ada"]
    assert [log["metadata"]["env"] for log in traced] == ["prod", "prod"]
    assert [log["feedback"]["count"] for log in traced] == [1, 1], "feedback belongs to a trace"
    bodies = [str(installation.get(f"/v1/logs/{log_id}")["request"]) for log_id in logs]
    for words in ("Say hi, upgrade", "Stream hi", "Say hello", "Say hi through a config", "Waits in the spool"):
        assert any(words in body for body in bodies), words

    config = installation.get("/v1/configs/upgrade-config")["data"]
    assert config["config"]["retry"] == {"attempts": 3}
    assert len(installation.get("/v1/configs/upgrade-config/versions")["data"]) == 2
    assert installation.get("/v1/prompts/upgrade-prompt")["slug"] == "upgrade-prompt"
    assert "are encrypted under the newest key" in installation.manage("rotate_encryption"), "every secret is readable"

    for email, password in (("member@example.org", "upgrade-test-member"), ("admin@example.org", "upgrade-test-admin")):
        client = installation.sign_in(email, password)
        page = client.get("/w/default/logs/").text
        assert all(f'data-log-id="{log_id}"' in page for log_id in logs)
        for log_id in logs:
            assert client.get(f"/w/default/logs/{log_id}/").status_code == 200
        for path in (
            "configs/upgrade-config/",
            "virtual-keys/upgrade-openai/",
            "prompts/upgrade-prompt/",
            "analytics/",
        ):
            assert client.get(f"/w/default/{path}").status_code == 200, path
        exports = client.get("/w/default/exports/").text
        download = re.search(r'href="([^"]+/download/?[^"]*)"', exports)
        assert download, exports
        file = next((FIXTURE / "data" / "exports").iterdir())
        assert client.get(download[1]).content == file.read_bytes()

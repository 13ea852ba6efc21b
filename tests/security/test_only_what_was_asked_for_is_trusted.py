"""A gateway that merely answers gets no calls: it is used when an option or the environment names it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.test import override_settings

from portkey_logs.runtime import gateway
from portkey_logs.runtime.management.commands.up import Installation
from tests.logs.processes import free_port


class Up:
    """What ``up`` decides about the gateway, and what it says."""

    def __init__(self, data_dir: Path) -> None:
        self.said: list[str] = []
        self.installation = Installation(data_dir, 1, 2, demo=False, say=self.said.append)

    def choose(self, url: str = "", *, own: bool = False) -> str:
        self.installation.choose_gateway(url, own=own)
        return self.installation.gateway_url


@pytest.fixture
def up(tmp_path: Path) -> Up:
    return Up(tmp_path)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(gateway, "PORT", free_port())
    return gateway.PORT


@pytest.fixture
def stranger(port: int) -> Iterator[str]:
    """Something on the gateway's port that says it is one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"AI Gateway says hey!")

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    server.server_close()


def test_a_gateway_that_happens_to_answer_is_only_mentioned(up: Up, stranger: str) -> None:
    assert up.choose() == ""
    (line,) = up.said
    assert f"--gateway-url {stranger}" in line


def test_one_that_is_named_is_used(up: Up, stranger: str) -> None:
    assert up.choose(stranger) == stranger
    assert up.said == []


@override_settings(GATEWAY_URL="http://gateway.example")
def test_one_that_the_environment_names_is_used(up: Up, stranger: str) -> None:
    assert up.choose() == "http://gateway.example"


def test_our_own_does_not_start_where_something_answers(up: Up, stranger: str, port: int) -> None:
    with pytest.raises(CommandError) as caught:
        up.choose(own=True)
    line = str(caught.value)
    assert "\n" not in line
    assert f"port {port}" in line
    assert f"--gateway-url {stranger}" in line
    assert up.installation.gateway_url == ""


def test_nothing_is_said_where_nothing_answers(up: Up, port: int) -> None:
    assert (up.choose(), up.said) == ("", [])

"""H5: through the gateway, callers reach nothing of the private network."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from logs.capture.replies import Refused
from logs.capture.routes import check_path
from portkey_logs.lib.outbound import PRELOAD, is_public
from tests.e2e import gateway as servers
from tests.e2e.gateway import Process
from tests.logs.capture.harness import run, stand
from tests.logs.capture.test_pass_through import chat
from tests.logs.processes import PROJECT

CHAT = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Say hi"}]})
ANSWER = json.dumps({"id": "c", "object": "chat.completion", "choices": []}).encode()


class Listener:
    """A server on the loopback that counts what comes; it redirects to ``redirect_to`` where that is set."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.redirect_to = ""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.calls.append(self.path)
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(307 if listener.redirect_to else 200)
                if listener.redirect_to:
                    self.send_header("location", listener.redirect_to)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(ANSWER)))
                self.end_headers()
                self.wfile.write(ANSWER)

            do_POST = do_GET

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def inside() -> Iterator[Listener]:
    """What nobody may reach."""
    listener = Listener()
    yield listener
    listener.server.shutdown()


@pytest.fixture(scope="module")
def provider() -> Iterator[Listener]:
    """The one host that the operator trusts."""
    listener = Listener()
    yield listener
    listener.server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, provider: Listener) -> Iterator[Process]:
    """The npm gateway as ``up`` starts it; capture's own checks do not stand before it here."""
    folder = tmp_path_factory.mktemp("gateway")
    with servers.npm_gateway(folder, [f"127.0.0.1:{provider.port}"]).running() as process:
        yield process


def call(
    gateway: Process, method: str = "POST", path: str = "/v1/chat/completions", **headers: str
) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    named = {f"x-portkey-{name.replace('_', '-')}": value for name, value in headers.items()}
    connection.request(method, path, CHAT if method == "POST" else None, {"content-type": "application/json", **named})
    response = connection.getresponse()
    return response.status, response.read()


@pytest.mark.processes
def test_what_the_operator_trusts_is_reached(gateway: Process, provider: Listener) -> None:
    status, body = call(gateway, provider="openai", custom_host=f"http://127.0.0.1:{provider.port}/v1")
    assert (status, json.loads(body)["object"]) == (200, "chat.completion")


@pytest.mark.processes
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_redirect_inside_is_not_followed(gateway: Process, provider: Listener, inside: Listener, host: str) -> None:
    provider.redirect_to = f"http://{host}:{inside.port}/latest/meta-data/"
    try:
        status, _ = call(gateway, provider="openai", custom_host=f"http://127.0.0.1:{provider.port}/v1")
    finally:
        provider.redirect_to = ""
    assert status == 307, "the redirect is the caller's"
    assert inside.calls == []


@pytest.mark.processes
@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "x.localhost", "{name}"]
)
def test_no_spelling_of_this_machine_is_reached(gateway: Process, inside: Listener, host: str) -> None:
    """Nor the name that it has in its own network, which resolves to a private address when the connection is made."""
    named = host.format(name=socket.gethostname())
    status, _ = call(gateway, provider="openai", custom_host=f"http://{named}:{inside.port}/v1")
    assert status >= 400
    assert inside.calls == []


@pytest.mark.processes
@pytest.mark.parametrize("path", ["/v1/files/{host}%2Fx", "/v1/files/{host}%3Fx", "/v1/files/{host}%23/content"])
def test_a_file_id_makes_no_host(gateway: Process, inside: Listener, path: str) -> None:
    at = {"host": f"127.0.0.1:{inside.port}"}
    config = {"provider": "bedrock", "aws_access_key_id": "a", "aws_secret_access_key": "s", "aws_region": "eu-west-1"}
    status, _ = call(gateway, "GET", path.format(**at), config=json.dumps(config))
    assert status >= 400
    assert inside.calls == []


@pytest.mark.processes
@pytest.mark.parametrize("path", ["/v1/{host}/.openai.azure.com/x", "/v1/proxy/{host}/.openai.azure.com/x"])
def test_a_path_makes_no_host(gateway: Process, inside: Listener, path: str) -> None:
    headers = {"provider": "azure-openai", "azure_resource_name": "r", "azure_deployment_id": "d"}
    call(gateway, path=path.format(host=f"127.0.0.1:{inside.port}"), **headers)
    assert inside.calls == []


@pytest.mark.processes
def test_it_listens_on_the_loopback_alone(gateway: Process) -> None:
    """It asks for all addresses, and has no password."""
    addresses = set()
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, port = row.split()[1].split(":")
            if int(port, 16) == gateway.port and row.split()[3] == "0A":
                addresses.add(address)
    assert addresses == {"0100007F"}


@pytest.mark.processes
def test_the_preload_judges_as_capture_does(tmp_path: Path) -> None:
    """Public addresses are reached by Node as well: the list is one, its reading is two."""
    addresses = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "168.63.129.16", "192.0.0.192"]
    addresses += [
        "192.88.99.1",
        "fd00:ec2::254",
        "64:ff9b::a9fe:a9fe",
        "::ffff:10.0.0.1",
        "2002:808:808::",
        "::",
        "::1",
    ]
    program = (
        "import net from 'node:net';"
        "net.Socket.prototype.connect = function () { this.reached = true; return this; };"
        f"await import({json.dumps(PRELOAD.as_uri())});"
        f"const reached = {json.dumps(addresses)}.map((host) => {{"
        "const socket = new net.Socket(); socket.on('error', () => {}); socket.connect({ host, port: 80 });"
        "return socket.reached === true; });"
        "console.log(JSON.stringify(reached));"
    )
    file = tmp_path / "judge.mjs"
    file.write_text(program)
    done = subprocess.run(["node", str(file)], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [is_public(address) for address in addresses]
    assert [is_public(address) for address in addresses] == [True] * 4 + [False] * 9


@pytest.mark.parametrize(
    "target",
    [
        "/v1/files",
        "/v1/files?purpose=batch&after=file-1",
        "/v1/files/file-AbC123",
        "/v1/files/file-AbC123/content",
        "/v1/files/file_011CNha8iCJcU1wXNR6q4V8w?beta=true",
        "/v1/files/s3%3A%2F%2Fmy-bucket%2Fbatch%2Finput.jsonl",
        "/v1/files/s3%3A%2F%2Fmy-bucket%2Fbatch%2Finput.jsonl/content",
        "/v1/files/gs%3A%2F%2Fmy_bucket%2Finput.jsonl",
        "/v1/batches/batch_abc123",
        "/v1/batches/batch_abc123/cancel",
        "/v1/batches/batch_abc123/output?x=1",
        "/v1/my-resource.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-06-01",
        "/v1/proxy/my-resource.openai.azure.com/openai/deployments",
        "/v1/proxy/chat/completions",
        "/v1/chat/completions?x=/v1/files/evil",
    ],
)
def test_paths_that_real_traffic_has_go_on(target: str) -> None:
    check_path(target)


@pytest.mark.parametrize(
    "target",
    [
        "/v1/files/127.0.0.1:80%2Fx",
        "/v1/files/evil.example%2Fx",
        "/v1/files/evil.example%3F",
        "/v1/files/evil.example%23/content",
        "/v1/files/evil.example%5Cx",
        "/v1/files/a@evil.example",
        "/v1/files/a%40evil.example",
        "/v1/files/evil.example?x",
        "/v1/files/postgres?beta=true",
        "/v1/files/file-server?beta=true",
        "/v1/files/s3%3A%2F%2Fevil.example%3F%2Fx",
        "/v1/files/s3%3A%2F%2Fa@evil.example%2Fx",
        "/v1/files/s3%3A%2F%2F127.0.0.1:80%2Fx",
        "/v1/files/s3%3A%2F%2F%2Fx",
        "/v1/files/x%0A",
        "/v1/files/%E9%9B%B6",
        "/v1/%66iles/x?/v1/files/evil.example%2F",
        "/v1/files%2Fevil.example",
        "/v1/files/a/b/c",
        "/v1/batches/..%2f..",
        "/v1/batches/a%2Fb",
        "/v1/batches/a@b",
        "/v1/evil.example/.openai.azure.com/x",
        "/v1/proxy/evil.example/.openai.azure.com",
        "/v1/proxy/evil%2eexample/a.openai.azure.com",
        "/v1/a.openai.azure.com@evil.example/x",
        "/v1/a.openai.azure.com.evil.example/x",
        "/v1/a.openai.azure.com/v1/proxy/x",
        "/v1/proxy@evil.example/x",
        "/v1/proxy.evil.example/x",
    ],
)
def test_paths_that_could_make_a_host_are_refused(target: str) -> None:
    with pytest.raises(Refused) as caught:
        check_path(target)
    assert caught.value.status == 400


def test_capture_asks_before_a_call_goes_to_the_gateway() -> None:
    async def scenario() -> None:
        async with stand(chat) as it:
            client = await it.call("/v1/files/127.0.0.1:80%2Fx", x_portkey_provider="bedrock")
            assert (client.status, json.loads(client.body)["error"]["code"]) == (400, "invalid_id")
            assert (await it.call("/v1/files/file-AbC123", x_portkey_provider="openai")).status == 200

    run(scenario())


COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]


def networks(service: str) -> set[str]:
    return set(COMPOSE[service].get("networks", ["default"]))


def test_the_containers_gateway_meets_capture_alone_and_has_the_preload() -> None:
    assert {name for name in COMPOSE if networks(name) & networks("gateway")} == {"gateway", "capture"}
    (mount,) = COMPOSE["gateway"]["volumes"]
    source, target, mode = mount.split(":")
    assert ((PROJECT / source).resolve(), mode) == (PRELOAD.parent, "ro")
    assert f"--import={target}/{PRELOAD.name}" in COMPOSE["gateway"]["command"]


@pytest.mark.parametrize("service", COMPOSE)
def test_each_container_is_confined(service: str) -> None:
    given = COMPOSE[service]
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert given["read_only"]
    assert given["mem_limit"]
    assert given["pids_limit"]

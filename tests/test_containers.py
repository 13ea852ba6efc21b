"""docker-compose.yml and the Dockerfile, as far as they can be judged without an engine: what they name exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from granian.cli import cli as granian

from portkey_logs.runtime.management.commands.up import web_command

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
OURS = [name for name, service in SERVICES.items() if service["image"] == "portkey-logs"]
GATEWAY = json.loads((ROOT / "portkey_logs/runtime/gateway/package.json").read_text())["dependencies"][
    "@portkey-ai/gateway"
]


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)


def command(service: str) -> list[str]:
    (default,) = instructions("CMD")
    words: list[str] = SERVICES[service].get("command") or json.loads(default)
    return words


@pytest.mark.parametrize("service", OURS)
def test_each_command_is_one_that_its_program_takes(service: str) -> None:
    program, *arguments = command(service)
    if program == "granian":
        options = granian.make_context(program, arguments).params
        module, _, name = options["app"].partition(":")
        source = (ROOT / (module.replace(".", "/") + ".py")).read_text()  # importing it would start it
        assert re.search(rf"^{name} = ", source, re.MULTILINE)
    else:
        assert [program, arguments[0]] == ["python", "manage.py"]
        django = load_command_class(get_commands()[arguments[1]], arguments[1])
        options = vars(django.create_parser(*arguments[:2]).parse_args(arguments[2:]))
    if "ports" in SERVICES[service]:
        assert str(options["host"]) == "0.0.0.0", "other containers have to reach it"
        assert [f"127.0.0.1:{options['port']}:{options['port']}"] == SERVICES[service]["ports"]
        assert f":{options['port']}/healthz" in SERVICES[service]["healthcheck"]["test"][-1]
        assert str(options["port"]) in instructions("EXPOSE")[0].split()


def test_web_is_started_as_up_starts_it() -> None:
    def limits(words: list[str]) -> dict[str, Any]:
        options = granian.make_context("granian", words).params
        return {name: value for name, value in options.items() if name not in DIFFERENT}

    DIFFERENT = {"host", "working_dir", "log_config", "log_level"}
    _, _, _, *words = web_command(8000)
    assert limits(command("web")[1:]) == limits(words)


def test_every_name_in_the_environment_is_a_setting() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
    given = {name for service in OURS for name in SERVICES[service]["environment"]}
    given |= {name for line in instructions("ENV") for name in re.findall(r"(PORTKEY_\w+)=", line)}
    assert given - documented == set()


def test_services_find_each_other() -> None:
    for name, service in SERVICES.items():
        for other, needed in service.get("depends_on", {}).items():
            assert needed["condition"] != "service_healthy" or "healthcheck" in SERVICES[other], name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"], name
    for service in OURS:
        for value in SERVICES[service]["environment"].values():
            for host, port in re.findall(r"(?://|@)(?!localhost)([a-z]+):(\d+)", value):
                assert host in SERVICES
                if host in OURS:
                    assert port in command(host)


def test_database_and_data_are_where_the_services_look() -> None:
    user, database = re.findall(r"//(\w+):.*/(\w+)$", SERVICES["web"]["environment"]["DATABASE_URL"])[0]
    assert SERVICES["postgres"]["environment"]["POSTGRES_USER"] == user
    assert SERVICES["postgres"]["environment"]["POSTGRES_DB"] == database
    (data,) = instructions("VOLUME")
    assert any(f"PORTKEY_LOGS_DATA_DIR={data}" in line for line in instructions("ENV"))
    for service in OURS:
        place, *inside = (volume.partition(":")[2] for volume in SERVICES[service]["volumes"])
        assert place == data
        assert all(path.startswith(f"{data}/") for path in inside)


def test_the_gateway_is_the_tested_one_and_no_port_leaves_the_network() -> None:
    assert SERVICES["gateway"]["image"] == f"portkeyai/gateway:{GATEWAY}"
    assert "ports" not in SERVICES["gateway"]
    assert SERVICES["gateway"]["environment"]["NODE_ENV"] == "production"


def test_the_proxy_stands_in_front_only_where_it_is_wanted() -> None:
    proxy, sites = SERVICES["proxy"], (ROOT / "deploy/Caddyfile").read_text()
    assert proxy["profiles"] == ["proxy"]
    assert set(re.findall(r"\{\$(\w+)\}", sites)) == set(proxy["environment"])
    for host, port in re.findall(r"reverse_proxy (\w+):(\d+)", sites):
        assert port in command(host)


def test_the_image_is_built_from_what_is_there() -> None:
    for line in instructions("COPY"):
        *sources, _ = line.split()
        assert all((ROOT / source).exists() for source in sources)

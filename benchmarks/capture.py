"""What capture adds to a call: in front of a stub provider, and of the real gateway where npm can install it.

    DATABASE_URL=postgresql://… python -m benchmarks.capture [--rounds 300] [--seconds 4] [--memory-calls 100000]

Makes a database of its own on that server and drops it again. c=1: calls with and without capture alternate,
the median of the differences of neighbours counts. c=16, 64: bursts, with the CPU time of capture per call
(client, stub and PostgreSQL run on the same cores, so that requests/s say little). Then the resident memory
after many calls and with 500 open streams.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import timeit
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from benchmarks import databases

DATABASE = "benchmark_capture"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hi. " + "x" * 1000}]}
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=300, help="pairs of calls at c=1")
    parser.add_argument("--seconds", type=float, default=4, help="length of a burst")
    parser.add_argument("--memory-calls", type=int, default=20_000, help="calls before the memory is looked at")
    parser.add_argument("--streams", type=int, default=500, help="streams open at a time")
    parser.add_argument("--no-gateway", action="store_true", help="the stub alone")
    options = parser.parse_args()
    os.environ["PORTKEY_LOGS_TRUSTED_HOSTS"] = "127.0.0.1"
    with databases.fresh(DATABASE) as folder:
        subprocess.run([sys.executable, "manage.py", "prepare"], check=True, stdout=subprocess.DEVNULL)
        measure(options, folder)


def measure(options: argparse.Namespace, folder: Path) -> None:
    from portkey_logs.runtime import gateway
    from tests.e2e import gateway as servers

    key = (folder / "api_key").read_text().strip()
    with ExitStack() as stack:
        stub = stack.enter_context(servers.stub_provider(folder).running())
        behind = [("stub", stub.url, {})]
        try:
            if options.no_gateway:
                raise gateway.GatewayError("--no-gateway")
            port = servers.free_port()
            command = gateway.command(gateway.install(servers.CACHE), port, ["127.0.0.1"])
            npm = servers.Process(command, port, folder / "gateway.log", dict(os.environ))
            stack.enter_context(npm.running())
            host = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{stub.url}/v1"}
            behind.append(("gateway", npm.url, host))
        except gateway.GatewayError as error:
            print(f"without the gateway: {error}")
        print(f"{interpreter()}\n")
        print("| upstream | mode | c | direct | through capture | added |")
        print("|---|---|---|---|---|---|")
        for name, url, headers in behind:
            with servers.capture(folder, {"PORTKEY_GATEWAY_URL": url}).running() as capture:
                headers = headers | {"x-portkey-api-key": key}
                for mode in ("plain", "stream"):
                    asyncio.run(paired(name, mode, url, capture.url, headers, options.rounds))
                    for clients in (16, 64):
                        asyncio.run(burst(name, mode, url, capture, headers, clients, options.seconds))
        with servers.capture(folder, {"PORTKEY_GATEWAY_URL": stub.url}).running() as capture:
            asyncio.run(memory(capture, stub.url, {"x-portkey-api-key": key}, options))


async def call(session: aiohttp.ClientSession, url: str, headers: dict[str, str], mode: str) -> tuple[float, float]:
    """Seconds to the end and to the first byte of the body."""
    body = BODY | {"stream": True} if mode == "stream" else BODY
    began = time.perf_counter()
    async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as response:
        assert response.status == 200, await response.text()
        await response.content.readany()
        first = time.perf_counter() - began
        await response.read()
        return time.perf_counter() - began, first


async def paired(name: str, mode: str, direct: str, through: str, headers: dict[str, str], rounds: int) -> None:
    """c=1: every round one call each way, in changing order."""
    times: dict[str, list[float]] = {direct: [], through: []}
    firsts: dict[str, list[float]] = {direct: [], through: []}
    async with aiohttp.ClientSession() as session:
        for number in range(rounds + 20):
            for url in (direct, through) if number % 2 else (through, direct):
                end, first = await call(session, url, headers, mode)
                if number >= 20:
                    times[url].append(end * 1000)
                    firsts[url].append(first * 1000)
    added = statistics.median(b - a for a, b in zip(times[direct], times[through], strict=True))
    first = statistics.median(b - a for a, b in zip(firsts[direct], firsts[through], strict=True))
    a, b = statistics.median(times[direct]), statistics.median(times[through])
    print(f"| {name} | {mode} | 1 | {a:.2f} ms | {b:.2f} ms | {added:.2f} ms, first byte {first:.2f} ms |", flush=True)


async def burst(
    name: str, mode: str, direct: str, capture: object, headers: dict[str, str], clients: int, seconds: float
) -> None:
    """c clients without a pause."""
    rates = []
    cpu = 0.0
    for url in (direct, capture.url):  # type: ignore[attr-defined]
        before = cpu_seconds(capture.pid)  # type: ignore[attr-defined]
        calls = await hammer(url, headers, mode, clients, seconds)
        rates.append(calls / seconds)
        cpu = (cpu_seconds(capture.pid) - before) / calls * 1e6  # type: ignore[attr-defined]
    print(
        f"| {name} | {mode} | {clients} | {rates[0]:.0f}/s | {rates[1]:.0f}/s | {cpu:.0f} µs CPU per call |", flush=True
    )


async def hammer(url: str, headers: dict[str, str], mode: str, clients: int, seconds: float, most: int = 10**9) -> int:
    """Calls made until the time is over or there were ``most`` of them."""
    count = 0
    end = time.perf_counter() + seconds

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal count
        while time.perf_counter() < end and count < most:
            count += 1
            await call(session, url, headers, mode)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return count


async def memory(capture: object, stub: str, headers: dict[str, str], options: argparse.Namespace) -> None:
    url, pid = capture.url, capture.pid  # type: ignore[attr-defined]
    print(f"\nresident at the start {resident(pid)} MiB")
    await hammer(url, headers, "plain", 32, 3600, options.memory_calls)
    print(f"after {options.memory_calls:,} calls {resident(pid)} MiB")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        slow = f"{url}/v1/chat/completions"
        answers = []
        for _ in range(options.streams):
            extra = {"x-stub": "gap-3000"}
            answers.append(await session.post(slow, json=BODY | {"stream": True}, headers=headers | extra))
        print(f"with {options.streams} open streams {resident(pid)} MiB")
        for answer in answers:
            answer.close()
    print(json.dumps({line.split()[0]: line.split()[1] for line in await numbers(url) if "added" not in line}))


async def numbers(url: str) -> list[str]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        return [line for line in (await response.text()).splitlines() if not line.startswith("#")]


def interpreter() -> str:
    """Which Python runs capture, and how fast it is: whether it was built with optimisations not every build tells."""
    least = min(timeit.repeat("for i in range(1_000_000): total += i", "total = 0", number=1, repeat=7))
    return f"CPython {platform.python_version()}, a million additions in {least * 1000:.0f} ms"


def tree(pid: int) -> list[int]:
    """The process and its children."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [pid, *(child for number in path.read_text().split() for child in tree(int(number)))]


def cpu_seconds(pid: int) -> float:
    total = 0
    for each in tree(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident(pid: int) -> int:
    pages = sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


if __name__ == "__main__":
    main()

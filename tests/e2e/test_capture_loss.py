"""Real processes, really killed: what the client saw finished is stored, once."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from django.db import connection

from logs.models import Log
from tests.e2e import gateway as servers
from tests.e2e.gateway import Process
from tests.factories import make_key, make_people
from tests.logs.capture.harness import CHAT
from tests.logs.processes import database_away, database_url, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

STREAM = CHAT[:-1] + b',"stream":true}'


@dataclass
class Load:
    """Clients that call as fast as they are answered, every second call a stream, and write down what they saw."""

    url: str
    key: str
    called: int = 0
    finished: list[str] = field(default_factory=list)  # log ids of calls that were answered to the end
    took: list[float] = field(default_factory=list)
    stop: bool = False

    async def run(self, calls: int, clients: int = 4) -> None:
        """Make so many calls, or as many as fit before ``stop``."""
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(self._client(session, calls) for _ in range(clients)))

    async def _client(self, session: aiohttp.ClientSession, calls: int) -> None:
        headers = {"x-portkey-api-key": self.key, "content-type": "application/json"}
        while self.called < calls and not self.stop:
            self.called += 1
            stream = self.called % 2 == 0
            began = time.perf_counter()
            try:
                async with session.post(self.url, data=STREAM if stream else CHAT, headers=headers) as response:
                    body = await response.read()
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.01)  # nobody listens: do not spin
                continue
            if response.status == 200 and (body.endswith(b"[DONE]\n\n") or not stream):
                self.finished.append(response.headers["x-portkey-log-id"])
                self.took.append(time.perf_counter() - began)


@dataclass
class Bench:
    """A stub as gateway, and capture in front of it."""

    capture: Process
    key: str

    def load(self) -> Load:
        return Load(f"{self.capture.url}/v1/chat/completions", self.key)


@pytest.fixture
def bench(transactional_db: None, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    key = make_key(make_people().workspace)[1]
    with servers.stub_provider(tmp_path).running() as stub:
        env = {"DATABASE_URL": database_url(), "PORTKEY_GATEWAY_URL": stub.url}
        with servers.capture(tmp_path, env, *getattr(request, "param", ())).running() as capture:
            yield Bench(capture, key)


def in_a_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run it beside this thread, in which Django's database connection lives. Each start of capture may take long."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, asyncio.wait_for(work, 240)).result()


def stored() -> Counter[str]:
    connection.close_if_unusable_or_obsolete()
    return Counter(str(id) for id in Log.objects.values_list("id", flat=True))


def listeners(port: int) -> int:
    """How many sockets listen on it."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(local.endswith(f":{port:04X}") and state == "0A" for _, local, _, state, *_ in sockets)


def report(load: Load) -> None:
    """Every call that was seen to its end is there; none is there twice."""
    wait_until(lambda: set(load.finished) <= stored().keys())
    counts = stored()
    duplicates = sum(counts.values()) - len(counts)
    print(f"called {load.called}, answered {len(load.finished)}, stored {len(counts)}, duplicates {duplicates}")
    assert len(set(load.finished)) == len(load.finished)
    assert duplicates == 0


def test_kill_9_loses_only_what_is_under_way(bench: Bench) -> None:
    async def scenario(load: Load) -> None:
        running = asyncio.ensure_future(load.run(10_000))
        for finished in (150, 400, 700):
            while len(load.finished) < finished:
                await asyncio.sleep(0.005)
            bench.capture.kill()
            await asyncio.to_thread(bench.capture.start)
        while len(load.finished) < 900:
            await asyncio.sleep(0.005)
        load.stop = True
        await running

    load = bench.load()
    in_a_loop(scenario(load))
    report(load)
    assert len(load.finished) >= 900


@pytest.mark.parametrize("bench", [("--share-port",)], indirect=True)
def test_of_two_on_one_port_one_may_go(bench: Bench) -> None:
    """Its connections break; whoever calls again gets the other. Nothing of either is lost."""
    other = copy(bench.capture)
    other.log = other.log.with_name("other.log")

    async def scenario(load: Load) -> None:
        running = asyncio.ensure_future(load.run(10_000, clients=8))
        await asyncio.to_thread(other.start)
        while listeners(other.port) < 2:
            await asyncio.sleep(0.005)
        seen = len(load.finished)
        while len(load.finished) < seen + 200:
            await asyncio.sleep(0.005)
        bench.capture.kill()
        seen = len(load.finished)
        while len(load.finished) < seen + 200:
            await asyncio.sleep(0.005)
        load.stop = True
        await running

    load = bench.load()
    try:
        in_a_loop(scenario(load))
        bench.capture.start()  # it commits what is left in its spool
        report(load)
    finally:
        other.kill()


def test_a_thousand_calls_while_the_database_is_away(bench: Bench) -> None:
    """With a restart of capture in the middle, which starts from its snapshot of the keys."""

    before, away = bench.load(), bench.load()
    in_a_loop(before.run(300, clients=1))
    with database_away():
        in_a_loop(away.run(500, clients=1))
        bench.capture.kill()
        bench.capture.start()
        in_a_loop(away.run(1000, clients=1))
    assert (away.called, len(away.finished)) == (1000, 1000)
    report(away)
    assert sum(stored().values()) == 1300
    with_it, without = statistics.median(before.took), statistics.median(away.took)
    print(f"median with the database {with_it * 1000:.2f} ms, without {without * 1000:.2f} ms")
    assert without < 2 * with_it + 0.002


def test_who_is_being_answered_when_it_stops_is_answered_to_the_end(bench: Bench) -> None:
    async def scenario() -> None:
        headers = {"x-portkey-api-key": bench.key, "content-type": "application/json", "x-stub": "gap-50"}
        url = f"{bench.capture.url}/v1/chat/completions"
        async with aiohttp.ClientSession() as session, session.post(url, data=STREAM, headers=headers) as response:
            body = await response.content.readany()
            stopping = asyncio.ensure_future(asyncio.to_thread(bench.capture.stop))
            body += await response.read()
            assert body.endswith(b"data: [DONE]\n\n")
            await stopping

    in_a_loop(scenario())
    assert [log.completeness for log in Log.objects.all()] == ["complete"]


def test_a_client_that_leaves_at_once_is_found_to_have_left(bench: Bench) -> None:
    async def leave() -> None:
        headers = {"x-portkey-api-key": bench.key, "content-type": "application/json", "x-stub": "delay-2000"}
        async with aiohttp.ClientSession() as session:
            call = session.post(f"{bench.capture.url}/v1/chat/completions", data=CHAT, headers=headers)
            calling = asyncio.ensure_future(call)
            while "in_flight 1" not in servers.get(f"{bench.capture.url}/metrics").decode():
                await asyncio.sleep(0.005)
            calling.cancel()

    in_a_loop(leave())
    wait_until(Log.objects.exists)
    assert Log.objects.get().completeness == "client_left"

"""One of several processes that store logs of the same few keys: ``python -m tests.logs.ingest.hot_writer WORKSPACE ROWS``.

Prints how many of each outcome there were. The shared ids on its standard input are sent by all processes.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portkey_logs.settings")


def main() -> None:
    django.setup()
    from logs.ingest.writer import Writer
    from logs.llm.gateway_status import GatewayStatus
    from tests.factories import make_record

    workspace_id, rows = int(sys.argv[1]), int(sys.argv[2])
    chosen = random.Random(os.getpid())
    records = [
        make_record(
            workspace_id,
            id=id,
            idempotent=id is not None,
            model=chosen.choice(["gpt-4o", "o1"]),
            user=chosen.choice(["u1", "u2"]),
            latency_ms=chosen.choice([10, 20]),
            is_success=chosen.random() < 0.9,
            gateway=GatewayStatus(cache_status=chosen.choice(["hit", "miss"])),
        )
        for id in [*map(UUID, sys.stdin.read().split()), *[None] * rows]
    ]
    chosen.shuffle(records)
    writer = Writer(Path(os.environ["PORTKEY_LOGS_DATA_DIR"]) / "spool")
    with ThreadPoolExecutor(4) as threads:
        batches = threads.map(writer.submit, [records[n : n + 10] for n in range(0, len(records), 10)])
        print(dict(Counter(outcome.state for batch in batches for outcome in batch)))
    writer.stop()


if __name__ == "__main__":
    main()

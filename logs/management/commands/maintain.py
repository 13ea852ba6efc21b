"""The worker: ``manage.py maintain``."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from logs.management import maintenance


class Command(BaseCommand):
    help = "Keeps partitions ahead, drops expired ones, folds rollups, indexes words; one works, others wait."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="what there is to do, then exit (for cron)")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        if once:
            with maintenance.turn():
                while maintenance.run_once():
                    pass
            return
        signal.signal(signal.SIGTERM, _leave)
        try:
            maintenance.run_forever(tell=self.stderr.write)
        except KeyboardInterrupt:
            sys.exit(0)


def _leave(number: int, frame: FrameType | None) -> None:
    """At once, wherever it is: whatever was begun is rolled back, and the next worker does it again."""
    sys.exit(0)

"""``manage.py loadgen``: fill a workspace with realistic logs."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs.loadgen import api, bulk
from portkey_logs.accounts.models import ApiKey, Workspace

TELL_SECONDS = 2.0


class Command(BaseCommand):
    help = (
        "Fills a workspace with realistic logs, for benchmarks and trials. copy makes them inside the database, "
        "millions in minutes; api sends them through POST /v1/logs of a running installation."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--logs", type=int, required=True, help="how many")
        parser.add_argument("--body-kb", type=float, default=2, help="request and response together, on average")
        parser.add_argument("--via", choices=["api", "copy"], default="copy")
        parser.add_argument("--workspace", required=True, help="slug of the workspace")
        parser.add_argument("--days", type=float, default=7, help="the time before now that they spread over")
        parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same exchanges")
        parser.add_argument("--url", default="http://localhost:8000", help="where the installation is, for api")

    def handle(self, *args: Any, via: str, workspace: str, url: str, **options: Any) -> None:
        logs, days = options["logs"], options["days"]
        if logs < 1 or not 0 < days <= settings.RETENTION_DAYS or options["body_kb"] < 0:
            raise CommandError(
                f"Give at least one log, and days above 0 up to the retention ({settings.RETENTION_DAYS})"
            )
        place = Workspace.objects.filter(slug=workspace).first()
        if place is None:
            raise CommandError(f"There is no workspace {workspace}")
        wanted = {
            "logs": logs, "days": days, "seed": options["seed"], "body_bytes": round(options["body_kb"] * 1000)
        }  # fmt: skip
        if via == "copy":
            self._report(bulk.load(place.pk, list(place.api_keys.values_list("id", flat=True)), **wanted), logs)
            return
        key, text = ApiKey.issue(place, "loadgen", scopes=("logs.write",))
        try:
            self._report(api.send(url.rstrip("/"), text, **wanted), logs)
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from None
        finally:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])

    def _report(self, portions: Iterator[int], wanted: int) -> None:
        """Say how far it is, now and then and at the end."""
        begun = told = time.monotonic()
        done = 0
        for portion in portions:
            done += portion
            if (now := time.monotonic()) - told >= TELL_SECONDS or done == wanted:
                told = now
                rate = done / max(now - begun, 0.001)
                self.stderr.write(f"{done:,} of {wanted:,} logs, {rate:,.0f} a second")

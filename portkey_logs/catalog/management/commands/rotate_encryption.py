"""Encrypts all secrets anew under the newest key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from portkey_logs.catalog.models import Config, ConfigVersion, VirtualKey
from portkey_logs.catalog.secrets import Unreadable
from portkey_logs.catalog.vault import vault


class Command(BaseCommand):
    help = "Encrypt all secrets anew under the first of PORTKEY_LOGS_ENCRYPTION_KEYS"

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for model in (VirtualKey, ConfigVersion):
            for row in model._default_manager.exclude(sealed="").select_for_update().only("pk", "sealed"):
                try:
                    row.sealed = vault().rotate(row.sealed)
                except Unreadable as error:
                    raise CommandError(f"{error} Nothing was changed.") from None
                row.save(update_fields=["sealed"])
                count += 1
        VirtualKey.objects.update(updated_at=timezone.now())  # so that capture reads them again
        Config.objects.update(updated_at=timezone.now())
        self.stdout.write(f"{count} secrets are encrypted under the newest key.")

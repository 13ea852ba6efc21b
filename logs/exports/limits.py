"""How many exports a workspace may have, and how much of the disk their files may take."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.template.defaultfilters import filesizeformat

from logs.exports.models import KEPT, Export, directory
from portkey_logs.accounts.locks import one_at_a_time

MOST_KEPT = 1000  # of a workspace: one every ten minutes, for as long as they are kept; the API lists all in one answer
MOST_IN_PROGRESS = 3  # of a workspace: fewer than the worker writes at once, so that no workspace has it for itself
LEFT_FREE = 500_000_000  # bytes of the disk, on which logs wait too while the database is away


class TooMuch(Exception):
    """Another export, or more of one, would be beyond a limit. The text is for people."""


def add(export: Export) -> None:
    """Keep a new export. Raises TooMuch."""
    with one_at_a_time(export.workspace):
        if Export.objects.filter(workspace=export.workspace_id).count() >= MOST_KEPT:
            raise TooMuch(f"This workspace has {MOST_KEPT} exports. Delete some: each is kept for {KEPT.days} days.")
        export.save(force_insert=True)


def start(export: Export) -> bool:
    """As ``Export.start``. Raises TooMuch."""
    with one_at_a_time(export.workspace):
        others = Export.objects.filter(workspace=export.workspace_id).in_progress().exclude(pk=export.pk)
        if others.count() >= MOST_IN_PROGRESS:
            raise TooMuch(f"{MOST_IN_PROGRESS} exports are being made already. Wait until one has ended, or stop one.")
        check_room(export.workspace_id)
        return export.start()


def free() -> int:
    """Bytes of the disk that exports may still take; negative where they have to stop."""
    return shutil.disk_usage(directory()).free - LEFT_FREE


def check_room(workspace_id: int) -> None:
    """Raises TooMuch where the files of a workspace take more than half of what the disk has for exports."""
    files = [path for path in directory().iterdir() if path.is_file()]
    own = Export.objects.filter(workspace=workspace_id, id__in=ids_of(files)).values_list("id", flat=True)
    names = {str(id) for id in own}
    taken, everybodys = _size([path for path in files if path.stem in names]), _size(files)
    if taken > (max(free(), 0) + everybodys) // 2:
        raise TooMuch(
            f"The files of this workspace's exports take {filesizeformat(taken)}, more than half of the room for"
            " exports on the disk. Delete some, or choose fewer logs or fields."
        )


def ids_of(files: Collection[Path]) -> list[UUID]:
    """The ids of the exports that these are files of."""
    found = []
    for path in files:
        with suppress(ValueError):
            found.append(UUID(path.stem))
    return found


def _size(files: Collection[Path]) -> int:
    size = 0
    for path in files:
        with suppress(FileNotFoundError):  # removed meanwhile
            size += path.stat().st_size
    return size

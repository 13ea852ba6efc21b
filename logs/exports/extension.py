"""What exports add to the log pages, and to the worker."""

from __future__ import annotations

from logs.exports import work
from logs.extensions import Extension


class ExportsExtension(Extension):
    toolbar = "exports/toolbar.html"

    def maintain(self) -> bool:
        return work.work()

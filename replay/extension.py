"""What replay adds to the log pages."""

from __future__ import annotations

from logs.extensions import Extension


class ReplayExtension(Extension):
    toolbar = "replay/toolbar.html"

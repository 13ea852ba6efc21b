"""Starting processes that give up privileges and end with the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

START_SECONDS = 120  # crash recovery after gigabytes of WAL takes its time
STOP_SECONDS = 60

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def die_with_parent(signum: signal.Signals) -> Callable[[], None]:
    """Return a ``preexec_fn`` that has the kernel send ``signum`` when the parent is gone.

    The kernel watches the *thread* that started the process: start it from one
    that lives on, as the main thread does. Linux only; elsewhere it does nothing.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, int(signum))
            if os.getppid() != parent:  # it died before the line above took effect
                os._exit(1)

    return before_exec


def end_with_parent(signum: signal.Signals) -> None:
    """Have the kernel send this process ``signum`` when its parent is gone, for children that others start."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, int(signum))

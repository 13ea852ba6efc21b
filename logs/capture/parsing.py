"""Parsing what callers send, beside the event loop where it takes more than a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

MAX_LOOP_BYTES = 64 * 1024  # parsed on the event loop: a millisecond at most
# Of values parsed before a call goes on, as ``lib.text`` estimates them: 800,000 numbers or 130,000 objects. The parser
# lets no other thread run until it is done, some 30 ms.
MAX_OBJECT_BYTES = 32 * 1024 * 1024
MAX_THREADS = 2  # at a time: more would not be faster, and each may hold MAX_OBJECT_BYTES

_threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="capture-parsing")


async def beside_loop[**P, Result](
    size: float, function: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
) -> Result:
    """Return what the function returns; it runs in a thread if it reads more than MAX_LOOP_BYTES.

    Raises what it raises. ``size`` is in bytes, without compression.
    """
    if size <= MAX_LOOP_BYTES:
        return function(*args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads, lambda: function(*args, **kwargs))

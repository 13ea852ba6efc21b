"""Numbers on capture itself, in the text format of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

# Upper bounds in seconds. The budget is 1.5 ms at the median.
ADDED_BOUNDS = (0.00025, 0.0005, 0.001, 0.0015, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
_PREFIX = "portkey_logs_capture_"


class Metrics:
    """Counters since the start. Only the event loop's thread writes them."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()  # by class of status: "2xx"
        self.in_flight = 0
        self.refused = 0  # unknown keys
        self.clients_left = 0
        self._over_share: Counter[tuple[str, int | None]] = Counter()  # by reason and workspace: few of both
        self._added = [0] * (len(ADDED_BOUNDS) + 1)
        self._added_sum = 0.0

    def observe_added(self, seconds: float) -> None:
        """Note the time that a call spent in here while nobody waited for the upstream or the client."""
        self._added[bisect_left(ADDED_BOUNDS, seconds)] += 1
        self._added_sum += seconds

    def note_over_share(self, reason: str, workspace_id: int | None) -> None:
        """Count a call that was refused because its key has used its share."""
        self._over_share[reason, workspace_id] += 1

    def lines(self, **gauges: tuple[str, str, float]) -> str:
        """The page. ``gauges`` are further values: name=(type, help, value)."""
        return "\n".join([*self._own_lines(), *_plain_lines(gauges), ""])

    def _own_lines(self) -> Iterator[str]:
        name = _PREFIX + "calls_total"
        yield f"# HELP {name} Calls that were passed on, by class of status."
        yield f"# TYPE {name} counter"
        for status, count in sorted(self.calls.items()):
            yield f'{name}{{status="{status}"}} {count}'
        yield from over_share_lines(_PREFIX, self._over_share)
        name = _PREFIX + "added_seconds"
        yield f"# HELP {name} Time that calls spent inside capture."
        yield f"# TYPE {name} histogram"
        total = 0
        for bound, count in zip((*ADDED_BOUNDS, "+Inf"), self._added, strict=True):
            total += count
            yield f'{name}_bucket{{le="{bound}"}} {total}'
        yield f"{name}_sum {self._added_sum:.6f}"
        yield f"{name}_count {total}"
        yield from _plain_lines(
            {
                "in_flight": ("gauge", "Calls under way.", self.in_flight),
                "unknown_keys_total": ("counter", "Calls refused for want of a known key.", self.refused),
                "clients_left_total": ("counter", "Clients that left before their answer's end.", self.clients_left),
            }
        )


def over_share_lines(prefix: str, counts: Counter[tuple[str, int | None]]) -> Iterator[str]:
    """Refusals by limit and workspace, the workspace as its number: whoever reaches the page may read it."""
    name = prefix + "over_share_total"
    yield f"# HELP {name} Calls refused because their API key has used its share."
    yield f"# TYPE {name} counter"
    for (reason, workspace_id), count in sorted(counts.items(), key=str):
        yield f'{name}{{reason="{reason}",workspace_id="{workspace_id or ""}"}} {count}'


def _plain_lines(values: dict[str, tuple[str, str, float]]) -> Iterator[str]:
    for name, (kind, description, value) in values.items():
        yield f"# HELP {_PREFIX}{name} {description}"
        yield f"# TYPE {_PREFIX}{name} {kind}"
        yield f"{_PREFIX}{name} {value:g}" if value % 1 else f"{_PREFIX}{name} {value:.0f}"

"""Time cut into equal buckets, and their names. All times are UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

MAX_BUCKETS = 31
# How long one bucket may be; each begins at a multiple of its length since a Monday. From a day on they are whole
# days, for that is what rollups of months are kept by.
STEPS = [timedelta(minutes=n) for n in (1, 2, 5, 15, 30, 60, 180, 360, 1440, 2880, 10080, 20160, 40320)]
ORIGIN = datetime(2001, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Grid:
    """From ``since`` to before ``until``, in buckets of ``step``; the first and the last one may be cut off."""

    since: datetime
    until: datetime
    step: timedelta

    @classmethod
    def over(cls, since: datetime, until: datetime) -> Grid:
        """With the shortest step that gives at most MAX_BUCKETS whole buckets, and a part at each end."""
        step = next((step for step in STEPS if (until - since) / step <= MAX_BUCKETS - 1), STEPS[-1])
        return cls(since, until, step)

    @cached_property
    def starts(self) -> list[datetime]:
        """Where each bucket begins, the first one at or before ``since``."""
        at = ORIGIN + (self.since - ORIGIN) // self.step * self.step
        starts = [at]
        while (at := at + self.step) < self.until:
            starts.append(at)
        return starts

    @property
    def places(self) -> range:
        return range(len(self.starts))

    def span(self, place: int) -> tuple[datetime, datetime]:
        """From when to before when the bucket counts: what of it lies within ``since`` and ``until``."""
        start = self.starts[place]
        return max(start, self.since), min(start + self.step, self.until)

    def before(self) -> Grid:
        """As much time right before this, in buckets that fall in the same places."""
        shift = -(-(self.until - self.since) // self.step) * self.step
        return replace(self, since=self.since - shift, until=self.until - shift)

    def label(self, place: int) -> str:
        """The bucket's start in a word or two, for an axis."""
        start = self.starts[place]
        return f"{start:%H:%M}" if self.step < timedelta(hours=6) else f"{start:%-d %b}"

    @property
    def labels(self) -> list[str]:
        return [self.label(place) for place in self.places]

    def words(self, place: int) -> str:
        """``Mon 23 Nov``, ``16 Nov to 22 Nov``, ``23 Nov, 12:00 to 18:00``."""
        start, end = self.starts[place], self.starts[place] + self.step
        if self.step == DAY:
            return f"{start:%a %-d %b}"
        if self.step > DAY:
            return f"{start:%-d %b} to {end - DAY:%-d %b}"
        return f"{start:%-d %b, %H:%M} to {end:%H:%M}"

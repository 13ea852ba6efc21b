"""Figures about logs: what a selection of logs adds up to over a span of time, and how the pages show it.

``grid`` cuts time, ``sources`` reads sums from rollups and logs, ``scope`` says what is asked for; there is one
module per tab, which makes cards (``cards``) out of sums.
"""

from logs.analytics import cache, errors, overview, routing, summary, users
from logs.analytics.rollup_queries import OutOfTime
from logs.extension_types import AnalyticsTab

# In the order of the page.
ALL: list[AnalyticsTab] = [overview.TAB, users.TAB, errors.TAB, cache.TAB, routing.TAB, summary.TAB]

__all__ = ["ALL", "OutOfTime"]

"""The filters of the log list: the same names and meanings in the page, in JSON and in exports.

docs/filters.md describes each one; a test holds the two together.
"""

from logs.explorer.filters.fields import MomentField
from logs.explorer.filters.filterset import LogFilterSet, MomentFilter
from logs.explorer.filters.selection import Selection, Term, select
from logs.explorer.query import exactly

__all__ = ["LogFilterSet", "MomentField", "MomentFilter", "Selection", "Term", "exactly", "select"]

"""The filters of the log list: the same names and meanings in the page, in JSON and in exports.

docs/filters.md describes each one; a test holds the two together.
"""

from logs.filters.fields import MomentField
from logs.filters.filterset import LogFilterSet, MomentFilter
from logs.filters.selection import Selection, Term, select
from logs.query import exactly

__all__ = ["LogFilterSet", "MomentField", "MomentFilter", "Selection", "Term", "exactly", "select"]

"""How PostgreSQL would answer the statements of the product, and which of them would get slower with every log.

A statement may be given up after its budget (``statement_timeout``), or it must be cheap at any size: each partition
of the log tables that it opens is found through an index, by a range of ids or by a value of a column that it need not
look through any further; or it walks a page's worth of an index that has the order already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from logs.storage import partitions

_SCANS = re.compile(rf"(?:{'|'.join(partitions.TABLES)})_p\d+")
_INDEX_SCANS = ("Index Scan", "Index Only Scan", "Bitmap Heap Scan")
# What hands on its rows in the order in which they come, and no more of them than are asked for.
_IN_ORDER = ("Limit", "Append", "Merge Append", "Result", "Subquery Scan", "Memoize", "Nested Loop", "LockRows")
_EXPLAINED = re.compile(r"\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_LEFT_ALONE = ("labels @>", "workspace_id =", "received_at <=")

type Node = dict[str, Any]


@dataclass
class Statement:
    """``reads`` are the partitioned tables it opens, ``faults`` why it may not do that without a budget."""

    sql: str
    has_budget: bool
    reads: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


@contextmanager
def explained() -> Iterator[list[Statement]]:
    """The statements of this connection that read a partitioned table, each explained before it runs."""
    found: list[Statement] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not many and _EXPLAINED.match(sql):
            statement = _explain(sql, params)
            if statement.reads:
                found.append(statement)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield found


def _explain(sql: str, params: Any) -> Statement:
    with connection.connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        statement = Statement(sql, has_budget=cursor.fetchone()[0] != "0")
        # The tables of a test are small: to read and to sort all of one is the cheapest. The question is whether
        # another way is open.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0][0]["Plan"]
        cursor.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on")
    for scan, above in _scans(plan, []):
        statement.reads.add(scan["Relation Name"].rpartition("_p")[0])
        if not statement.has_budget and (fault := _fault(scan, above)):
            statement.faults.append(f"{scan['Node Type']} of {scan['Relation Name']}: {fault}")
    return statement


def _scans(node: Node, above: list[Node]) -> Iterator[tuple[Node, list[Node]]]:
    """The scans of partitions below a node, each with the nodes above it, the nearest last."""
    if _SCANS.fullmatch(node.get("Relation Name", "")) and node["Node Type"] != "ModifyTable":
        yield node, above
    for child in node.get("Plans", ()):
        yield from _scans(child, [*above, node])


def _fault(scan: Node, above: list[Node]) -> str:
    """Why the scan has no bound; empty where it has one."""
    if scan["Node Type"] not in _INDEX_SCANS:
        return "it is read from end to end"
    condition = _condition(scan)
    if _is_bounded(f"{condition} {scan.get('Filter', '')}"):
        return ""
    if filter := _looked_through(scan):
        return f"any number of rows are looked through for {filter}"
    if not any(node["Node Type"] == "Limit" for node in _above_in_order(above)):
        return f"all rows of {condition} are read"
    return ""


def _condition(scan: Node) -> str:
    """What the index is asked; of several that are combined, all."""
    own = scan.get("Index Cond", "")
    return " ".join([own, *(_condition(child) for child in scan.get("Plans", ()))]).strip()


def _is_bounded(conditions: str) -> bool:
    """Whether they name ids, a range of them with both of its ends, or traces, which have few logs."""
    has = lambda pattern: re.search(rf"\b{pattern}", conditions) is not None  # noqa: E731
    return has("id =") or has("trace_id =") or (has("id >") and has("id <"))


def _looked_through(scan: Node) -> str:
    """What the rows of the index are looked through for. Labels are for the planner to decide: statistics tell it
    which of them are rare enough to be looked up, and which common enough to be met soon. And an export passes over what
    arrived since it began."""
    conditions = [each.lstrip("(") for each in scan.get("Filter", "").split(" AND ")]
    return " and ".join(each for each in conditions if not each.startswith(_LEFT_ALONE))


def _above_in_order(above: list[Node]) -> Iterator[Node]:
    for node in reversed(above):
        if node["Node Type"] not in _IN_ORDER:
            return
        yield node

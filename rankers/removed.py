"""What holds a note back from an answer: a filter, a constraint, or what it says."""

from __future__ import annotations

from indexing.access import Access
from indexing.clauses import Field
from indexing.filters import Filters
from indexing.ports import LexicalIndex
from rankers import lexical
from rankers.chosen import separately
from rankers.plan import Plan


def removed_by(index: LexicalIndex, access: Access, plan: Plan, doc_id: str) -> str:
    """Name the filter, the constraint or the assertion that holds a note back."""
    one, nothing = [doc_id], Filters()
    anything = Field("date", "../..")
    if not index.matching(access, anything, nothing, "any", one):
        return "It is not in the full-text index yet."
    for name, part in separately(plan.filters):
        if not index.matching(access, anything, part, "any", one):
            return f"The filter on its {name} removed it."
    held = plan.constraint
    if held is not None:
        constraint = lexical.prepared(held)
        if not index.matching(access, constraint, nothing, "any", one):
            return "It does not meet what the query demands."
        if not index.matching(access, constraint, nothing, plan.assertion, one):
            return "What the query demands stands in it only denied, or of somebody else."
    if index.matching(access, plan.clause, nothing, "any", one) and not index.matching(
        access, plan.clause, nothing, plan.assertion, one
    ):
        return "It mentions this only as denied, hypothetical or of somebody else."
    return ""

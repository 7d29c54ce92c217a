"""Questions planned without a terminology, and notes in the reference index to hold against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC

from indexing.backends.memory.lexical import MemoryLexicalIndex
from indexing.language.matcher import Matcher
from indexing.language.terminology.store import no_terminology
from indexing.model import Document, Mention, TenantId
from indexing.ports import LexicalEntry
from rankers.answer import LEGS, SearchRequest
from rankers.plan import Plan, Planner


def planner_of_words() -> Planner:
    """Return a planner to which words are nothing but words."""
    terminology = no_terminology()
    return Planner(terminology, Matcher(terminology))


def planned(planner: Planner, question: str) -> Plan:
    """Plan a question as a page asks it."""
    return planner.plan(SearchRequest(q=question, k=10, rankers=LEGS), 200, UTC)


def indexed(
    tenant_id: TenantId,
    notes: Mapping[str, str],
    mentions: Mapping[str, Iterable[Mention]] | None = None,
) -> MemoryLexicalIndex:
    """Return an index of letters of one patient, `{doc_id: text}`, with what some of them say."""
    made = MemoryLexicalIndex()
    for doc_id, text in notes.items():
        document = Document(tenant_id, doc_id, 1, text, title="", patient_id="p", type="Letter")
        said = tuple((mentions or {}).get(doc_id, ()))
        made.upsert(tenant_id, [LexicalEntry(document, (), said)])
    return made

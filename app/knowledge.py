"""Knowledge search as the page, the API and the command answer it: concepts, and notes beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.answers import answered
from app.services import Services
from app.views import view_of
from indexing.access import Access
from indexing.errors import InvalidQuery
from rankers.answer import Hit, SearchRequest
from rankers.knowledge import Knowledge, KnowledgeRequest, checked

NOTES = 5


@dataclass(frozen=True, slots=True)
class Known:
    """Concepts by rank, and the notes whose text fits best; `notes` None where none were asked."""

    asked: KnowledgeRequest
    found: Knowledge
    notes: Sequence[Hit] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the public shape; dataclasses are left to the encoder."""
        return {
            "version": self.found.version,
            "concepts": list(self.found.concepts),
            "notes": None if self.notes is None else [
                {
                    "doc_id": hit.doc_id, "title": hit.title, "date": hit.date, "type": hit.type,
                    "score": hit.score, "text": hit.snippet.text, "reason": "by its words",
                }
                for hit in self.notes
            ],
            "missing": self.found.missing,
        }  # fmt: skip


def known(own: Services, access: Access, request: KnowledgeRequest) -> Known:
    """Answer a question of knowledge, notes included; these are read with their audit row.

    Raises:
        InvalidInput: a filter that is none.
    """
    asked = checked(request)
    found = own.knowledge(access.tenant_id, asked)
    return Known(asked, found, _notes(own, access, asked))


def _notes(own: Services, access: Access, asked: KnowledgeRequest) -> Sequence[Hit]:
    only = {"specialty": (asked.specialty,)} if asked.specialty else {}
    request = SearchRequest(q=asked.q, k=NOTES, rankers=("lexical",), plain=True, only=only)
    try:
        return answered(view_of(own, access), own.documents, access, request).hits
    except InvalidQuery:  # words that no note can be asked for, such as punctuation alone
        return ()

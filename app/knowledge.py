"""Knowledge search as the page, the API and the command answer it: concepts, and notes beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

from app.answers import answered
from app.services import Services
from app.views import View, view_of
from indexing.access import Access
from indexing.charts import Person
from indexing.errors import EngineUnavailable, InvalidQuery
from rankers.answer import Hit, SearchRequest
from rankers.knowledge import Knowledge, KnowledgeRequest, checked
from rankers.studies import NearStudy

NOTES = 5
STUDIES = 5


@dataclass(frozen=True, slots=True)
class ShownStudy:
    """A study as somebody may see it; `score` is its nearness in meaning, `text` what lies near."""

    study_id: str
    title: str
    status: str
    period: str
    score: float
    text: str
    reason: str = "near in meaning"


@dataclass(frozen=True, slots=True)
class Known:
    """Concepts by rank, the notes whose text fits best, and the studies nearest in meaning;
    `notes` and `studies` None where none were asked. `people` are those whose notes these are."""

    asked: KnowledgeRequest
    found: Knowledge
    notes: Sequence[Hit] | None = None
    studies: Sequence[ShownStudy] | None = None
    missing: tuple[str, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the public shape; dataclasses are left to the encoder."""
        return {
            "version": self.found.version,
            "concepts": list(self.found.concepts),
            "notes": None if self.notes is None else [
                {
                    "doc_id": hit.doc_id, "patient_id": hit.patient_id, "title": hit.title,
                    "date": hit.date, "type": hit.type, "score": hit.score,
                    "text": hit.snippet.text, "reason": "by its words",
                }
                for hit in self.notes
            ],
            "studies": None if self.studies is None else [asdict(each) for each in self.studies],
            "missing": [*self.found.missing, *self.missing],
            "untold": self.found.untold,
        }  # fmt: skip


def known(own: Services, access: Access, request: KnowledgeRequest) -> Known:
    """Answer a question of knowledge, notes included; these are read with their audit row.

    Raises:
        InvalidInput: a filter that is none.
    """
    asked = checked(request)
    found = own.knowledge(access.tenant_id, asked)
    view = view_of(own, access)
    # No note says "treats": it is asked for what the question is about.
    notes = _notes(own, view, access, replace(asked, q=found.about))
    whose = sorted({hit.patient_id for hit in notes if hit.patient_id})
    people = view.people(whose, recorded=whose) if whose else {}
    try:
        studies = [_shown(view, each) for each in own.studies(access, asked.q, STUDIES)]
    except EngineUnavailable:
        return Known(asked, found, notes, (), ("studies",), people)
    return Known(asked, found, notes, studies, people=people)


def _shown(view: View, near: NearStudy) -> ShownStudy:
    study = near.study
    # A period's end is the first moment after it: 2027-12-31 ends with 2028.
    last = study.end - timedelta(microseconds=1) if study.end else None
    years = [f"{at:%Y}" if at else "" for at in (study.start, last)]
    period = "–".join(years) if any(years) else ""
    words = view.study(study.study_id, study.title, near.passage)
    score = round(near.cosine, 4)
    return ShownStudy(words.shown_id, words.title, study.status, period, score, words.passage)


def _notes(own: Services, view: View, access: Access, asked: KnowledgeRequest) -> Sequence[Hit]:
    only = {"specialty": (asked.specialty,)} if asked.specialty else {}
    request = SearchRequest(q=asked.q, k=NOTES, rankers=("lexical",), plain=True, only=only)
    try:
        return answered(view, own.documents, access, request).hits
    except InvalidQuery:  # words that no note can be asked for, such as punctuation alone
        return ()

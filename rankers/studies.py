"""Studies near a question in meaning, as far as their records stand and are open."""

from __future__ import annotations

from dataclasses import dataclass

from indexing.access import Access
from indexing.filters import Filters
from indexing.language.passages import passages
from indexing.ports import Encoder, VectorIndex
from indexing.research import STUDY, Study, StudyRecords
from rankers.knowledge import LEAST_COSINE


@dataclass(frozen=True, slots=True)
class NearStudy:
    """A study, how near it lies, and the passage that does."""

    study: Study
    cosine: float
    passage: str


def near(
    records: StudyRecords, index: VectorIndex, encoder: Encoder, access: Access, q: str, k: int
) -> list[NearStudy]:
    """Return the k nearest studies, best first; who asks is recorded with what was shown.

    Raises:
        EngineUnavailable: the engine that holds their vectors does not answer.
    """
    hits = index.search(access, encoder.encode([q])[0], Filters(), k).hits
    close = [hit for hit in hits if hit.score >= LEAST_COSINE]
    ids = [hit.doc_id.removeprefix(f"{STUDY}/") for hit in close]
    found = records.shown(access, ids) if ids else {}
    shown = []
    for hit, own in zip(close, ids, strict=True):
        study = found.get(own)
        if study is None:  # gone since, or restricted: the space follows in a moment
            continue
        cuts = passages(study.text, ())
        best = cuts[min(hit.passage or 0, len(cuts) - 1)]
        shown.append(NearStudy(study, min(hit.score, 1.0), study.text[best.start : best.end]))
    return shown

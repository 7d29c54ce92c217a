"""The space `research`: the hospital's studies by what their records say, a passage at a time.

A study is about nobody in particular, so whoever may ask sees it; one whose record is restricted
is left out for everybody, because the space knows no labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from indexing.access import Access
from indexing.fhir.elements import obj, objects, string
from indexing.follow import tombstones
from indexing.language.passages import passages
from indexing.model import ChangeEvent, Document, Kind, TenantId, Tombstone
from indexing.ports import Encoder, VectorEntry, VectorIndex
from indexing.spaces import Metadata

STUDY: Final = "ResearchStudy"
LONGEST: Final = 50_000  # characters of a study that are read


@dataclass(frozen=True, slots=True)
class Study:
    """One study; `text` is what it is found by, title first. `conditions`, `medications` and
    `outcomes` are codes where there are some, else words."""

    study_id: str
    version: int
    title: str
    status: str
    text: str
    methodology: str = ""
    conditions: tuple[str, ...] = ()
    medications: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None

    @property
    def key(self) -> str:
        """Its id in the space, and in the feed."""
        return f"{STUDY}/{self.study_id}"


class StudyRecords(Protocol):
    """The stored studies that are open to everybody."""

    def versions(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {"ResearchStudy/id": version} of them."""
        ...

    def read(self, tenant_id: TenantId, study_ids: Sequence[str]) -> Sequence[Study]: ...
    def shown(self, access: Access, study_ids: Sequence[str]) -> Mapping[str, Study]:
        """Return studies as they stand, and write the audit row of it."""
        ...


class ResearchFollower:
    """Keeps the space of studies in step with their records."""

    name = "research"
    kind = Kind.RESOURCE
    batch = 50

    def __init__(self, records: StudyRecords, index: VectorIndex, encoder: Encoder) -> None:
        self._records, self._index, self._encoder = records, index, encoder

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Upsert what lives and is open, delete what is gone or became restricted."""
        told = [event for event in events if event.key.startswith(f"{STUDY}/")]
        if not told:
            return
        ids = [event.key.partition("/")[2] for event in told if not event.deleted]
        found = {each.key: each for each in self._records.read(tenant_id, ids)} if ids else {}
        if found:
            entries = [self._entry(tenant_id, study) for study in found.values()]
            self._index.upsert(tenant_id, entries)
        closed = [e for e in told if not e.deleted and e.key not in found]
        gone = [*tombstones(told), *(Tombstone(e.key, e.version) for e in closed)]
        if gone:
            self._index.delete(tenant_id, gone)

    def _entry(self, tenant_id: TenantId, study: Study) -> VectorEntry:
        cuts = passages(study.text, ())
        document = Document(
            tenant_id, study.key, study.version, study.text, study.title,
            date_start=study.start, date_end=study.end, resource_type=STUDY,
            resource_id=study.study_id,
        )  # fmt: skip
        metadata: Metadata = {
            "methodology": study.methodology, "conditions": study.conditions,
            "medications": study.medications, "outcomes": study.outcomes,
        }  # fmt: skip
        rows = self._encoder.encode([study.text[each.start : each.end] for each in cuts])
        return VectorEntry(document, self._encoder.model, cuts, rows, metadata)


def study_of(
    study_id: str, version: int, resource: Mapping[str, Any],
    start: datetime | None = None, end: datetime | None = None,
) -> Study:  # fmt: skip
    """Read a study's record."""
    title = string(resource.get("title")) or ""
    conditions = list(_concepts(resource, "condition"))
    focus = list(_concepts(resource, "focus"))
    arms = [
        string(each.get(name)) for each in objects(resource.get("arm"))
        for name in ("name", "description")
    ]  # fmt: skip
    aims = [string(each.get("name")) for each in objects(resource.get("objective"))]
    said = [
        title or study_id, string(resource.get("description")),
        *(words for _, words in conditions), *(words for _, words in focus),
        *(words for _, words in _concepts(resource, "keyword")), *arms, *aims,
    ]  # fmt: skip
    lines = list(dict.fromkeys(each.strip() for each in said if each and each.strip()))
    kinds = [words for name in ("category", "primaryPurposeType", "phase")
             for _, words in _concepts(resource, name)]  # fmt: skip
    return Study(
        study_id, version, title, string(resource.get("status")) or "",
        "\n".join(lines)[:LONGEST], "; ".join(kinds),
        tuple(code for code, _ in conditions), tuple(code for code, _ in focus),
        tuple(each for each in aims if each), start, end,
    )  # fmt: skip


def _concepts(resource: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Yield (code, or its words where it has none; words) of codeable concepts."""
    for concept in objects(resource.get(name)):
        coding = next(iter(objects(concept.get("coding"))), {})
        code = string(coding.get("code")) or ""
        words = string(concept.get("text")) or string(obj(coding).get("display")) or ""
        if code or words:
            yield code or words, words

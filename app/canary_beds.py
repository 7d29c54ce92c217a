"""Where a canary is planted: as a note, which every index of notes follows, and by hand in each
store of a tenant's that notes do not reach, where it stands while it is looked for."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Final

from app.wiring import Installation
from indexing.access import Access
from indexing.filters import Filters
from indexing.medical_graph import GraphEdge, GraphNode, MedicalEntry, MedicalGraph, NodeKind
from indexing.medical_graph import Relation as Relates
from indexing.model import Document, Passage, TenantId, Tombstone
from indexing.ports import (
    VectorEntry,
    VectorIndex,
    Vectors,
    Worded,
    WordIndex,
)
from indexing.spaces import MEDICAL_CONCEPTS
from indexing.vitals.model import SeriesKey, batch_of, micros
from indexing.vitals.store import VitalsStore

K: Final = 50
CONCEPT_NAME: Final = "chest pain"
LABEL: Final = "V"


@dataclass(frozen=True, slots=True)
class Canary:
    """What is planted in a tenant; `word` is not in any dictionary."""

    tenant_id: TenantId
    doc_id: str
    word: str

    @property
    def text(self) -> str:
        """The note."""
        return f"{self.word} reports {CONCEPT_NAME}. Planted to watch over the stores."

    @property
    def told(self) -> str:
        """What its vector is of."""
        return f"{self.word}. {self.text}"


def canary_of(pepper: str, tenant_id: TenantId) -> Canary:
    """Return a tenant's canary: the same each time, and known to this installation alone."""
    drawn = hmac.new(pepper.encode(), b"canary" + tenant_id.bytes, hashlib.sha256).hexdigest()
    return Canary(tenant_id, f"canary-{drawn[:24]}", f"qz{drawn[24:48]}")


Rows = Callable[[Canary], Vectors]
Look = Callable[[Access, Canary], Iterable[str]]  # the ids that a store gives for a canary


@dataclass(frozen=True, slots=True)
class Bed:
    """A store that a canary is planted in by hand. `wanted` says whether it holds, or may hold,
    anything of a tenant; one that does not is looked through all the same."""

    look: Look
    plant: Callable[[Canary], None]
    pull: Callable[[Canary], None]
    wanted: Callable[[TenantId], bool] = lambda _: True


def rows_of(installation: Installation) -> Rows:
    """Return what makes a canary's vector, once."""
    return cache(lambda canary: installation.encoder.encode([canary.told])[0])


def beds(installation: Installation, rows: Rows) -> Mapping[str, Bed]:
    """Return every store of tenants' data that no note reaches. What is planted in one run is newer
    than what was taken out in the one before."""
    own, at = installation, time.time_ns() // 1000
    studies = own.research.studies
    found = {
        "research": _space(own.research.index, rows, own.encoder.model, at,
                           lambda tenant_id: bool(studies.versions(tenant_id))),
        "medical": _graph(own.medical.graph, at),
        "vitals": _series(own.vitals),
    }  # fmt: skip
    if (vectors := own.patients.vectors) is not None:
        found["patients"] = _space(
            vectors.index, rows, own.encoder.model, at, lambda _: True, labelled=True
        )
    if own.everybody.placing is not None:
        found |= _names(own, rows, at)
    return found


def _space(
    index: VectorIndex, rows: Rows, model: str, at: int, wanted: Callable[[TenantId], bool], *,
    labelled: bool = False, within: Callable[[TenantId], TenantId] = lambda own: own,
) -> Bed:  # fmt: skip
    """Return a vector space; `within` tells the id that it knows a tenant by."""
    labels = frozenset({LABEL}) if labelled else frozenset[str]()

    def plant(canary: Canary) -> None:
        space, doc_id = within(canary.tenant_id), canary.doc_id
        document = Document(
            space, doc_id, at, "", labels=labels, patient_id=doc_id if labelled else None,
            resource_type="Canary", resource_id=doc_id,
        )  # fmt: skip
        name = Worded(0, canary.word, (canary.word,))
        entry = VectorEntry(
            document, model, (Passage(0, 0, 0),), rows(canary)[None], worded=(name,)
        )
        index.upsert(space, [entry])

    def pull(canary: Canary) -> None:
        index.delete(within(canary.tenant_id), [Tombstone(canary.doc_id, at)])

    def look(access: Access, canary: Canary) -> list[str]:
        if not labelled and not access.labels:  # it knows no labels, and nobody asks it by them
            return []
        asked = replace(access, tenant_id=within(access.tenant_id))
        return [hit.doc_id for hit in index.search(asked, rows(canary), Filters(), K).hits]

    return Bed(look, plant, pull, wanted)


def _names(installation: Installation, rows: Rows, at: int) -> Mapping[str, Bed]:
    """Return the partitions of what tenants call things, where an engine holds them: by meaning,
    and by words where it finds them so."""
    own, model = installation.settings.concept_engine, installation.encoder.model
    held = {
        each.owner: each.tenant_id
        for each in installation.partitions.all()
        if (each.engine, each.model) == (own, model)
    }
    index = installation.space_engine(own, MEDICAL_CONCEPTS, model, installation.encoder.dimension)

    def within(tenant_id: TenantId) -> TenantId:
        return held.get(str(tenant_id), tenant_id)

    def worded(access: Access, canary: Canary) -> list[str]:
        if not access.labels or not isinstance(index, WordIndex):
            return []
        asked = replace(access, tenant_id=within(access.tenant_id))
        return [hit.doc_id for hit in index.named(asked, {canary.word: 1.0}, K)]

    bed = _space(index, rows, model, at, lambda own: str(own) in held, within=within)
    if not isinstance(index, WordIndex):
        return {"concepts": bed}
    return {"concepts": bed, "words of concepts": replace(bed, look=worded)}


def _graph(graph: MedicalGraph, at: int) -> Bed:
    def plant(canary: Canary) -> None:
        key = f"Patient/{canary.doc_id}"
        nodes = (
            GraphNode(NodeKind.PATIENT, key, canary.word),
            GraphNode(NodeKind.CONDITION, canary.word, canary.word),
        )
        has = GraphEdge(key, Relates.DIAGNOSED_WITH, canary.word, labels=frozenset({LABEL}))
        graph.upsert(canary.tenant_id, [MedicalEntry(key, at, canary.doc_id, nodes, (has,))])

    def pull(canary: Canary) -> None:
        graph.delete(canary.tenant_id, [Tombstone(f"Patient/{canary.doc_id}", at)])

    def look(access: Access, canary: Canary) -> list[str]:
        return [canary.doc_id for _ in graph.around(access, [canary.doc_id]).edges]

    return Bed(look, plant, pull)


def _series(vitals: VitalsStore) -> Bed:
    def plant(canary: Canary) -> None:
        key = SeriesKey("vital_signs", canary.doc_id, canary.word, labels=frozenset({LABEL}))
        vitals.write(canary.tenant_id, batch_of([key], [0], [micros(datetime.now(UTC))], [1.0]))

    def pull(canary: Canary) -> None:
        vitals.forget(canary.tenant_id, canary.doc_id)

    def look(access: Access, canary: Canary) -> list[str]:
        return [found.key.subject for found in vitals.extents(access, [canary.doc_id])]

    return Bed(look, plant, pull)

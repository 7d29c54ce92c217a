"""What every engine must do with the vector spaces beside the notes'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from app.settings import SpaceBackend
from indexing.access import Access
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import Document, Passage, TenantId, Tombstone
from indexing.ports import VectorEntry, VectorIndex, Vectors
from indexing.spaces import (
    MEDICAL_CONCEPTS,
    PATIENTS,
    RESEARCH,
    Datum,
    Space,
    filtered_by,
    numbers,
    patients,
)
from tests import engines

D = 6
SPACES = {
    "patients, cosine": PATIENTS, "patients, euclidean": patients("euclidean"),
    "concepts": MEDICAL_CONCEPTS, "research": RESEARCH,
}  # fmt: skip
Build = Callable[[str, str, int, Space], VectorIndex]


@pytest.fixture(params=engines.every(SpaceBackend))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest) -> Space:
    return SPACES[request.param]


@pytest.fixture
def index(engine: str, space: Space, space_index: Build) -> VectorIndex:
    return space_index(engine, "m", D, space)


def rows(n: int, space: Space, seed: int = 1) -> Vectors:
    made = np.random.default_rng(seed).standard_normal((n, D)).astype(np.float32)
    if space.metric == "cosine":
        made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def entry(
    tenant_id: TenantId, doc_id: str, vectors: Vectors, version: int = 1,
    metadata: dict[str, Datum] | None = None, **fields: object,
) -> VectorEntry:  # fmt: skip
    document = replace(Document(tenant_id, doc_id, version, ""), **fields)  # type: ignore[arg-type]
    passages = tuple(Passage(i, 0, 0) for i in range(len(vectors)))
    return VectorEntry(document, "m", passages, vectors, metadata or {})


def filled(tenant_id: TenantId, space: Space) -> Iterator[VectorEntry]:
    """Yield sixteen entries with every field that the space has, and without some of them."""
    vectors = rows(32, space)
    for i in range(16):
        metadata: dict[str, Datum] = {}
        for name, kind in space.schema.items():
            if name in ("tenant", "doc_id", "patient_id", "label", "entity_type", "patient"):
                continue
            if kind in ("id", "key") and i % 4:
                metadata[name] = f"Value Ä{i % 3}"
            elif kind == "set" and i % 4:
                metadata[name] = tuple(f"Code-{n}" for n in range(i % 3 + 1))
            elif kind == "number" and i % 5:
                metadata[name] = i / 16
        start = datetime(2024, 1 + i % 12, 1, tzinfo=UTC) if i % 6 else None
        yield entry(
            tenant_id, f"e{i:02}", vectors[2 * i : 2 * i + 2], metadata=metadata,
            patient_id=f"P{i % 5}" if i % 7 else None, date_start=start,
            date_end=start and start.replace(day=2), labels=frozenset({"PSY"} if i == 3 else ()),
            resource_type=("Condition", "Basic")[i % 2],
        )  # fmt: skip


def asked(space: Space) -> Iterator[Filters]:
    yield Filters()
    for name in sorted(filtered_by(space)):
        kind = space.schema[name]
        value = {"set": "code-1", "id": "Value Ä1"}.get(kind, "vaLUE ä1")
        value = {"entity_type": "CONDITION", "patient": "P2"}.get(name, value)
        yield Filters(only={name: (value,)})
        yield Filters(without={name: (value,)})
        yield Filters(only={name: ("", "nothing such")})
        yield Filters(only={name: (value.swapcase(),)})
        yield Filters(only={name: (value, "")}, without={name: ("Code-2",)})
    for name in numbers(space):
        yield Filters(at_least={name: 0.5})
        yield Filters(at_least={name: 0.25}, at_most={name: 0.5})
    if "start" in space.schema:
        yield Filters(date_from=datetime(2024, 6, 1, 12, tzinfo=UTC))
        yield Filters(date_to=datetime(2024, 6, 1, tzinfo=UTC))


def test_ranks_and_filters_as_the_reference(
    index: VectorIndex, space: Space, access: Access
) -> None:
    reference = MemoryVectorIndex(space)
    for each in (index, reference):
        each.upsert(access.tenant_id, list(filled(access.tenant_id, space)))
    q = rows(1, space, seed=2)[0]
    views = [access, replace(access, labels=frozenset({"PSY"}))]
    views += [replace(access, patients=frozenset({"P1", "P2"}))]
    for view in views:
        for filters in asked(space):
            expected = reference.search(view, q, filters, 20).hits
            found = index.search(view, q, filters, 20).hits
            assert [h.doc_id for h in found] == [h.doc_id for h in expected], filters
            assert [h.passage for h in found] == [h.passage for h in expected]
            assert [h.score for h in found] == pytest.approx([h.score for h in expected], abs=1e-5)
    limited = replace(access, patients=frozenset())
    whose = len(index.search(limited, q, Filters(), 20).hits)
    assert whose == (0 if "patient_id" in space.schema else 16)  # nobody's is open to everybody


def test_versions_models_and_tenants_are_apart(
    engine: str, index: VectorIndex, space: Space, space_index: Build, access: Access,
    new_tenant: Callable[[], object],
) -> None:  # fmt: skip
    t, q = access.tenant_id, rows(2, space, seed=3)
    other_model = space_index(engine, "another", D, space)
    index.upsert(t, [entry(t, "a", q[:1], version=2), entry(t, "b", q[1:])])
    index.upsert(t, [entry(t, "a", q[1:], version=1)])
    other_model.upsert(t, [entry(t, "c", q)])
    assert index.search(access, q[0], Filters(), 1).hits[0].doc_id == "a"
    stranger = replace(access, tenant_id=new_tenant().tenant_id)  # type: ignore[attr-defined]
    assert index.search(stranger, q[0], Filters(), 5).hits == ()
    index.delete(t, [Tombstone("a", 2), Tombstone("never", 9)])
    index.upsert(t, [entry(t, "a", q[:1], version=2), entry(t, "never", q, version=8)])
    assert index.entries(t) == {"b": 1}
    assert index.state(t).count == 1
    index.drop(t)
    assert index.entries(t) == {}
    assert other_model.entries(t) == {"c": 1}


@pytest.mark.parametrize(
    "metadata", [{"shoe_size": 44.0}, {"conditions": 3.0}, {"risk": "high"}, {"type": "a note's"}]
)
def test_metadata_that_do_not_fit_are_refused(
    engine: str, space_index: Build, access: Access, metadata: dict[str, Datum]
) -> None:
    index = space_index(engine, "m", D, PATIENTS)
    t, good = access.tenant_id, rows(1, PATIENTS)
    with pytest.raises(EventRejected, match="'wrong'"):
        index.upsert(t, [entry(t, "wrong", good, metadata=metadata)])
    assert index.entries(t) == {}


def test_a_question_of_another_dimension_is_told(
    engine: str, index: VectorIndex, access: Access
) -> None:
    if engine == "memory":
        return  # the reference takes any
    with pytest.raises(EngineUnavailable, match="dimensions"):
        index.search(access, np.ones(D + 1, np.float32), Filters(), 3)

"""Vectors of patients' records on every engine: in step with what is known, and going on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from app.settings import VectorBackend
from indexing.access import Access
from indexing.features import Profile
from indexing.filters import Filters
from indexing.language.concept_space import Partition, Partitions
from indexing.model import TenantId
from indexing.patient_vectors import PatientRecord, PatientVectors, RecordEncoder
from indexing.ports import VectorIndex
from indexing.spaces import Space, patients
from tests import engines
from tests.unit.test_linking import Counted

Build = Callable[[str, str, int, Space], VectorIndex]


@dataclass
class Words:
    """Features are called what they are; what a model told counts a tenth."""

    version: str = "words"
    kinds: dict[str, str] = field(default_factory=lambda: {"asthma": "disorder", "aspirin": "drug"})

    def feature(self, system: str, code: str, display: str = "") -> str:
        return code

    def is_concept(self, feature: str) -> bool:
        return True

    def name(self, feature: str, held: object) -> str:
        return feature

    def weight(self, feature: str) -> float:
        return 0.1 if feature.startswith("told") else 1.0

    def kind(self, feature: str) -> str:
        return self.kinds.get(feature, "")


@dataclass
class Records:
    """A ward in memory; counts whom it read."""

    people: dict[str, PatientRecord] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    now: int = 0
    given: list[str] = field(default_factory=list)

    def put(self, own: str, *found: str, **more: object) -> None:
        self.now += 1
        self.people[own] = PatientRecord(own, Profile.of(found), {}, **more)  # type: ignore[arg-type]
        self.epochs[own] = self.now

    def remove(self, own: str) -> None:
        self.now += 1
        del self.people[own], self.epochs[own]

    def epoch(self, _: TenantId) -> tuple[str, int]:
        return "era", self.now

    def versions(self, _: TenantId) -> dict[str, int]:
        return dict(self.epochs)

    def read(self, _: TenantId, naming: object, wanted: Sequence[str]) -> list[PatientRecord]:
        self.given += wanted
        return [self.people[each] for each in wanted if not self.people[each].profile.empty]


@pytest.fixture(params=engines.every(VectorBackend))
def index(request: pytest.FixtureRequest, space_index: Build) -> VectorIndex:
    return space_index(request.param, Counted().model, Counted.dimension, patients("cosine"))


@pytest.fixture
def records() -> Records:
    made = Records()
    made.put("a", "asthma", "wheezing", "aspirin", risk=0.8)
    made.put("b", "asthma", "wheezing")
    made.put("c", "fracture of the hip")
    made.put("d")
    made.put("e", "asthma", labels=frozenset({"R"}))
    return made


def vectors(index: VectorIndex, records: Records, tmp_path: Path) -> PatientVectors:
    where = Partition("memory", "m", Counted.dimension, "", "")
    made = Partitions(tmp_path / "made.json")
    return PatientVectors(index, records, Counted(), made, where)


def filled(own: PatientVectors, tenant_id: TenantId, words: Words) -> PatientVectors:
    while own.some(tenant_id, words):
        pass
    assert own.entries(tenant_id) == own.expected(tenant_id, words)
    return own


def near(own: PatientVectors, access: Access, *found: str) -> list[str]:
    shares = own.near(access, Profile.of(found), {}, Words())
    assert all(0 < share <= 1 for share in shares.values())
    return sorted(shares, key=lambda each: (-shares[each], each))


def test_records_are_found_by_what_they_hold_as_far_as_they_are_open(
    index: VectorIndex, records: Records, tmp_path: Path, access: Access
) -> None:
    own, t = vectors(index, records, tmp_path), access.tenant_id
    own.batch = 2
    assert own.some(t, Words())
    assert len(own.entries(t)) == 2  # broken off here, another process goes on
    again = filled(vectors(index, records, tmp_path), t, Words())
    assert sorted(records.given) == ["a", "b", "c", "d", "e"]
    assert near(again, access, "asthma", "wheezing") == ["b", "a"]
    cleared = replace(access, labels=frozenset({"R"}))
    assert set(near(again, cleared, "asthma", "wheezing")) == {"a", "b", "e"}
    assert near(again, replace(access, patients=frozenset({"a"})), "asthma") == ["a"]
    q = again._encode.encode(Profile.of(["asthma"]), {}, Words())
    assert q is not None
    for filters, expected in (
        (Filters(only={"conditions": ("asthma",)}), {"a", "b"}),
        (Filters(only={"medications": ("aspirin",)}), {"a"}),
        (Filters(at_least={"risk": 0.5}), {"a"}),
    ):
        assert {hit.doc_id for hit in index.search(access, q, filters, 9).hits} == expected


def test_what_changes_is_brought_in_what_goes_is_taken_out_and_nothing_else_is_read(
    index: VectorIndex, records: Records, tmp_path: Path, access: Access
) -> None:
    t = access.tenant_id
    own = filled(vectors(index, records, tmp_path), t, Words())
    before = near(own, access, "asthma", "wheezing", "told: likely back soon")
    records.given.clear()
    records.put("b", "asthma", "wheezing", "told: likely back soon")  # a prediction was stored
    records.remove("a")
    filled(own, t, Words())
    assert records.given == ["b"]
    after = near(own, access, "asthma", "wheezing", "told: likely back soon")
    assert (before, after) == (["b", "a"], ["b"])
    assert own.near(access, Profile.of(["asthma", "wheezing", "told: likely back soon"]), {},
                    Words())["b"] == pytest.approx(1.0, abs=1e-3)  # fmt: skip
    records.put("a", "wheezing")  # and comes back
    assert "a" in filled(own, t, Words()).entries(t)


def test_other_words_make_every_vector_anew_and_a_stop_in_between_costs_nothing(
    index: VectorIndex, records: Records, tmp_path: Path, access: Access
) -> None:
    t = access.tenant_id
    own = filled(vectors(index, records, tmp_path), t, Words())
    held = dict(own.entries(t))
    records.given.clear()
    newer = vectors(index, records, tmp_path)
    newer.batch = 3
    newer.some(t, Words("newer"))
    filled(vectors(index, records, tmp_path), t, Words("newer"))
    assert sorted(records.given) == ["a", "b", "c", "d", "e"]
    assert all(own.entries(t)[key] > version for key, version in held.items())
    (tmp_path / "made.json").unlink()  # the record was lost: made once more, never stuck behind
    lost = filled(vectors(index, records, tmp_path), t, Words("newer"))
    assert near(lost, access, "asthma", "wheezing") == ["b", "a"]


def test_what_a_model_told_moves_a_vector_a_little() -> None:
    encoder = RecordEncoder(Counted())
    plain = encoder.encode(Profile.of(["asthma", "wheezing"]), {}, Words())
    told = encoder.encode(Profile.of(["asthma", "wheezing", "told: back"]), {}, Words())
    assert plain is not None
    assert told is not None
    assert 0.9 < float(plain @ told) < 0.99999
    assert np.linalg.norm(told) == pytest.approx(1.0, abs=1e-5)
    assert encoder.encode(Profile.of([], ["asthma"]), {}, Words()) is None

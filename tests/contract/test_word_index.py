"""Names by their words in an engine: the answers of the postings in a process, tenants apart."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexing.access import Access, Role
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.neo4j import checks, connect
from indexing.backends.neo4j.connect import Neo4j
from indexing.errors import EngineUnavailable
from indexing.filters import Filters
from indexing.language.concept_space import EVERYBODY, ConceptSpace, Partitions
from indexing.language.linking import Linker
from indexing.language.own_links import OwnLinks, own_names
from indexing.language.placing import follower_of
from indexing.language.terminology import Addition, SemanticType, Terminology
from indexing.language.terminology.store import seed_terminology
from indexing.model import Document, Passage, TenantId, Tombstone
from indexing.ports import VectorEntry, VectorIndex, Worded, WordIndex
from indexing.spaces import MEDICAL_CONCEPTS, Space
from tests.contract.test_concept_space import partition
from tests.unit.test_linking import Counted

Build = Callable[[str, str, int, Space], VectorIndex]
ENGINES = ["memory", pytest.param("neo4j", marks=pytest.mark.engines)]
LIMIT = 60
# What Lucene's parser would take for its own: each is a text like any other here.
OPERATORS = [
    "", " ", "+ - && || ! ( ) { } [ ] ^ \" ~ * ? : \\ /", "AND OR NOT", "fever AND NOT cough",
    "NOT fever", "-fever +cough", "fever~", "fever~2", "hyper*", "*tension", "h?art", "heart^9",
    "words:fever", "[a TO z]", "{a TO z}", '"chest pain"', '"chest pain"~5', "(fever", "fever)",
    'fever"', "fever\\", "/fev.r/", "fever && cough", "fever || cough", "!fever", "\\u0066ever",
]  # fmt: skip
ODD = [
    "na\u00efve \u03b2-blocker", "\u5fc3\u4e0d\u5168", "\U0001f912 fever", "e\u0301tat",
    "\u00b2 \u2460", "fever\x00cough", "\u202efever", "'; MATCH (n) DETACH DELETE n //", "$tenant",
    "a" * 10_000, "fever " * 1_700, "\ud800 fever", "1.5 mg", "X-ray", "crohn's disease",
]  # fmt: skip


@pytest.fixture(scope="module")
def terminology() -> Terminology:
    return seed_terminology()


@pytest.fixture(params=ENGINES)
def index(
    request: pytest.FixtureRequest, space_index: Build, monkeypatch: pytest.MonkeyPatch
) -> VectorIndex:
    monkeypatch.setattr(connect, "CONNECT_S", 30.0)
    return space_index(request.param, Counted().model, Counted.dimension, MEDICAL_CONCEPTS)


def asked(tenant_id: TenantId) -> Access:
    return Access(tenant_id, "x", frozenset({Role.CLINICIAN}))


def placed(
    terminology: Terminology, index: VectorIndex, where: Path, only: list[int] | None = None,
    owner: str = EVERYBODY,
) -> Linker:  # fmt: skip
    """Return what finds the names of a terminology where they lie, whole."""
    space = ConceptSpace(index, Partitions(where), partition(owner))
    made = Linker(terminology, Counted(), None, space, only)
    while made.grow(5000):
        pass
    follower = follower_of(made, terminology)
    assert follower is not None
    while follower.grow():
        pass
    assert made.worded
    assert follower.entries() == follower.expected()
    return made


def questions(terminology: Terminology) -> list[str]:
    """Return names, parts of names, misspelt names and what only looks like a query."""
    dice = random.Random(4)
    texts = terminology.compiled.name_texts
    found = [*OPERATORS, *ODD, "pain", "acute pain of the left lower leg", "of the", "disease"]
    for text in dice.sample(texts, 60):
        words = text.split()
        found += [text, " ".join(dice.sample(words, len(words))), words[0]]
        at = dice.randrange(len(text))
        found.append(text[:at] + text[at + 1 :])
    return found


def test_answers_are_those_of_the_postings_in_the_process(
    index: VectorIndex, terminology: Terminology, tmp_path: Path
) -> None:
    linker = placed(terminology, index, tmp_path / "spaces.json")
    every = questions(terminology)
    for q in every[::5] if isinstance(index, MemoryVectorIndex) else every:
        known, found = terminology.search(q, LIMIT), linker.named(q, LIMIT)
        assert [name for name, _ in found] == [name for name, _ in known], q[:40]
        assert [s for _, s in found] == pytest.approx([s for _, s in known], abs=1e-6), q[:40]


def test_a_house_is_answered_over_its_own_names_too_and_nobody_else_is(
    index: VectorIndex, terminology: Terminology, tmp_path: Path
) -> None:
    where = tmp_path / "spaces.json"
    everybody = placed(terminology, index, where)
    additions = [
        Addition("site:quietknee", "quiet knee", semantic_type=SemanticType.DISORDER),
        Addition("anm:hypertension", "the squeezing pressure"),
        *(Addition(f"site:pain-{n}", f"pain {n} pain", semantic_type=SemanticType.FINDING)
          for n in range(700)),
    ]  # fmt: skip
    added = terminology.with_additions(additions)
    own = placed(added, index, where, own_names(added, additions), owner="a house")
    both = OwnLinks(added, everybody, own)
    for q in ("quiet knees", "squeezing", "pain", "pressure", "knee pain", "quite knee"):
        known, found = added.search(q, LIMIT), both.named(q, LIMIT)
        assert [name for name, _ in found] == [name for name, _ in known], q
        assert [s for _, s in found] == pytest.approx([s for _, s in known], abs=1e-6), q
        known = terminology.search(q, LIMIT)
        assert [name for name, _ in everybody.named(q, LIMIT)] == [name for name, _ in known], q
    found_by_all = everybody.named("quiet knee pain 7", LIMIT)
    assert not any(concept.startswith("site:") for concept, _ in found_by_all)


def test_nobodys_names_crowd_out_anothers(index: VectorIndex, new_tenants: list[TenantId]) -> None:
    ours, theirs = new_tenants
    row = np.zeros((1, Counted.dimension), np.float32)
    row[0, 0] = 1.0
    aside = np.full((1, Counted.dimension), 1 / np.sqrt(Counted.dimension), np.float32)

    def entries(tenant_id: TenantId, many: int, vector: np.ndarray) -> list[VectorEntry]:
        return [
            VectorEntry(
                Document(tenant_id, f"{tenant_id.hex[:4]}-{n}", 1, ""), "m", (Passage(0, 0, 0),),
                vector, worded=(Worded(n, "shared word", ("shared", "word")),),
            )
            for n in range(many)
        ]  # fmt: skip

    index.upsert(
        theirs, entries(theirs, 1_200, row)
    )  # nearer than ours, and more than are looked at
    index.upsert(ours, entries(ours, 3, aside))
    assert isinstance(index, WordIndex)
    hits = index.search(asked(ours), row[0], Filters(), 3).hits
    assert [hit.doc_id for hit in hits] == [f"{ours.hex[:4]}-{n}" for n in range(3)]
    assert index.spread(asked(ours), ["shared", "absent"]).get("shared") == 3
    assert not index.spread(asked(ours), ["absent"]).get("absent")
    named = index.named(asked(ours), {"shared": 1.0, "word": 0.5}, 10)
    assert [(hit.doc_id, hit.row, hit.size, hit.score) for hit in named] == [
        (f"{ours.hex[:4]}-{n}", n, 2, 1.5) for n in range(3)
    ]
    index.delete(ours, [Tombstone(f"{ours.hex[:4]}-0", 2)])
    assert [hit.row for hit in index.named(asked(ours), {"word": 1.0}, 10)] == [1, 2]
    assert sorted(index.texts(ours)) == ["shared word"] * 2
    index.drop(ours)
    assert index.texts(ours) == []
    assert list(index.named(asked(ours), {"word": 1.0}, 10)) == []
    assert len(index.texts(theirs)) == 1_200


@pytest.fixture
def new_tenants(new_tenant: Callable[[], object]) -> list[TenantId]:
    return [new_tenant().tenant_id for _ in range(2)]  # type: ignore[attr-defined]


@pytest.mark.engines
def test_an_index_that_was_lost_or_made_otherwise_is_told_and_made_anew(
    space_index: Build, neo4j_connection: Neo4j, new_tenants: list[TenantId]
) -> None:
    index, ours = space_index("neo4j", "m", 6, MEDICAL_CONCEPTS), new_tenants[0]
    row = np.eye(1, 6, dtype=np.float32)
    before = neo4j_connection.spaces()
    name = (Worded(0, "quiet knee", ("quiet", "knee")),)
    index.upsert(ours, [
        VectorEntry(Document(ours, "c", 1, ""), "m", (Passage(0, 0, 0),), row, worded=name)
    ])  # fmt: skip
    assert isinstance(index, WordIndex)
    made = [each for each in neo4j_connection.spaces() if each not in before]
    [([by_meaning, by_words], _)] = made
    neo4j_connection.undefine([by_words, by_meaning])
    with pytest.raises(EngineUnavailable, match="index") as told:
        index.search(asked(ours), row[0], Filters(), 3)
    assert "reconcile" in told.value.hint
    with pytest.raises(EngineUnavailable):
        index.named(asked(ours), {"knee": 1.0}, 3)
    [missing] = checks.health(neo4j_connection, dimension=6).troubles
    assert by_meaning in missing.what
    assert "reconcile" in missing.advice
    assert index.entries(ours) == {"c": 1}  # whoever compares sees to it that it is found
    assert checks.health(neo4j_connection, dimension=6).troubles == ()
    assert [hit.doc_id for hit in index.search(asked(ours), row[0], Filters(), 3).hits] == ["c"]
    assert [hit.doc_id for hit in index.named(asked(ours), {"knee": 1.0}, 3)] == ["c"]
    neo4j_connection.undefine([by_meaning])
    label = f"Vector_{by_meaning.rpartition('-')[2]}"
    other = (
        f"CREATE VECTOR INDEX `{by_meaning}` FOR (r:{label}) ON (r.vector) OPTIONS "
        "{indexConfig: {`vector.dimensions`: 3, `vector.similarity_function`: 'cosine'}}"
    )
    neo4j_connection.define({by_meaning: other})
    [wrong] = checks.health(neo4j_connection, dimension=6).troubles
    assert "holds 3 dimensions, its vectors have 6" in wrong.what
    [large] = [
        each for each in checks.health(neo4j_connection, dimension=5000).troubles
        if "5000" in each.what
    ]  # fmt: skip
    assert "4096" in large.what

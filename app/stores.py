"""Every store that follows the records, in the order in which they feed each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

from app.tenant_terms import TenantTerms
from app.wiring import Installation
from indexing.language.concept_space import ConceptFollower
from indexing.model import ChangeEvent, TenantId
from indexing.patient_vectors import PatientVectors, Wording
from indexing.reconcile import Store


def stores(installation: Installation) -> Sequence[Store]:
    """Return the stores that reconcile compares and rebuild fills."""
    language, lexical, graph, features, records = installation.text_followers()
    embed, vector = installation.vector_followers()
    found = installation.patients.features
    derived, model = installation.derived, installation.encoder.model

    def embedded(tenant_id: TenantId) -> Mapping[str, int]:
        return derived.embedded(tenant_id, model)

    def annotated(tenant_id: TenantId) -> Mapping[str, int]:
        return derived.annotated(tenant_id, installation.language_version_of(tenant_id))

    return (
        Store("language", language, annotated),
        Store("lexical", lexical, installation.lexical.entries, installation.lexical.fresh),
        Store("graph", graph, installation.graph.entries, installation.graph.fresh),
        Store("features", features, found.entries),
        Store("records", records, found.records, expected=found.all_records),
        Store("embedding", embed, embedded),
        Store("vector", vector, installation.vector.entries, installation.vector.fresh),
        Store(
            "research",
            installation.research.follower,
            installation.research.index.entries,
            expected=installation.research.studies.versions,
            empty=installation.research.index.drop,
        ),
        *_records(installation),
        *_named(installation),
    )


def _records(installation: Installation) -> Iterator[Store]:
    """Yield the vectors of patients' records, where there are some."""
    vectors = installation.patients.vectors
    if vectors is not None:
        own = RecordVectors(vectors, installation.patients.hierarchy)
        yield Store("patients", own, vectors.entries, expected=own.expected)


class RecordVectors:
    """The vectors of patients' records by each tenant's words."""

    name = PatientVectors.name
    kind = PatientVectors.kind
    batch = PatientVectors.batch

    def __init__(self, vectors: PatientVectors, words: Callable[[TenantId], Wording]) -> None:
        self._vectors, self._words = vectors, words

    def expected(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return what the space should hold."""
        return self._vectors.expected(tenant_id, self._words(tenant_id))

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Write what lives, remove what is gone."""
        self._vectors.apply_by(tenant_id, events, self._words(tenant_id))


def _named(installation: Installation) -> Iterator[Store]:
    """Yield the names of concepts in the site's vector engine, everybody's and a tenant's own."""
    placing = installation.everybody.placing
    if placing is None:
        return
    yield Store(
        "concepts", placing, lambda _: placing.entries(), placing.fresh,
        expected=lambda _: placing.expected(),
    )  # fmt: skip
    own = OwnConcepts(installation.terms)
    yield Store("own concepts", own, own.entries, own.fresh, expected=own.expected)


class OwnConcepts:
    """What tenants added to the terminology, each in its own partition."""

    name = ConceptFollower.name
    kind = ConceptFollower.kind
    batch = ConceptFollower.batch

    def __init__(self, terms: TenantTerms) -> None:
        self._terms = terms

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return what the space holds of a tenant's own."""
        own = self._placing(tenant_id)
        return {} if own is None else own.entries()

    def expected(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return what it should hold by now."""
        own = self._placing(tenant_id)
        return {} if own is None else own.expected()

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Write what lives, remove what is gone."""
        if (own := self._placing(tenant_id)) is not None:
            own.apply(tenant_id, events)

    @contextmanager
    def fresh(self, tenant_id: TenantId) -> Iterator[None]:
        """Let the engine lay out anew what is written while the block runs."""
        own = self._placing(tenant_id)
        with nullcontext() if own is None else own.fresh(tenant_id):
            yield

    def _placing(self, tenant_id: TenantId) -> ConceptFollower | None:
        own = self._terms.of(tenant_id)
        return None if own is None else own.placing

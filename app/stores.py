"""Every store that follows the records, in the order in which they feed each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.wiring import Installation
from indexing.model import TenantId
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
    )

"""What stands in Weaviate's collections, and how a passage and a note are laid out in them.

Values that are compared as a whole stand between two signs, because an empty text is not indexed
and spaces at either end are cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from weaviate.classes.config import Configure, DataType, Property, Tokenization, VectorDistances

from indexing.access import LABELS
from indexing.backends.weaviate.connect import Kind
from indexing.model import Document, Tombstone
from indexing.spaces import Kind as FieldKind
from indexing.spaces import Metadata, Space, amounts, texts

LAYOUT = 2  # of the properties: part of the physical name
LONGEST_KEY = 1_000
RESCORED = 200  # of the nearest by a byte a number: measured again in full
OTHER_LABEL = "OTHER"
VECTOR = "passage"  # the name of the vector
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TYPES: Mapping[FieldKind, DataType] = {
    "id": DataType.TEXT, "key": DataType.TEXT, "set": DataType.TEXT_ARRAY,
    "instant": DataType.INT, "number": DataType.NUMBER, "flag": DataType.BOOL,
}  # fmt: skip
_HELD = frozenset({"version", "live"})  # read, never asked for


def passages(space: Space, kind: Kind) -> dict[str, Any]:
    """Return the collection of a vector space, one object for each vector."""
    measures = {"cosine": VectorDistances.COSINE, "euclidean": VectorDistances.L2_SQUARED}
    measure = measures[space.metric]
    index: Any
    if kind == "flat":
        coarse = Configure.VectorIndex.Quantizer.rq(bits=8, cache=True, rescore_limit=RESCORED)
        index = Configure.VectorIndex.flat(distance_metric=measure, quantizer=coarse)
    else:
        index = Configure.VectorIndex.hnsw(
            distance_metric=measure, max_connections=16, ef_construction=128, ef=200
        )
    return {
        "properties": [*properties(space), _property("number", "instant", asked=False)],
        "vector_config": Configure.Vectors.self_provided(name=VECTOR, vector_index_config=index),
        **_shared(),
    }


def notes() -> dict[str, Any]:
    """Return the collection that says at which version each note is held."""
    kinds: dict[str, FieldKind] = {
        "tenant": "id", "doc_id": "id", "version": "instant", "live": "flag", "settled": "flag",
    }  # fmt: skip
    return {
        "properties": [_property(name, kind, asked=False) for name, kind in kinds.items()],
        "vector_config": Configure.Vectors.self_provided(
            vector_index_config=Configure.VectorIndex.none()
        ),
        **_shared(),
    }


def properties(space: Space) -> list[Property]:
    """Return what a space's objects hold; an index for each that a question can name."""
    return [_property(name, kind, asked=name not in _HELD) for name, kind in space.schema.items()]


def _property(name: str, kind: FieldKind, *, asked: bool) -> Property:
    text = kind in ("id", "key", "set")
    return Property(
        name=name, data_type=_TYPES[kind], index_filterable=asked,
        index_searchable=False if text else None,
        index_range_filters=asked if kind in ("instant", "number") else None,
        tokenization=Tokenization.FIELD if text else None,
    )  # fmt: skip


def _shared() -> dict[str, Any]:
    return {
        "multi_tenancy_config": Configure.multi_tenancy(
            enabled=True, auto_tenant_creation=False, auto_tenant_activation=True
        )
    }


def whole(value: str) -> str:
    """Spell a value that is compared as a whole."""
    return f"={clean(value)[:LONGEST_KEY]}="


def identity(doc_id: str) -> str:
    """Spell a document's id, in full; `named` reads it."""
    return f"={doc_id}="


def named(spelled: object) -> str:
    """Return the document's id that `identity` spelled."""
    return str(spelled)[1:-1]


def key(value: str) -> str:
    """Spell a value so that case does not matter."""
    return whole(value.casefold())


def spelled(space: Space, name: str, value: str) -> str:
    """Spell a value as a space's field holds it."""
    return whole(value) if space.schema[name] == "id" else key(value)


def micros(instant: datetime) -> int:
    """Count the microseconds since 1970, exactly. A naive instant is taken as UTC."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def filtered(held: Document, space: Space, metadata: Metadata) -> dict[str, Any]:
    """Lay out what a document is filtered by in a space. Raises: EventRejected."""
    made: dict[str, Any] = {
        "tenant": held.tenant_id.hex, "doc_id": identity(held.doc_id), "version": held.version,
        **amounts(space, held, metadata),
    }  # fmt: skip
    for name, values in texts(space, held, metadata).items():
        told = [spelled(space, name, value) for value in values]
        made[name] = told if space.schema[name] == "set" else told[0]
    if held.labels and "label" in space.schema:
        made["label"] = sorted({x if x in LABELS else OTHER_LABEL for x in held.labels})
    if held.patient_id is not None and "patient_id" in space.schema:
        made["patient_id"] = whole(held.patient_id)
    if held.date_start is not None and "start" in space.schema:
        first = micros(held.date_start)
        end = held.date_end
        made["start"] = first
        made["end"] = max(micros(end), first + 1) if end is not None else first + 1
    return made


def note(tenant: str, stone: Tombstone, *, live: bool, settled: bool) -> dict[str, Any]:
    """Lay out what a note is held at; not `settled` while its passages change."""
    return {
        "tenant": tenant, "doc_id": identity(stone.key), "version": stone.version, "live": live,
        "settled": settled,
    }  # fmt: skip


def clean(value: str) -> str:
    """A lone surrogate cannot be written to any index."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()

"""The vector spaces: what lies in each, by what measure, and what it is filtered by.

OpenSearch and Weaviate take their fields and physical names from here; pgvector names the model in
`vector_document`. The model and its dimension are part of the name: another model fills a space of
its own beside the old one, which serves the processes that run with the old settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from indexing.errors import EventRejected
from indexing.filters import Filters, compared
from indexing.model import Document

Metric = Literal["cosine", "euclidean"]

# How a field of a space is compared: `id` as it is, `key` ignoring case, `set` by any of its
# values, `instant` in microseconds since 1970, `number` as a float, `flag` true or false.
Kind = Literal["id", "key", "set", "instant", "number", "flag"]

# What a field beyond a document's own holds: one text, a number, or several texts.
Datum = str | float | tuple[str, ...]
Metadata = Mapping[str, Datum]

_OWN: Mapping[str, Kind] = {
    "tenant": "id", "doc_id": "id", "version": "instant", "live": "flag", "entity_type": "key",
}  # fmt: skip
# These an engine lays out in ways of its own.
_LAID_OUT = frozenset({"tenant", "doc_id", "patient_id", "label"})
_OF_A_PATIENT: Mapping[str, Kind] = {
    "patient_id": "id", "patient": "key", "label": "set", "start": "instant", "end": "instant",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Space:
    """`holds` says what one vector stands for; `schema` is its metadata."""

    name: str
    holds: str
    metric: Metric
    schema: Mapping[str, Kind] = field(default_factory=dict, hash=False)

    def physical(self, model: str, dimension: int) -> str:
        """Return the name that the vectors of a model lie under: lower case, digits, hyphens."""
        short = re.sub(r"[^a-z0-9]+", "-", model.rpartition("/")[2].lower()).strip("-")
        told = blake2b(model.encode(), digest_size=3).hexdigest()  # two may shorten to one
        own = self.name.replace("_", "-") + ("" if self.metric == "cosine" else f"-{self.metric}")
        return f"{own}-{short[:40]}-{told}-{dimension}"


CLINICAL_NOTES = Space(
    "clinical_notes", "a passage of a note", "cosine",
    {
        **_OWN, **_OF_A_PATIENT,
        "type": "key", "specialty": "key", "author": "key", "conditions": "set",
        "medications": "set",
    },
)  # fmt: skip
PATIENTS = Space(
    "patients", "a patient's record at one time", "cosine",
    {**_OWN, **_OF_A_PATIENT, "conditions": "set", "medications": "set", "risk": "number"},
)  # fmt: skip
MEDICAL_CONCEPTS = Space(
    "medical_concepts", "a name of a concept", "cosine",
    {**_OWN, "concept_id": "id", "semantic_type": "key", "system": "key"},
)  # fmt: skip
RESEARCH = Space(
    "research", "a passage of a study", "cosine",
    {
        **_OWN, "methodology": "key", "outcomes": "set", "conditions": "set", "medications": "set",
        "start": "instant", "end": "instant",
    },
)  # fmt: skip

SPACES: Mapping[str, Space] = {
    space.name: space for space in (CLINICAL_NOTES, PATIENTS, MEDICAL_CONCEPTS, RESEARCH)
}


def texts(
    space: Space, document: Document, metadata: Metadata | None
) -> dict[str, tuple[str, ...]]:
    """Return the texts that a document is filtered by, by field: its own and those of `metadata`,
    ("",) where one is missing; without metadata (None) its own alone.

    Raises:
        EventRejected: the metadata do not fit the space.
    """
    own = {
        "entity_type": document.resource_type, "type": document.type, "author": document.author,
        "specialty": document.specialty, "patient": document.patient_id or "",
    }  # fmt: skip
    found: dict[str, tuple[str, ...]] = {}
    for name, kind in space.schema.items():
        if name in own:
            found[name] = (own[name],)
        elif metadata is not None and name not in _LAID_OUT and kind in ("id", "key", "set"):
            value = metadata.get(name, "")
            found[name] = value if isinstance(value, tuple) else (_text(document, name, value),)
            found[name] = found[name] or ("",)
    if strange := sorted(set(metadata or ()) - found.keys() - numbers(space)):
        raise EventRejected(f"document {document.doc_id!r}: {space.name} has no {strange[0]!r}")
    return found


def _text(document: Document, name: str, value: str | float) -> str:
    if not isinstance(value, str):
        raise EventRejected(f"document {document.doc_id!r}: {name!r} is a text")
    return value


def numbers(space: Space) -> frozenset[str]:
    """Return the names of a space's numbers."""
    return frozenset(name for name, kind in space.schema.items() if kind == "number")


def amounts(space: Space, document: Document, metadata: Metadata) -> dict[str, float]:
    """Return the numbers that a document is filtered by. Raises: EventRejected."""
    found = {name: metadata[name] for name in numbers(space) if name in metadata}
    for name, value in found.items():
        if isinstance(value, str | tuple):
            raise EventRejected(f"document {document.doc_id!r}: {name!r} is a number")
    return {name: float(value) for name, value in found.items()}  # type: ignore[arg-type]


def folded(space: Space, name: str, values: Iterable[str]) -> frozenset[str]:
    """Return values as a field compares them."""
    plain = space.schema[name] == "id"
    return frozenset(value if plain else compared(name, value) for value in values)


def filtered_by(space: Space) -> frozenset[str]:
    """Return the names that `Filters.only` and `Filters.without` may hold in a space."""
    kinds = ("id", "key", "set")
    return frozenset(n for n, k in space.schema.items() if k in kinds and n not in _LAID_OUT)


def passes(space: Space, document: Document, metadata: Metadata, filters: Filters) -> bool:
    """Say whether a document passes a space's filters, as every engine must."""
    held = texts(space, document, metadata)
    for wanted, keeps in ((filters.only, True), (filters.without, False)):
        for name, values in wanted.items():
            if name not in filtered_by(space):
                if keeps:
                    return False
                continue
            if bool(folded(space, name, held[name]) & folded(space, name, values)) != keeps:
                return False
    has = amounts(space, document, metadata)
    nothing = float("nan")  # neither above nor below anything
    return all(has.get(n, nothing) >= least for n, least in filters.at_least.items()) and all(
        has.get(n, nothing) <= most for n, most in filters.at_most.items()
    )


def cosine_of(metric: Metric, score: float) -> float:
    """Return the cosine that a score stands for, of vectors at unit length."""
    return score if metric == "cosine" else 1.0 - (1.0 / score - 1.0) / 2.0


def near(metric: Metric, distance: float) -> float:
    """Return a score for a distance: the cosine for one less it, for Euclid's squared the share
    1 / (1 + it), as Lucene does."""
    return 1.0 - distance if metric == "cosine" else 1.0 / (1.0 + distance)


def patients(metric: Metric) -> Space:
    """Return the space of patients with the metric that the site has set."""
    return Space(PATIENTS.name, PATIENTS.holds, metric, PATIENTS.schema)

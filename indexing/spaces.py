"""The vector spaces: what lies in each, by what measure, and what it is filtered by.

OpenSearch and Weaviate take their fields and physical names from here; pgvector names the model in
`vector_document`. The model and its dimension are part of the name: another model fills a space of
its own beside the old one, which serves the processes that run with the old settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

Metric = Literal["cosine", "euclidean"]

# How a field of a space is compared: `id` as it is, `key` ignoring case, `set` by any of its
# values, `instant` in microseconds since 1970, `number` as a float, `flag` true or false.
Kind = Literal["id", "key", "set", "instant", "number", "flag"]

_OWN: Mapping[str, Kind] = {
    "tenant": "id", "doc_id": "id", "version": "instant", "live": "flag", "entity_type": "key",
}  # fmt: skip
_OF_A_PATIENT: Mapping[str, Kind] = {
    "patient_id": "id", "patient": "key", "label": "set", "start": "instant", "end": "instant",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Space:
    """`holds` says what one vector stands for; `schema` is its metadata."""

    name: str
    holds: str
    metric: Metric
    schema: Mapping[str, Kind] = field(default_factory=dict)

    def physical(self, model: str, dimension: int) -> str:
        """Return the name that the vectors of a model lie under: lower case, digits, hyphens."""
        short = re.sub(r"[^a-z0-9]+", "-", model.rpartition("/")[2].lower()).strip("-")
        told = blake2b(model.encode(), digest_size=3).hexdigest()  # two may shorten to one
        return f"{self.name.replace('_', '-')}-{short[:40]}-{told}-{dimension}"


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
    "research", "a passage of an article", "cosine",
    {
        **_OWN, "methodology": "key", "outcomes": "set", "conditions": "set", "medications": "set",
        "start": "instant", "end": "instant",
    },
)  # fmt: skip

SPACES: Mapping[str, Space] = {
    space.name: space for space in (CLINICAL_NOTES, PATIENTS, MEDICAL_CONCEPTS, RESEARCH)
}


def patients(metric: Metric) -> Space:
    """Return the space of patients with the metric that the site has set."""
    return Space(PATIENTS.name, PATIENTS.holds, metric, PATIENTS.schema)

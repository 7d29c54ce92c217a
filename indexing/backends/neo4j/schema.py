"""Constraints and indexes, made when they are not there; all of them stand in every edition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from indexing.spaces import Metric

PREFIX: Final = "anamnesis_"
_KEYS: Final = {
    "Note": "n.tenant, n.id", "Concept": "n.tenant, n.id", "Tenant": "n.tenant",
    "MedicalEntry": "n.tenant, n.key", "MedicalThing": "n.tenant, n.id",
    "MedicalTenant": "n.tenant", "VectorSpace": "n.tenant, n.space",
    "VectorEntry": "n.tenant, n.space, n.id",
}  # fmt: skip

# What an entry's edges are found by, and a patient's entry.
_INDEXES: Final = {
    "said": "()-[r:SAID]-() ON (r.entry)", "stated": "()-[r:STATED]-() ON (r.entry)",
    "patient": "(e:MedicalEntry) ON (e.tenant, e.patient_id)",
}  # fmt: skip

# Unique by (tenant, id): what every MATCH begins with, and what keeps two writers from making one
# note twice.
STATEMENTS: Final = (
    *(
        f"CREATE CONSTRAINT anamnesis_{label.lower()} IF NOT EXISTS "
        f"FOR (n:{label}) REQUIRE ({key}) IS UNIQUE"
        for label, key in _KEYS.items()
    ),
    *(f"CREATE INDEX anamnesis_{name} IF NOT EXISTS FOR {what}" for name, what in _INDEXES.items()),
    "CALL db.awaitIndexes(60)",
)

MOST_DIMENSIONS: Final = 4096  # that a vector index of 5.26 takes

# The server finds the nearest of an index first and looks whose they are then: nobody's are crowded
# out where each partition of a space has its own. Vectors are kept whole, so that scores are exact.
_BY_MEANING: Final = """
CREATE VECTOR INDEX `{name}` IF NOT EXISTS FOR (r:{label}) ON (r.vector) OPTIONS {{indexConfig: {{
`vector.dimensions`: {dimension}, `vector.similarity_function`: '{metric}',
`vector.quantization.enabled`: false}}}}
"""
# Split at spaces and nothing else: words come cut and folded as the terminology does it.
_BY_WORDS: Final = """
CREATE FULLTEXT INDEX `{name}` IF NOT EXISTS FOR (r:{label}) ON EACH [r.words]
OPTIONS {{indexConfig: {{`fulltext.analyzer`: 'whitespace'}}}}
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """The names of what one tenant has in one vector space: its entries are known by `space`, its
    rows and its names bear labels that nobody else's do, and each label has an index."""

    space: str
    key: str
    dimension: int
    metric: Metric

    @property
    def rows(self) -> str:
        """The label of vectors."""
        return f"Vector_{self.key}"

    @property
    def names(self) -> str:
        """The label of names."""
        return f"Name_{self.key}"

    @property
    def by_meaning(self) -> str:
        """The vector index."""
        return f"{PREFIX}{self.space}-{self.key}"

    @property
    def by_words(self) -> str:
        """The full-text index."""
        return f"{self.by_meaning}-words"

    @property
    def indexes(self) -> Mapping[str, str]:
        """The statement that makes each index, by its name."""
        return {
            self.by_meaning: _BY_MEANING.format(
                name=self.by_meaning, label=self.rows, dimension=self.dimension,
                metric=self.metric,
            ),
            self.by_words: _BY_WORDS.format(name=self.by_words, label=self.names),
        }  # fmt: skip

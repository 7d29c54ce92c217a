"""Constraints and indexes, made when they are not there; all of them stand in every edition."""

from __future__ import annotations

from typing import Final

_KEYS: Final = {"Note": "n.tenant, n.id", "Concept": "n.tenant, n.id", "Tenant": "n.tenant"}

# Unique by (tenant, id): what every MATCH begins with, and what keeps two writers from making one
# note twice.
STATEMENTS: Final = (
    *(
        f"CREATE CONSTRAINT anamnesis_{label.lower()} IF NOT EXISTS "
        f"FOR (n:{label}) REQUIRE ({key}) IS UNIQUE"
        for label, key in _KEYS.items()
    ),
    "CALL db.awaitIndexes(60)",
)

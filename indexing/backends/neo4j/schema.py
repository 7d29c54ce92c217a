"""Constraints and indexes, made when they are not there; all of them stand in every edition."""

from __future__ import annotations

from typing import Final

_KEYS: Final = {
    "Note": "n.tenant, n.id", "Concept": "n.tenant, n.id", "Tenant": "n.tenant",
    "MedicalEntry": "n.tenant, n.key", "MedicalThing": "n.tenant, n.id",
    "MedicalTenant": "n.tenant",
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

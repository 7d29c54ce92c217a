"""What of each table is a patient's, by the catalogue: a table that comes later is reached by the
names of its columns, and one whose columns nobody knows is refused by a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from indexing.backends.postgres.connect import Connection
from indexing.fhir.projections import TABLES_OF

PEOPLE: Final = frozenset({"patient_id", "subject", "subject_id", "into_id", "said_by"})
DOCS: Final = frozenset({"doc_id", "first_id", "replaced_id", "replacer_id"})
KEYS: Final = frozenset({"key", "origin"})  # "Type/id", or a document's
ARRAYS: Final = frozenset({"members", "decided_by"})  # of lists that others have too
# Written to, never emptied: the erasures themselves, and the chain, whose rows let ids go.
KEPT: Final = frozenset({"erasure", "audit_event", "audit_patient", "audit_redaction"})
# An answer as it was given quotes whoever it found: all pages go, as they do after some hours.
EMPTIED: Final = frozenset({"frozen_page"})
_PLACES = "series_id"  # points and hours, of a series that has a subject
_SERIES = "vital_series"
_PATIENT_SPACE = "patients"  # how the space of whole records begins, where a document is a patient

_TABLES = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum),
    array_agg(format_type(a.atttypid, -1) ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY c.relname ORDER BY c.relname
"""
_TYPES_OF: Mapping[str, Sequence[str]] = {
    table: sorted(kind for kind, tables in TABLES_OF.items() if table in tables)
    for tables in TABLES_OF.values()
    for table in tables
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the types of its columns."""

    name: str
    columns: Mapping[str, str]

    @property
    def a_tenants(self) -> bool:
        """Say whether its rows are a tenant's."""
        return "tenant_id" in self.columns


def tables(conn: Connection) -> list[Table]:
    """Return every table, partitions by their parents; series last but one, as points need them."""
    rows = conn.execute(_TABLES).fetchall()
    found = [Table(r[0], dict(zip(r[1], r[2], strict=True))) for r in rows]
    return sorted(found, key=lambda table: (table.name == _SERIES, table.name))


def theirs(table: Table) -> str:
    """Return the condition under which a row `t` is a patient's, "" where none can be.

    Bound are %(people)s, %(docs)s, %(names)s ("Type/id").
    """
    if not table.a_tenants or table.name in KEPT:
        return ""
    if table.name in EMPTIED:
        return "true"
    own = table.columns
    parts = [f"t.{name} = ANY(%(people)s)" for name in PEOPLE & own.keys()]
    parts += [f"t.{name} = ANY(%(docs)s)" for name in DOCS & own.keys()]
    parts += [
        f"t.{name} = ANY(%(names)s::text[] || %(docs)s::text[])" for name in KEYS & own.keys()
    ]
    if {"type", "id"} <= own.keys():
        parts.append("(t.type || '/' || t.id) = ANY(%(names)s)")
    if {"resource_type", "resource_id"} <= own.keys():
        parts.append("(t.resource_type || '/' || t.resource_id) = ANY(%(names)s)")
    elif "resource_id" in own:
        kinds = [f"('{kind}/' || t.resource_id) = ANY(%(names)s)"
                 for kind in _TYPES_OF.get(table.name, ())]  # fmt: skip
        parts += kinds
    if {"space", "doc_id"} <= own.keys():
        parts.append(f"(t.space LIKE '{_PATIENT_SPACE}%%' AND t.doc_id = ANY(%(people)s))")
    if _PLACES in own and table.name != _SERIES:
        parts.append(
            f"t.{_PLACES} IN (SELECT s.{_PLACES} FROM {_SERIES} s "
            "WHERE s.tenant_id = %(tenant)s AND s.subject = ANY(%(people)s))"
        )
    return " OR ".join(sorted(parts))

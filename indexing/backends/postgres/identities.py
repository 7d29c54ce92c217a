"""What is known to identify patients: from their own records, to be hidden in their notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import zstandard

from indexing.access import Access
from indexing.backends.postgres.connect import Connection, Database
from indexing.hidden import Identity

_unpack = zstandard.ZstdDecompressor().decompress


class PostgresIdentities:
    """Read to hide, never to show: what is found here reaches nobody."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, access: Access, patient_ids: Sequence[str]) -> Mapping[str, Identity]:
        """Return, by patient, names and literals of the Patient, of who was merged into it, and of
        the people who wrote in the chart."""
        with self._database.tenant(access.tenant_id) as conn:
            charts = _charts(conn, access, patient_ids)
            records = _patients(conn, access, sorted({own for own, _ in charts}))
            authors = dict(
                conn.execute(
                    "SELECT patient_id, array_agg(DISTINCT author) FROM document "
                    "WHERE tenant_id = %s AND patient_id = ANY(%s) AND live GROUP BY patient_id",
                    (access.tenant_id, list(patient_ids)),
                ).fetchall()
            )
        found = {
            each: Identity(frozenset(authors.get(each, ())), frozenset({each}))
            for each in patient_ids
        }
        for own, chart in charts:
            found[chart] = found[chart].joined(records.get(own, Identity()))
            found[chart] = found[chart].joined(Identity(literals=frozenset({own})))
        return found


def _charts(
    conn: Connection, access: Access, patient_ids: Sequence[str]
) -> Sequence[tuple[str, str]]:
    """Return (patient, whose chart it is), the merged ones too."""
    return conn.execute(
        'WITH RECURSIVE own(id, chart) AS (SELECT p COLLATE "C", p FROM unnest(%s::text[]) p UNION '
        "SELECT m.patient_id, own.chart FROM patient_merge m JOIN own ON m.into_id = own.id "
        "WHERE m.tenant_id = %s) SELECT id, chart FROM own",
        (list(patient_ids), access.tenant_id),
    ).fetchall()


def _patients(
    conn: Connection, access: Access, patient_ids: Sequence[str]
) -> Mapping[str, Identity]:
    # Labels do not matter here: what must not be seen must all the more be hidden.
    rows = conn.execute(
        "SELECT id, received FROM resource WHERE tenant_id = %s AND type = 'Patient' "
        "AND id = ANY(%s) AND NOT deleted",
        (access.tenant_id, list(patient_ids)),
    ).fetchall()
    return {row[0]: identity_of(orjson.loads(_unpack(row[1]))) for row in rows}


def identity_of(patient: Mapping[str, Any]) -> Identity:
    """Return what identifies in a Patient resource."""
    names = {*_names(patient), *(n for c in _listed(patient, "contact") for n in _names(c))}
    literals: set[str] = set()
    for who in (patient, *_listed(patient, "contact")):
        for telecom in _listed(who, "telecom"):
            literals.update(_texts(telecom, "value"))
        address = who.get("address")
        for each in [address] if isinstance(address, dict) else _listed(who, "address"):
            for part in ("text", "line", "city", "district", "postalCode"):
                literals.update(_texts(each, part))
    for identifier in _listed(patient, "identifier"):
        literals.update(_texts(identifier, "value"))
    return Identity(frozenset(names), frozenset(literals))


def _names(who: Mapping[str, Any]) -> Iterator[str]:
    name = who.get("name")
    for each in [name] if isinstance(name, dict) else _listed(who, "name"):
        for part in ("text", "family", "given"):
            yield from _texts(each, part)


def _listed(of: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = of.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _texts(of: Mapping[str, Any], name: str) -> Iterator[str]:
    found = of.get(name)
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, str):
            yield each

"""FHIR searches, compartments and histories in PostgreSQL: each read with its audit row.

What matches is frozen as ids when it is found, so that pages never shift; a page reads its
resources as they are when it is opened, by what the reader may see then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import zstandard

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.frozen import frozen, keep
from indexing.backends.postgres.search_sql import Statement
from indexing.errors import EngineUnavailable, NotFound
from indexing.fhir.search.request import FhirSearch, Include
from indexing.records import Held

MOST_FOUND = 50_000  # ids that one search freezes
MOST_INCLUDED = 2_000  # resources beside the matches of one page
_unpack = zstandard.ZstdDecompressor().decompress
_HELD = (
    "r.type, r.id, r.version, r.last_updated, r.received, r.links, r.deleted, r.patient_id, "
    "r.author, r.reason"
)


@dataclass(frozen=True, slots=True)
class Found:
    """One page: the matches from `start` on and what was included beside them.

    `total` counts every match, None where it was not wanted; `page_id` opens the other pages,
    `frozen` says how many matches they hold; `left_out` counts what is missing from this page.
    """

    page_id: str
    start: int
    count: int
    total: int | None
    frozen: int
    matches: Sequence[Held]
    included: Sequence[Held] = ()
    left_out: Mapping[str, int] | None = None


class PostgresFhirSearch:
    """Searches by access; nothing is answered while values of the tenant are still missing."""

    def __init__(self, database: Database, life: timedelta, most: int = MOST_FOUND) -> None:
        self._database, self._life, self._most = database, life, most

    def search(self, access: Access, asked: FhirSearch) -> Found:
        """Find, freeze and return the first page.

        Raises:
            EngineUnavailable: the tenant's resources are not all searchable yet.
        """
        with self._database.tenant(access.tenant_id) as conn:
            _filled(conn)
            if asked.summary == "count" or asked.count == 0:
                total = _count(conn, access, asked)
                audit.record(conn, access, AuditRow("R", "fhir-count", [], [asked.resource_type],
                                                    {"matches": total}))  # fmt: skip
                return Found("", 0, 0, total, 0, ())
            ids = _matches(conn, access, asked, self._most + 1)
            cut = len(ids) > self._most
            total = _count(conn, access, asked) if cut and asked.total else len(ids)
            keys = [[asked.resource_type, each] for each in ids[: self._most]]
            return self._first(conn, access, asked, keys, total if asked.total else None, cut)

    def everything(
        self, access: Access, patient_id: str, types: Sequence[str], since: datetime | None,
        count: int,
    ) -> Found:  # fmt: skip
        """Return the first page of all that stands in a patient's record, and what it refers to
        that is nobody's: practitioners, organizations, locations, medications.

        A resource about several people is left out and counted where it names another patient.

        Raises:
            NotFound: no such patient that `access` opens.
            EngineUnavailable: as `search`.
        """
        with self._database.tenant(access.tenant_id) as conn:
            _filled(conn)
            statement = Statement(access)
            own = {"patient": patient_id, "types": list(types) or None, "since": since}
            statement.values.update(own)
            row = conn.execute(
                f"SELECT 1 FROM resource r WHERE {statement.open('r', 'Patient')} "
                "AND r.id = %(patient)s", statement.values,
            ).fetchone()  # fmt: skip
            if row is None:
                raise NotFound("no such patient, or the record is not open to you")
            values = {**own, "tenant": access.tenant_id,
                      "closed": sorted(access.closed_labels),
                      "patients": None if access.patients is None else sorted(access.patients),
                      "shared": list(SHARED), "several": list(SEVERAL)}  # fmt: skip
            rows = conn.execute(_EVERYTHING, values).fetchall()
            keys = [[kind, name] for kind, name, others in rows if not others]
            left = len(rows) - len(keys)
            asked = FhirSearch("Patient", count=count)
            return self._first(
                conn, access, asked, keys, len(keys), cut=False,
                left={"of several patients": left} if left else None,
            )  # fmt: skip

    def open(self, access: Access, page_id: str, start: int) -> tuple[Found, FhirSearch]:
        """Open a frozen page again.

        Raises:
            NotFound: it expired, never was, or is not this principal's as they are now.
        """
        with self._database.tenant(access.tenant_id) as conn:
            answer = frozen(conn, access, page_id).answer.get("fhir")
            if answer is None or not 0 <= start <= len(answer["keys"]):
                raise NotFound("this page of results is not here any more")
            asked = FhirSearch(
                answer["type"], count=answer["count"], summary=answer["summary"],
                elements=tuple(answer["elements"]),
                includes=tuple(Include(s, tuple(n), t, b) for s, n, t, b in answer["includes"]),
            )  # fmt: skip
            page = _page(conn, access, asked, answer["keys"], start)
            _record(conn, access, page_id, page)
            left = {**(page.left_out or {}), **answer["left"]} or None
            return replace(page, page_id=page_id, total=answer["total"], left_out=left), asked

    def history(
        self, access: Access, resource_type: str, resource_id: str, since: datetime | None
    ) -> Sequence[Held]:
        """Return the versions of a resource that `access` opens, newest first.

        Raises:
            NotFound: there is none.
        """
        of = "tenant_id = %s AND type = %s AND id = %s"
        values = [access.tenant_id, resource_type, resource_id]
        columns = _HELD.replace("r.", "") + ", labels"
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {columns} FROM resource WHERE {of} UNION ALL "
                f"SELECT {columns} FROM resource_history WHERE {of} ORDER BY version DESC",
                [*values, *values],
            ).fetchall()
            held = _opened(access, rows)
            if not held:
                raise NotFound(f"no {resource_type}/{resource_id}")
            shown = [each for each in held if since is None or each.last_updated >= since]
            name = f"{resource_type}/{resource_id}"
            patients = sorted({each.patient_id for each in held if each.patient_id})
            row = AuditRow("R", "fhir-history", patients, [name], {"versions": len(shown)})
            audit.record(conn, access, row)
        return shown

    def _first(
        self, conn: Connection, access: Access, asked: FhirSearch, keys: list[list[str]],
        total: int | None, cut: bool, left: Mapping[str, int] | None = None,
    ) -> Found:  # fmt: skip
        page = _page(conn, access, asked, keys, 0)
        left = dict(left or {})
        if cut:
            left["beyond what one search keeps"] = (total or 0) - len(keys)
        answer = {
            "type": asked.resource_type, "keys": keys, "count": asked.count, "total": total,
            "summary": asked.summary, "elements": list(asked.elements), "left": left,
            "includes": [[i.source, list(i.names), i.target, i.back] for i in asked.includes],
        }  # fmt: skip
        page_id = keep(conn, access, self._life, {}, {"fhir": answer})
        _record(conn, access, page_id, page)
        left = {**(page.left_out or {}), **left}
        return replace(page, page_id=page_id, total=total, left_out=left or None)


# Types that are nobody's record and may be shown beside anybody's.
SHARED = (
    "Device", "Endpoint", "HealthcareService", "Location", "Medication", "Organization",
    "Practitioner", "PractitionerRole", "Substance",
)  # fmt: skip
# Types that may be about several people: shown only where they name nobody else.
SEVERAL = ("Appointment", "AppointmentResponse", "AuditEvent", "Person", "Provenance", "Schedule")
_OPEN = (
    "r.tenant_id = %(tenant)s AND NOT r.deleted AND NOT r.labels && %(closed)s::text[] "
    "AND (%(patients)s::text[] IS NULL OR r.patient_id = ANY(%(patients)s::text[]))"
)
_EVERYTHING = f"""
WITH own AS MATERIALIZED (
    SELECT r.type, r.id, r.last_updated, r.type = ANY(%(several)s::text[]) AND EXISTS (
        SELECT FROM search_reference s WHERE s.tenant_id = %(tenant)s AND s.resource_id = r.id
        AND s.resource_type = r.type AND s.target_type = 'Patient'
        AND s.target_id <> %(patient)s) AS others
    FROM resource r WHERE {_OPEN} AND r.patient_id = %(patient)s
), beside AS (
    SELECT DISTINCT r.type, r.id, r.last_updated FROM own
    JOIN search_reference s ON s.tenant_id = %(tenant)s AND s.resource_id = own.id
        AND s.resource_type = own.type
    JOIN resource r ON {_OPEN} AND r.type = s.target_type AND r.id = s.target_id
    WHERE NOT own.others AND s.target_type = ANY(%(shared)s::text[]) AND r.patient_id IS NULL
)
SELECT type, id, others FROM (
    SELECT type, id, last_updated, others, 0 AS beside FROM own
    UNION ALL SELECT type, id, last_updated, false, 1 FROM beside) e
WHERE (%(types)s::text[] IS NULL OR type = ANY(%(types)s::text[]))
    AND (%(since)s::timestamptz IS NULL OR last_updated >= %(since)s::timestamptz)
ORDER BY type <> 'Patient', beside, type, id
"""


def _filled(conn: Connection) -> None:
    """Refuse to answer from values that are not all there: it would find too little.

    Raises:
        EngineUnavailable: so.
    """
    if conn.execute("SELECT 1 FROM search_unfilled").fetchone():
        raise EngineUnavailable(
            "the resources stored before this version are not searchable yet",
            hint="run: anamnesis fhir fill",
        )


def _condition(statement: Statement, asked: FhirSearch) -> str:
    said = [statement.open("r", asked.resource_type)]
    said += [statement.where("r", asked.resource_type, each) for each in asked.criteria]
    return " AND ".join(said)


def _matches(conn: Connection, access: Access, asked: FhirSearch, most: int) -> list[str]:
    statement = Statement(access)
    where = _condition(statement, asked)
    order = [statement.order("r", asked.resource_type, key) for key in asked.order]
    rows = conn.execute(
        f"SELECT r.id FROM resource r WHERE {where} "
        f"ORDER BY {', '.join([*order, 'r.id'])} LIMIT %({statement.bind(most)})s",
        statement.values,
    ).fetchall()
    return [row[0] for row in rows]


def _count(conn: Connection, access: Access, asked: FhirSearch) -> int:
    statement = Statement(access)
    where = _condition(statement, asked)
    row = conn.execute(
        f"SELECT count(*) FROM resource r WHERE {where}", statement.values
    ).fetchone()
    return int(row[0]) if row else 0


def _page(
    conn: Connection, access: Access, asked: FhirSearch, keys: Sequence[Sequence[str]], start: int
) -> Found:
    here = [(kind, name) for kind, name in keys[start : start + asked.count]]
    matches = _read(conn, access, here)
    included, left = _included(conn, access, asked.includes, here)
    return Found(
        "", start, asked.count, None, len(keys), matches, included,
        {"included": left} if left else None,
    )  # fmt: skip


def _read(conn: Connection, access: Access, keys: Sequence[tuple[str, str]]) -> list[Held]:
    """Return those of `keys` that are there and open, in their order."""
    values = {
        "tenant": access.tenant_id, "closed": sorted(access.closed_labels),
        "patients": None if access.patients is None else sorted(access.patients),
        "types": [key[0] for key in keys], "ids": [key[1] for key in keys],
    }  # fmt: skip
    rows = conn.execute(
        f"SELECT {_HELD} FROM unnest(%(types)s::text[], %(ids)s::text[]) WITH ORDINALITY "
        f"AS w(type, id, at) JOIN resource r ON {_OPEN} AND r.type = w.type AND r.id = w.id "
        "ORDER BY w.at",
        values,
    ).fetchall()
    return [_held(row) for row in rows]


def _held(row: Sequence[Any]) -> Held:
    kind, name, version, updated, packed, links, deleted, patient_id, author, reason = row[:10]
    body = _unpack(packed)
    return Held(kind, name, version, updated, body, links, deleted, patient_id, author, reason)


def _included(
    conn: Connection, access: Access, includes: Iterable[Include], page: Sequence[tuple[str, str]]
) -> tuple[list[Held], int]:
    """Return what the page's matches refer to, or what refers to them; each once, and how many
    are left out."""
    found: dict[tuple[str, str], None] = {}
    ids = [key[1] for key in page]
    for include in includes:
        statement = Statement(access)
        bound = statement.bind(ids)
        names = statement.names("s", include.source, include.names)
        if include.back:
            kind = statement.bind(include.target or page[0][0] if page else "")
            query = (
                f"SELECT DISTINCT s.resource_type, s.resource_id FROM search_reference s WHERE "
                f"{names} AND s.target_type = %({kind})s AND s.target_id = ANY(%({bound})s::text[])"
            )
        else:
            query = (
                f"SELECT DISTINCT s.target_type, s.target_id FROM search_reference s WHERE {names} "
                f"AND s.resource_id = ANY(%({bound})s::text[])"
            )
            if include.target:
                query += f" AND s.target_type = %({statement.bind(include.target)})s"
        for kind, name in conn.execute(f"{query} ORDER BY 1, 2", statement.values).fetchall():
            found.setdefault((kind, name))
    keys = [key for key in found if key not in set(page)]
    return _read(conn, access, keys[:MOST_INCLUDED]), max(0, len(keys) - MOST_INCLUDED)


def _opened(access: Access, rows: Sequence[Sequence[Any]]) -> list[Held]:
    """Keep the versions that are open: a version is closed by its own labels and by those of
    every later one, as in a read of it."""
    held: list[Held] = []
    for row in rows:  # newest first
        labels, patient_id = frozenset(row[10]), row[7]
        if not labels <= access.labels:
            break
        if access.patients is None or patient_id in access.patients:
            held.append(_held(row))
    return held


def _record(conn: Connection, access: Access, page_id: str, page: Found) -> None:
    """Name every patient and resource of the page."""
    every = [*page.matches, *page.included]
    patients = sorted({each.patient_id for each in every if each.patient_id})
    entities = [f"page/{page_id}", *(f"{e.resource_type}/{e.resource_id}" for e in every)]
    detail = {"start": page.start, "shown": len(every)}
    audit.record(conn, access, AuditRow("R", "fhir-search", patients, entities, detail))

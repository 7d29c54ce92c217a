"""Erasures in PostgreSQL: begun by a row, done in one transaction, found again after a crash.

By the role that owns the tables, held to one tenant like the application's: the chain and the feed
are closed to the other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import zstandard
from psycopg.errors import Diagnostic
from psycopg.types.json import Jsonb

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.forgetting import forget_erased
from indexing.backends.postgres.reach import ARRAYS, KEPT, tables, theirs
from indexing.backends.postgres.redaction import redact
from indexing.erasure import Erasure
from indexing.model import TenantId

AT_ONCE: Final = 500  # rows

_COLUMNS = (
    "erasure_id, asked_by, reason, marks, people, names, docs, removed, began_at, records_at, "
    "finished_at"
)
# The survivor of a patient's merges, and everybody who was merged into it: one person.
_PERSON = """
WITH RECURSIVE own(id) AS (SELECT surviving_patient(%(tenant)s, %(patient)s) COLLATE "C" UNION
    SELECT m.patient_id FROM patient_merge m JOIN own ON m.into_id = own.id
    WHERE m.tenant_id = %(tenant)s)
SELECT id FROM own UNION SELECT %(patient)s COLLATE "C" ORDER BY id
"""
_NAMES = """
SELECT type || '/' || id FROM resource WHERE tenant_id = %(tenant)s AND patient_id = ANY(%(people)s)
UNION SELECT 'RiskAssessment/' || prediction_id FROM outlook_prediction
    WHERE tenant_id = %(tenant)s AND patient_id = ANY(%(people)s)
UNION SELECT 'Patient/' || p FROM unnest(%(people)s::text[]) p ORDER BY 1
"""
_DOCS = """
SELECT doc_id FROM document WHERE tenant_id = %(tenant)s AND (patient_id = ANY(%(people)s)
    OR subject_id = ANY(%(people)s) OR (resource_type || '/' || resource_id) = ANY(%(names)s))
ORDER BY doc_id
"""
_TEXTS = "SELECT text FROM document WHERE tenant_id = %s AND {NOT} doc_id = ANY(%s) AND text <> ''"
_VERSIONS = """
SELECT type, id, version, patient_id, received, links, now FROM (
    SELECT tenant_id, type, id, version, patient_id, received, links, true AS now FROM resource
    UNION ALL SELECT tenant_id, type, id, version, patient_id, received, links, false
    FROM resource_history) r
WHERE tenant_id = %(tenant)s
"""
_ELSEWHERE = (
    "SELECT DISTINCT id FROM resource WHERE tenant_id = %s AND id = ANY(%s) "
    "AND NOT (type || '/' || id) = ANY(%s)"
)
# What every process keeps of an index follows its era: another one is read anew, whole.
_ERAS = (
    """
    UPDATE graph_size SET era = gen_random_uuid(), epoch = epoch + 1, live = (SELECT count(*)
    FROM graph_document d WHERE d.tenant_id = %(tenant)s AND d.live) WHERE tenant_id = %(tenant)s
    """,
    """
    UPDATE vector_size SET era = gen_random_uuid(), epoch = epoch + 1 WHERE tenant_id = %(tenant)s
    """,
    """
    UPDATE feature_epoch SET era = gen_random_uuid(), epoch = epoch + 1, at = clock_timestamp()
    WHERE tenant_id = %(tenant)s
    """,
)
_NOT_YET = re.compile(r"(\d+) are dead but not yet removable")
_unpack = zstandard.ZstdDecompressor().decompress

Version = tuple[str, str, int, str | None, bytes, Mapping[str, str], bool]


class PostgresErasing:
    """`owner` owns the tables."""

    def __init__(self, owner: Database) -> None:
        self._owner = owner

    def person(self, tenant_id: TenantId, patient_id: str) -> list[str]:
        """Return a patient's id with those that were merged with it."""
        with self._owner.tenant(tenant_id) as conn:
            rows = conn.execute(_PERSON, {"tenant": tenant_id, "patient": patient_id}).fetchall()
        return [row[0] for row in rows]

    def belongings(self, tenant_id: TenantId, people: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return ("Type/id" of each resource, id of each document) of these people."""
        values: dict[str, Any] = {"tenant": tenant_id, "people": [*people]}
        with self._owner.tenant(tenant_id) as conn:
            names = [row[0] for row in conn.execute(_NAMES, values).fetchall()]
            rows = conn.execute(_DOCS, values | {"names": names}).fetchall()
        return names, [row[0] for row in rows]

    def held(
        self, tenant_id: TenantId, people: Sequence[str], names: Sequence[str], docs: Sequence[str]
    ) -> dict[str, int]:
        """Return how many rows each table has of theirs."""
        values = {"tenant": tenant_id, "people": [*people], "names": [*names], "docs": [*docs]}
        found = {}
        with self._owner.tenant(tenant_id) as conn:
            for table in tables(conn):
                if where := theirs(table):
                    row = conn.execute(
                        f"SELECT count(*) FROM {table.name} t WHERE t.tenant_id = %(tenant)s "
                        f"AND ({where})",
                        values,
                    ).fetchone()
                    found[table.name] = int(row[0]) if row else 0
        return {name: count for name, count in found.items() if count}

    def texts(self, tenant_id: TenantId, docs: Sequence[str], *, others: bool) -> Iterator[str]:
        """Yield the texts of these documents, or of all others."""
        statement = _TEXTS.replace("{NOT}", "NOT" if others else "")
        with (
            self._owner.tenant(tenant_id) as conn,
            conn.cursor(name="texts") as cursor,
        ):
            cursor.itersize = AT_ONCE
            for row in cursor.execute(statement, (tenant_id, [*docs])):
                yield row[0]

    def versions(self, tenant_id: TenantId) -> Iterator[Version]:
        """Yield every version of every resource, its bytes unpacked."""
        yield from self._versions(_VERSIONS, {"tenant": tenant_id})

    def patients(self, tenant_id: TenantId, people: Sequence[str]) -> list[bytes]:
        """Return every version of these Patients."""
        where = f"{_VERSIONS} AND type = 'Patient' AND id = ANY(%(people)s)"
        found = self._versions(where, {"tenant": tenant_id, "people": [*people]})
        return [version[4] for version in found if version[4]]

    def _versions(self, statement: str, values: Mapping[str, Any]) -> Iterator[Version]:
        with (
            self._owner.tenant(values["tenant"]) as conn,
            conn.cursor(name="versions", binary=True) as cursor,
        ):
            cursor.itersize = AT_ONCE
            for kind, own, version, patient, packed, links, now in cursor.execute(
                statement, values
            ):
                data = _unpack(packed) if packed else b""
                yield kind, own, version, patient, data, links, now

    def elsewhere(self, tenant_id: TenantId, ids: Sequence[str], names: Sequence[str]) -> list[str]:
        """Return those of these ids that another resource has too, under another type."""
        with self._owner.tenant(tenant_id) as conn:
            rows = conn.execute(_ELSEWHERE, (tenant_id, [*ids], [*names])).fetchall()
        return [row[0] for row in rows]

    def begin(
        self, access: Access, people: Sequence[str], marks: Sequence[str], reason: str
    ) -> Erasure:
        """Record an erasure: from now on nothing of these people is taken in."""
        tenant_id = access.tenant_id
        with self._owner.tenant(tenant_id) as conn:
            # Whoever stores right now has asked already, and is waited for.
            conn.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('erase:' || %s, 0))",
                (str(tenant_id),),
            )
            row = conn.execute(
                "INSERT INTO erasure (tenant_id, asked_by, reason, marks, people, names, docs) "
                f"VALUES (%s, %s, %s, %s, %s, '{{}}', '{{}}') RETURNING {_COLUMNS}",
                (tenant_id, access.user_id, reason, [*marks], [*people]),
            ).fetchone()
        assert row is not None
        return _erasure(row)

    def unfinished(self, tenant_id: TenantId) -> list[Erasure]:
        """Return the erasures that were begun and not finished or given up, the oldest first."""
        waiting = "finished_at IS NULL AND lifted_at IS NULL ORDER BY began_at"
        return self._where(tenant_id, waiting, ())

    def of(self, tenant_id: TenantId, marks: Sequence[str]) -> list[Erasure]:
        """Return the erasures of these marks that were not lifted, the oldest first."""
        return self._where(
            tenant_id, "marks && %s AND lifted_at IS NULL ORDER BY began_at", ([*marks],)
        )

    def _where(self, tenant_id: TenantId, where: str, values: tuple[Any, ...]) -> list[Erasure]:
        with self._owner.tenant(tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {_COLUMNS} FROM erasure WHERE tenant_id = %s AND {where}",
                (tenant_id, *values),
            ).fetchall()
        return [_erasure(row) for row in rows]

    def rewrite(
        self, tenant_id: TenantId, versions: Sequence[tuple[str, str, int, str | None, bytes]]
    ) -> None:
        """Replace the bytes of older versions of resources that others share: they keep their
        numbers, and are no longer as they were received."""
        pack = zstandard.ZstdCompressor(level=3).compress
        with self._owner.tenant(tenant_id) as conn, conn.cursor() as cursor:
            cursor.executemany(
                "UPDATE resource_history SET received = %s, digest = sha256(%s), links = '{}', "
                "issues = '[]', patient_id = %s WHERE tenant_id = %s AND type = %s AND id = %s "
                "AND version = %s",
                [
                    (pack(data), data, patient, tenant_id, kind, own, version)
                    for kind, own, version, patient, data in versions
                ],
            )

    def remove(
        self, access: Access, erasure: Erasure, names: Sequence[str], docs: Sequence[str],
        words: Sequence[str],
    ) -> dict[str, int]:  # fmt: skip
        """Take everything of theirs out of every table and out of the audit, in one transaction;
        return how many rows each table lost. Texts that people wrote go where one of `words`, in
        lower case, stands in them."""
        tenant_id = access.tenant_id
        values: dict[str, Any] = {
            "tenant": tenant_id, "people": [*erasure.people], "names": [*names], "docs": [*docs],
            "words": [*words],
        }  # fmt: skip
        with self._owner.tenant(tenant_id) as conn:
            conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                         (f"series:{tenant_id}",))  # fmt: skip
            removed = forget_erased(conn, values)
            _delete(conn, values, removed)
            for statement in _ERAS:
                conn.execute(statement, values)
            changed = _redact(conn, access, erasure, names, docs, removed)
            removed |= {"audit_event": changed} if changed else {}
            removed = dict(Counter(erasure.removed) + Counter(removed))
            conn.execute(
                "UPDATE erasure SET names = %s, docs = %s, removed = %s, "
                "records_at = coalesce(records_at, clock_timestamp()) "
                "WHERE tenant_id = %s AND erasure_id = %s",
                ([*names], [*docs], Jsonb(removed), tenant_id, erasure.erasure_id),
            )
        return removed

    def finish(self, tenant_id: TenantId, erasure_id: UUID) -> None:
        """Forget whom an erasure was about, but for the marks."""
        with self._owner.tenant(tenant_id) as conn:
            conn.execute(
                "UPDATE erasure SET finished_at = clock_timestamp(), people = '{}', names = '{}', "
                "docs = '{}' WHERE tenant_id = %s AND erasure_id = %s",
                (tenant_id, erasure_id),
            )

    def lift(self, access: Access, marks: Sequence[str], reason: str) -> int:
        """Let these people be taken in again, as new; return how many erasures that concerned. One
        that has emptied nothing yet is given up; one in between must first be finished."""
        tenant_id = access.tenant_id
        told = AuditRow("U", "erase-lift", [*marks], (), {"reason": reason})
        with self._owner.tenant(tenant_id) as conn:
            done = conn.execute(
                "UPDATE erasure SET lifted_at = clock_timestamp(), people = '{}' "
                "WHERE tenant_id = %s AND marks && %s AND lifted_at IS NULL "
                "AND (finished_at IS NOT NULL OR records_at IS NULL)",
                (tenant_id, [*marks]),
            ).rowcount
            if done:
                audit.record(conn, access, told)
        return done

    def vacuum(self, names: Sequence[str]) -> int:
        """Give the space of dead rows back, and forget what the planner noted of their values;
        return how many rows an older transaction keeps from that."""
        kept = 0

        def note(told: Diagnostic) -> None:
            nonlocal kept
            if found := _NOT_YET.search(told.message_primary or ""):
                kept += int(found[1])

        with self._owner.session() as conn:
            conn.add_notice_handler(note)
            conn.execute("SET client_min_messages = info")
            for name in sorted({*names, "erasure"}):
                conn.execute(f'VACUUM (ANALYZE, VERBOSE) "{name}"')
        return kept


def _delete(conn: Connection, values: Mapping[str, Any], removed: dict[str, int]) -> None:
    for table in tables(conn):
        if where := theirs(table):
            done = conn.execute(
                f"DELETE FROM {table.name} t WHERE t.tenant_id = %(tenant)s AND ({where})", values
            ).rowcount
            if done:
                removed[table.name] = removed.get(table.name, 0) + done
        for column in ARRAYS & table.columns.keys() if table.name not in KEPT else ():
            done = conn.execute(
                f"UPDATE {table.name} t SET {column} = ARRAY(SELECT m FROM unnest(t.{column}) "
                "WITH ORDINALITY AS u(m, n) WHERE NOT m = ANY(%(people)s::text[] || "
                "%(names)s::text[]) ORDER BY n) "
                f"WHERE t.tenant_id = %(tenant)s "
                f"AND t.{column} && (%(people)s::text[] || %(names)s::text[])",
                values,
            ).rowcount
            if done:
                removed[table.name] = removed.get(table.name, 0) + done


def _redact(
    conn: Connection, access: Access, erasure: Erasure, names: Sequence[str], docs: Sequence[str],
    removed: Mapping[str, int],
) -> int:  # fmt: skip
    marks = dict(zip(sorted(erasure.people), erasure.marks, strict=True))
    entities = [*names, *erasure.people, *docs, *(f"Document/{doc}" for doc in docs)]
    told = AuditRow(
        "D", "", [*erasure.marks], [f"erasure/{erasure.erasure_id}"],
        {"reason": erasure.reason, "asked_by": erasure.asked_by, "resources": len(names),
         "documents": len(docs), "rows": sum(removed.values())},
    )  # fmt: skip
    return redact(conn, access, marks, entities, told)


def _erasure(row: Sequence[Any]) -> Erasure:
    own, asked_by, reason, marks, people, names, docs, *rest = row
    return Erasure(
        own, asked_by, reason, tuple(marks), tuple(people), tuple(names), tuple(docs), *rest
    )

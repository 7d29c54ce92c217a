"""Saved cohorts in PostgreSQL; every read and write with its audit row.

A cohort made in the de-identified view is told only there, and one made with names only outside:
its definition may name what the other view hides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.cohorts import Bound, CohortHead, CohortRunRow, Review, Verdict
from indexing.errors import Conflict, NotFound

MOST_RUNS = 50  # listed

_HEADS: Final = (
    "SELECT c.cohort_id::text, c.name, c.version, c.definition, c.changed_by, c.changed_at, "
    "(SELECT count(*) FROM cohort_run r WHERE r.tenant_id = c.tenant_id "
    "AND r.cohort_id = c.cohort_id), (SELECT coalesce(a.name, v.changed_by) "
    "FROM cohort_version v LEFT JOIN account a ON a.tenant_id = v.tenant_id "
    "AND a.user_id = v.changed_by WHERE v.tenant_id = c.tenant_id "
    "AND v.cohort_id = c.cohort_id AND v.version = 1) FROM saved_cohort c "
    "WHERE c.tenant_id = %s AND c.deidentified = %s"
)
_RUN: Final = (
    "r.run_id::text, r.cohort_id::text, r.version, r.at, r.ran_by, r.terminology, r.model, "
    "r.members, r.counts"
)
_OPEN_RUN: Final = (  # tells of nothing closed
    "r.counts->'labels' <@ %s AND (%s::text[] IS NULL OR r.members <@ %s::text[])"
)


class PostgresCohorts:
    """The `CohortStore` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, access: Access, name: str, definition: str) -> CohortHead:
        """Keep a definition under a name; another text there is a new version.

        Raises:
            Conflict: a cohort of that name stands in the other view.
        """
        with self._database.tenant(access.tenant_id) as conn:
            row = conn.execute(
                "INSERT INTO saved_cohort AS c (tenant_id, name, version, definition, changed_by, "
                "deidentified) VALUES (%s, %s, 1, %s, %s, %s) ON CONFLICT (tenant_id, name) "
                "DO UPDATE SET version = c.version + (c.definition <> excluded.definition)::int, "
                "definition = excluded.definition, changed_by = CASE WHEN c.definition = "
                "excluded.definition THEN c.changed_by ELSE excluded.changed_by END, changed_at = "
                "CASE WHEN c.definition = excluded.definition THEN c.changed_at "
                "ELSE clock_timestamp() END WHERE c.deidentified = excluded.deidentified "
                "RETURNING cohort_id, version",
                (access.tenant_id, name, definition, access.user_id, access.deidentified),
            ).fetchone()
            if row is None:
                raise Conflict("a cohort of this name cannot be changed in this view",
                               hint="take another name")  # fmt: skip
            conn.execute(
                "INSERT INTO cohort_version (tenant_id, cohort_id, version, definition, "
                "changed_by) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (access.tenant_id, row[0], row[1], definition, access.user_id),
            )
            head = _head(conn, access, str(row[0]))
            audit.record(
                conn, access,
                AuditRow("U", "cohort", (), [f"cohort/{row[0]}"], {"version": int(row[1])}),
            )  # fmt: skip
        return head

    def heads(self, access: Access) -> Sequence[CohortHead]:
        """List the cohorts of this view, the newest change first."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"{_HEADS} ORDER BY c.changed_at DESC", (access.tenant_id, access.deidentified)
            ).fetchall()
        return [CohortHead(*row) for row in rows]

    def head(self, access: Access, key: str) -> CohortHead:
        """Return a cohort by id or name. Raises: NotFound."""
        with self._database.tenant(access.tenant_id) as conn:
            return _head(conn, access, key)

    def keep(self, access: Access, run: CohortRunRow) -> None:
        """Keep what a run found, and what its reader was cleared for: who is in tells of that."""
        counts = {**run.counts, "labels": sorted(access.labels)}
        with self._database.tenant(access.tenant_id) as conn:
            conn.execute(
                "INSERT INTO cohort_run (tenant_id, run_id, cohort_id, version, ran_by, "
                "terminology, model, members, counts) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    access.tenant_id, run.run_id, run.cohort_id, run.version, access.user_id,
                    run.terminology, run.model, list(run.members), Jsonb(counts),
                ),
            )  # fmt: skip
            row = AuditRow("E", "cohort", (), [f"cohort/{run.cohort_id}"],
                           {"members": len(run.members), "version": run.version})  # fmt: skip
            audit.record(conn, access, row)

    def runs(self, access: Access, cohort_id: str) -> Sequence[CohortRunRow]:
        """List the kept runs that tell of nothing closed to `access`, newest first; who was closed
        or deleted since is in none of them."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {_RUN} FROM cohort_run r WHERE r.tenant_id = %s AND r.cohort_id = %s "
                f"AND {_OPEN_RUN} ORDER BY r.at DESC LIMIT %s",
                (access.tenant_id, cohort_id, *_open(access), MOST_RUNS),
            ).fetchall()
            return _runs(conn, access, rows)

    def last_runs(self, access: Access) -> Mapping[str, CohortRunRow]:
        """Return the newest of those runs of each cohort of this view, by the cohort's id."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                f"SELECT DISTINCT ON (r.cohort_id) {_RUN} FROM cohort_run r JOIN saved_cohort c "
                "ON c.tenant_id = r.tenant_id AND c.cohort_id = r.cohort_id "
                f"WHERE r.tenant_id = %s AND c.deidentified = %s AND {_OPEN_RUN} "
                "ORDER BY r.cohort_id, r.at DESC",
                (access.tenant_id, access.deidentified, *_open(access)),
            ).fetchall()
            return {run.cohort_id: run for run in _runs(conn, access, rows)}

    def changed_since(
        self, access: Access, patient_ids: Collection[str], since: datetime
    ) -> frozenset[str]:
        """Return those of whom any record or note was written after that."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT p FROM unnest(%(ids)s::text[]) p WHERE EXISTS (SELECT FROM resource r "
                "WHERE r.tenant_id = %(tenant)s AND r.patient_id = p AND r.last_updated > "
                "%(since)s) OR EXISTS (SELECT FROM resource r WHERE r.tenant_id = %(tenant)s "
                "AND r.type = 'Patient' AND r.id = p AND r.last_updated > %(since)s) "
                "OR EXISTS (SELECT FROM document d WHERE d.tenant_id = %(tenant)s "
                "AND d.subject_id = p AND d.stored_at > %(since)s)",
                {"ids": sorted(patient_ids), "tenant": access.tenant_id, "since": since},
            ).fetchall()
        return frozenset(row[0] for row in rows)

    def review(
        self, access: Access, cohort_id: str, patient_id: str, criterion: str,
        verdict: Verdict | None, bound: Bound,
    ) -> None:  # fmt: skip
        """Keep one reviewer's word on a criterion as it is worded; None takes it back."""
        key = (access.tenant_id, cohort_id, patient_id, criterion, access.user_id, bound.wording)
        with self._database.tenant(access.tenant_id) as conn:
            _head(conn, access, cohort_id)
            if verdict is None:
                conn.execute(
                    "DELETE FROM cohort_review WHERE tenant_id = %s AND cohort_id = %s "
                    "AND patient_id = %s AND criterion = %s AND reviewer = %s AND wording = %s", key
                )  # fmt: skip
            else:
                conn.execute(
                    "INSERT INTO cohort_review (tenant_id, cohort_id, patient_id, criterion, "
                    "reviewer, wording, evidence, version, verdict) VALUES (%s, %s, %s, %s, %s, "
                    "%s, %s, %s, %s) ON CONFLICT (tenant_id, cohort_id, patient_id, criterion, "
                    "reviewer, wording) DO UPDATE SET verdict = excluded.verdict, evidence = "
                    "excluded.evidence, version = excluded.version, at = clock_timestamp()",
                    (*key, bound.evidence, bound.version, verdict),
                )
            row = AuditRow("U", "cohort-review", [patient_id], [f"cohort/{cohort_id}"],
                           {"criterion": criterion, "verdict": verdict or "none"})  # fmt: skip
            audit.record(conn, access, row)

    def reviews(self, access: Access, cohort_id: str) -> Sequence[Review]:
        """Return every reviewer's words, those on earlier wordings too."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT patient_id, criterion, reviewer, verdict, wording, evidence, version "
                "FROM cohort_review WHERE tenant_id = %s AND cohort_id = %s ORDER BY 1, 2, 3, at",
                (access.tenant_id, cohort_id),
            ).fetchall()
            closed = _closed(conn, access, sorted({row[0] for row in rows}))
        return [
            Review(patient_id, criterion, reviewer, verdict, Bound(wording, evidence, version))
            for patient_id, criterion, reviewer, verdict, wording, evidence, version in rows
            if patient_id not in closed
        ]

    def shown(
        self, access: Access, subtype: str, patient_ids: Iterable[str], cohort_id: str,
        detail: Mapping[str, int | str],
    ) -> None:  # fmt: skip
        """Write the audit row of what is about to be shown or exported."""
        with self._database.tenant(access.tenant_id) as conn:
            named = sorted(set(patient_ids))
            entities = [f"cohort/{cohort_id}"] if cohort_id else []
            audit.record(conn, access, AuditRow("R", subtype, named, entities, dict(detail)))


def _open(access: Access) -> tuple[Any, ...]:
    """Return the values of `_OPEN_RUN`."""
    patients = None if access.patients is None else sorted(access.patients)
    return Jsonb(sorted(access.labels)), patients, patients


def _runs(conn: Connection, access: Access, rows: Sequence[tuple[Any, ...]]) -> list[CohortRunRow]:
    """Make runs of rows, without who was closed or deleted since."""
    closed = _closed(conn, access, sorted({each for row in rows for each in row[7]}))
    runs = [CohortRunRow(*row) for row in rows]
    return [
        replace(run, members=tuple(each for each in run.members if each not in closed))
        for run in runs
    ]


def _closed(conn: Connection, access: Access, patient_ids: Sequence[str]) -> frozenset[str]:
    rows = conn.execute(
        "SELECT id FROM resource WHERE tenant_id = %s AND type = 'Patient' AND id = ANY(%s) "
        "AND (deleted OR labels && %s)",
        (access.tenant_id, list(patient_ids), sorted(access.closed_labels)),
    ).fetchall()
    return frozenset(row[0] for row in rows)


def _head(conn: Connection, access: Access, key: str) -> CohortHead:
    where, values = " AND c.name = %s", [key]
    try:
        UUID(key)
        where, values = " AND (c.cohort_id = %s::uuid OR c.name = %s)", [key, key]
    except ValueError:
        pass
    row: tuple[Any, ...] | None = conn.execute(
        _HEADS + where, (access.tenant_id, access.deidentified, *values)
    ).fetchone()
    if row is None:
        raise NotFound("no such cohort in this view")
    return CohortHead(*row)

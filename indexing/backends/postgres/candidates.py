"""Trap candidates in PostgreSQL: filed with their audit row, listed with another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.documents import visible
from indexing.backends.postgres.frozen import PostgresFrozenPages
from indexing.candidates import Candidate, Wrong
from indexing.errors import NotFound

_MOST = 200  # listed


class PostgresCandidates:
    """One per page, reader and note: calling it wrong again changes what is wrong with it."""

    def __init__(self, database: Database, pages: PostgresFrozenPages) -> None:
        self._database, self._pages = database, pages

    def file(self, access: Access, page_id: str, doc_id: str, wrong: Wrong | None) -> None:
        """Keep that a hit of the page is wrong, with the page's question; None takes it back.

        Raises:
            NotFound: the page is not this reader's, or the note is none of its hits or closed.
        """
        page, hit = self._pages.hit(access, page_id, doc_id)
        with self._database.tenant(access.tenant_id) as conn:
            note = visible(conn, access, [doc_id]).get(doc_id)
            if not hit or note is None:
                raise NotFound("no such hit on this page")
            if wrong is None:
                conn.execute(
                    "DELETE FROM trap_candidate WHERE tenant_id = %s AND page_id = %s "
                    "AND user_id = %s AND doc_id = %s",
                    (access.tenant_id, page_id, access.user_id, doc_id),
                )
            else:
                conn.execute(
                    "INSERT INTO trap_candidate AS c (tenant_id, page_id, user_id, doc_id, wrong, "
                    "rank, question) VALUES (%s, %s, %s, %s, %s, %s, %s) "
                    "ON CONFLICT (tenant_id, page_id, user_id, doc_id) DO UPDATE SET "
                    "wrong = excluded.wrong, filed_at = clock_timestamp()",
                    (
                        access.tenant_id, page_id, access.user_id, doc_id, wrong.value,
                        int(hit["rank"]), Jsonb(dict(page.question)),
                    ),
                )  # fmt: skip
            patient = note.document.patient_id
            audit.record(
                conn, access, AuditRow(
                    "D" if wrong is None else "C", "wrong-hit", [patient] if patient else [],
                    [f"Document/{doc_id}", f"page/{page_id}"], {"wrong": wrong or ""},
                ),
            )  # fmt: skip

    def of_page(self, access: Access, page_id: str) -> Mapping[str, Wrong]:
        """Return what this reader called wrong on a page."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, wrong FROM trap_candidate WHERE tenant_id = %s AND page_id = %s "
                "AND user_id = %s",
                (access.tenant_id, page_id, access.user_id),
            ).fetchall()
        return {row[0]: Wrong(row[1]) for row in rows}

    def question(self, access: Access, candidate_id: int) -> Mapping[str, Any]:
        """Return what was asked when a hit was called wrong; the caller records what it does.

        Raises: NotFound.
        """
        with self._database.tenant(access.tenant_id) as conn:
            row = conn.execute(
                "SELECT question FROM trap_candidate WHERE tenant_id = %s AND candidate_id = %s",
                (access.tenant_id, candidate_id),
            ).fetchone()
        if row is None:
            raise NotFound("no such candidate")
        found: Mapping[str, Any] = row[0]
        return found

    def dismiss(self, access: Access, candidate_id: int) -> None:
        """Put a candidate aside. Raises: NotFound."""
        with self._database.tenant(access.tenant_id) as conn:
            done = conn.execute(
                "UPDATE trap_candidate SET settled = 'dismissed' WHERE tenant_id = %s AND "
                "candidate_id = %s",
                (access.tenant_id, candidate_id),
            )
            if done.rowcount == 0:
                raise NotFound("no such candidate")
            audit.record(conn, access, AuditRow("U", "trap", detail={"dismissed": candidate_id}))

    def listed(self, access: Access) -> list[Candidate]:
        """Return the newest unsettled ones whose note is open to the reader, and record it."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT c.candidate_id, c.filed_at, coalesce(a.name, c.user_id), c.wrong, "
                "c.question, c.doc_id, c.rank, coalesce(nullif(d.title, ''), d.type), "
                "d.date_start, d.patient_id, d.labels FROM trap_candidate c "
                "JOIN document d ON d.tenant_id = c.tenant_id AND d.doc_id = c.doc_id AND d.live "
                "LEFT JOIN account a ON a.tenant_id = c.tenant_id AND a.user_id = c.user_id "
                "WHERE c.tenant_id = %s AND c.settled = '' ORDER BY c.candidate_id DESC LIMIT %s",
                (access.tenant_id, _MOST),
            ).fetchall()
            found = [
                Candidate(row[0], row[1], row[2], Wrong(row[3]), *row[4:10])
                for row in rows
                if access.opens(row[9], frozenset(row[10]))
            ]
            row = AuditRow(
                "R", "wrong-hits", [c.patient_id for c in found if c.patient_id],
                [f"Document/{c.doc_id}" for c in found], {"rows": len(found)},
            )  # fmt: skip
            audit.record(conn, access, row)
        return found

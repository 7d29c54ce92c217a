"""Frozen result pages in PostgreSQL: opaque id, one owner, an end."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import zstandard
from psycopg.types.json import Jsonb

from indexing.access import Access
from indexing.accounts import FrozenPage, OpenedPage
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.documents import heads, visible
from indexing.errors import NotFound
from indexing.orders import NoteHead, by_patient, newest_first, score_among_newest

_pack = zstandard.ZstdCompressor(level=3).compress
_unpack = zstandard.ZstdDecompressor().decompress


class PostgresFrozenPages:
    """Pages are read by whom they were made for, while nothing of their view has changed."""

    def __init__(self, database: Database, life: timedelta) -> None:
        self._database, self._life = database, life

    def freeze(
        self, access: Access, question: Mapping[str, Any], answer: Mapping[str, Any], row: AuditRow
    ) -> str:
        """Keep an answer with its audit row and return the page's id."""
        with self._database.piped(access.tenant_id) as conn:
            page_id = keep(conn, access, self._life, question, answer)
            audit.send(
                conn, access, AuditRow(
                    row.action, row.subtype, row.patient_ids,
                    [f"page/{page_id}", *row.entities], row.detail, row.outcome,
                ),
            )  # fmt: skip
        return page_id

    def keep_question(self, access: Access, question: Mapping[str, Any]) -> str:
        """Keep what is asked and no answer: who opens the page reads and records anew."""
        with self._database.tenant(access.tenant_id) as conn:
            return keep(conn, access, self._life, question, {})

    def question(self, access: Access, page_id: str) -> Mapping[str, Any]:
        """Return what was asked. Raises: NotFound, as `open` does."""
        with self._database.tenant(access.tenant_id) as conn:
            return frozen(conn, access, page_id).question

    def open(
        self, access: Access, page_id: str, start: int, size: int, grouping: str
    ) -> OpenedPage:
        """Return `size` hits from `start` on with their notes, and write the audit row.

        Raises:
            NotFound: it expired, never was, or is not this principal's as they are now.
        """
        with self._database.piped(access.tenant_id) as conn:
            found = frozen(conn, access, page_id)
            every = found.answer.get("hits", [])
            if grouping != "note":
                every = _ordered(grouping, every, heads(conn, access, [h["doc_id"] for h in every]))
            start = min(start, max(len(every) - 1, 0) // size * size)  # past the end: the last one
            hits = every[start : start + size]
            notes = visible(conn, access, [hit["doc_id"] for hit in hits])
            patients = {d: note.document.patient_id for d, note in notes.items()}
            row = AuditRow(
                "R", "search-page", [*_named(found.answer), *filter(None, patients.values())],
                [f"page/{page_id}", *(f"Document/{doc_id}" for doc_id in patients)],
                {"start": start, "shown": len(patients)},
            )  # fmt: skip
            audit.send(conn, access, row)
        return OpenedPage(found, hits, start, len(every), notes)

    def hit(
        self, access: Access, page_id: str, doc_id: str
    ) -> tuple[FrozenPage, Mapping[str, Any]]:
        """Return the page and its hit of that document, {} when the page has none.

        The caller shows nothing of it without a recorded read of the note itself.
        """
        with self._database.tenant(access.tenant_id) as conn:
            found = frozen(conn, access, page_id)
        hits = found.answer.get("hits", [])
        return found, next((hit for hit in hits if hit["doc_id"] == doc_id), {})

    def found(self, access: Access, page_id: str) -> Sequence[str]:
        """Return the page's documents in their order; the caller shows nothing of them without a
        recorded read of the chart. Raises: NotFound."""
        with self._database.tenant(access.tenant_id) as conn:
            return self.hits(conn, access, page_id)

    def hits(self, conn: Connection, access: Access, page_id: str) -> list[str]:
        """Return the page's documents in their order, in the caller's transaction; nothing of
        them is shown. Raises: NotFound."""
        return [str(hit["doc_id"]) for hit in frozen(conn, access, page_id).answer.get("hits", [])]


def keep(
    conn: Connection, access: Access, life: timedelta, question: Mapping[str, Any],
    answer: Mapping[str, Any],
) -> str:  # fmt: skip
    """Keep an answer in the caller's transaction, which records it, and return the page's id."""
    page_id = secrets.token_urlsafe(16)
    conn.execute(
        "DELETE FROM frozen_page WHERE tenant_id = %s AND expires_at < clock_timestamp()",
        (access.tenant_id,),
    )
    conn.execute(
        "INSERT INTO frozen_page (tenant_id, page_id, user_id, view_digest, expires_at, "
        "question, answer) VALUES (%s, %s, %s, %s, clock_timestamp() + %s, %s, %s)",
        (
            access.tenant_id, page_id, access.user_id, view_digest(access), life,
            Jsonb(dict(question)), _pack(orjson.dumps(dict(answer))),
        ),
    )  # fmt: skip
    return page_id


def frozen(conn: Connection, access: Access, page_id: str) -> FrozenPage:
    """Return a page in the caller's transaction, which records it. Raises: NotFound."""
    row = conn.execute(
        "SELECT created_at, expires_at, question, answer FROM frozen_page WHERE "
        "tenant_id = %s AND page_id = %s AND user_id = %s AND view_digest = %s "
        "AND expires_at > clock_timestamp()",
        (access.tenant_id, page_id, access.user_id, view_digest(access)),
    ).fetchone()
    if row is None:
        raise NotFound(
            "this page is not here any more",
            hint="ask again: pages of answers belong to one person and expire",
        )
    return FrozenPage(page_id, row[0], row[1], row[2], orjson.loads(_unpack(row[3])))


def _ordered(
    grouping: str, hits: Sequence[Mapping[str, Any]], known: Mapping[str, NoteHead]
) -> Sequence[Mapping[str, Any]]:
    if grouping == "patient":
        places = by_patient([hit["doc_id"] for hit in hits], known)
    else:
        places = newest_first(
            [(hit["doc_id"], score_among_newest(hit["score"], hit["signals"])) for hit in hits],
            known,
        )
    return [hits[at] for at in places]


def _named(answer: Mapping[str, Any]) -> list[str]:
    """Return the patients whom the page names beside its hits, in the facet."""
    facet = (answer.get("facets") or {}).get("patient") or ()
    return [str(each["value"]) for each in facet if each["value"]]


def view_digest(access: Access) -> bytes:
    """Fold what an access opens, so that a page answered under a wider one is not read later."""
    patients = None if access.patients is None else sorted(access.patients)
    view = [sorted(access.roles), access.purpose, patients, sorted(access.labels)]
    return hashlib.sha256(orjson.dumps(view)).digest()

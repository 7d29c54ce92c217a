"""Judges' books in PostgreSQL: every word with its audit row, read by those who tune."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.documents import visible
from indexing.backends.postgres.frozen import PostgresFrozenPages
from indexing.errors import InvalidInput, NotFound
from indexing.judging import GRADES, LONGEST_GUIDELINE, BookHead, TenantBook, Word, book_name

POOLED = 20  # of a page's hits, whichever of them are judged


def topic_id(text: str) -> str:
    """Name a question by what it says."""
    return "q-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where a judge writes: a page of results, the question as the book keeps it, the book, and
    what the judge is called."""

    page_id: str
    question: str
    book: str
    judge: str


class PostgresBooks:
    """A judge's later word on a document replaces the earlier one."""

    def __init__(self, database: Database, pages: PostgresFrozenPages) -> None:
        self._database, self._pages = database, pages

    def heads(self, access: Access) -> list[BookHead]:
        """List the books by name: counts alone."""
        with self._database.tenant(access.tenant_id) as conn:
            return _heads(conn, access, None)

    def head(self, access: Access, name: str) -> BookHead:
        """Return one. Raises: NotFound."""
        with self._database.tenant(access.tenant_id) as conn:
            found = _heads(conn, access, name)
        if not found:
            raise NotFound("no such book", hint="/lab/books lists them")
        return found[0]

    def write(self, access: Access, name: str, guideline: str, version: str) -> None:
        """Make a book, or change what it tells its judges. Raises: InvalidInput."""
        if len(guideline) > LONGEST_GUIDELINE or len(version) > 80:
            raise InvalidInput(f"a guideline has at most {LONGEST_GUIDELINE} characters")
        with self._database.tenant(access.tenant_id) as conn:
            conn.execute(
                "INSERT INTO judge_book VALUES (%s, %s, %s, %s) ON CONFLICT (tenant_id, book) DO "
                "UPDATE SET guideline = excluded.guideline, "
                "guideline_version = excluded.guideline_version",
                (access.tenant_id, book_name(name), guideline, version),
            )
            audit.record(conn, access, AuditRow("U", "judge-book", entities=[f"book/{name}"]))

    def judge(self, access: Access, sheet: Sheet, doc_id: str, grade: int | None) -> None:
        """Keep a judge's word on a hit of a page, with the page's first hits as the pool; None
        takes it back.

        Raises: NotFound where the page is not this reader's or the note no open hit of it;
            InvalidInput.
        """
        if grade is not None and grade not in GRADES:
            raise InvalidInput("a grade is 0, 1, 2 or 3")
        _, hit = self._pages.hit(access, sheet.page_id, doc_id)
        with self._database.tenant(access.tenant_id) as conn:
            note = visible(conn, access, [doc_id]).get(doc_id)
            if not hit or note is None:
                raise NotFound("no such hit on this page")
            topic = self._kept(conn, access, sheet)
            if grade is None:
                conn.execute(
                    "DELETE FROM judgement WHERE tenant_id = %s AND book = %s AND topic_id = %s "
                    "AND doc_id = %s AND judge = %s",
                    (access.tenant_id, sheet.book, topic, doc_id, sheet.judge),
                )
            else:
                _said(conn, access, sheet.book, topic, doc_id, sheet.judge, grade, "")
            patient = note.document.patient_id
            row = AuditRow(
                "D" if grade is None else "C", "judgement", [patient] if patient else [],
                [f"Document/{doc_id}", f"book/{sheet.book}", f"topic/{topic}"],
                {"grade": "" if grade is None else grade},
            )  # fmt: skip
            audit.record(conn, access, row)

    def keep(self, access: Access, sheet: Sheet) -> None:
        """Keep a page's question with its pool, judged or not. Raises: NotFound; InvalidInput."""
        with self._database.tenant(access.tenant_id) as conn:
            topic = self._kept(conn, access, sheet)
            entities = [f"book/{sheet.book}", f"topic/{topic}"]
            audit.record(conn, access, AuditRow("C", "judge-topic", entities=entities))

    def _kept(self, conn: Connection, access: Access, sheet: Sheet) -> str:
        hits = self._pages.hits(conn, access, sheet.page_id)[:POOLED]
        return _topic(conn, access, sheet.book, sheet.question, hits)

    def of_page(self, access: Access, sheet: Sheet) -> Mapping[str, int]:
        """Return what this judge said of the page's question, by note."""
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, grade FROM judgement WHERE tenant_id = %s AND book = %s AND "
                "topic_id = %s AND judge = %s",
                (access.tenant_id, sheet.book, topic_id(sheet.question), sheet.judge),
            ).fetchall()
        return dict(rows)

    def accept(self, access: Access, candidate_id: int, book: str, text: str, judge: str) -> None:
        """Take a hit that a reader called wrong into a book: its question, and the note as not
        relevant. Raises: NotFound; InvalidInput."""
        with self._database.tenant(access.tenant_id) as conn:
            row = conn.execute(
                "UPDATE trap_candidate SET settled = %s WHERE tenant_id = %s AND candidate_id = %s "
                "RETURNING doc_id, wrong",
                (f"book/{book_name(book)}", access.tenant_id, candidate_id),
            ).fetchone()
            note = visible(conn, access, [row[0]]).get(row[0]) if row else None
            if row is None or note is None:
                raise NotFound("no such candidate")
            topic = _topic(conn, access, book, text, [row[0]])
            _said(conn, access, book, topic, row[0], judge, 0, f"called wrong: {row[1]}")
            patient = note.document.patient_id
            entities = [f"Document/{row[0]}", f"book/{book}", f"topic/{topic}"]
            audit.record(
                conn, access, AuditRow("C", "trap", [patient] if patient else [], entities)
            )

    def book(self, access: Access, name: str) -> TenantBook:
        """Open a book, and record it. Raises: NotFound."""
        key = (access.tenant_id, name)
        with self._database.tenant(access.tenant_id) as conn:
            heads = _heads(conn, access, name)
            if not heads:
                raise NotFound("no such book", hint="/lab/books lists them")
            topics = conn.execute(
                "SELECT topic_id, text FROM judge_topic WHERE tenant_id = %s AND book = %s "
                "ORDER BY added_at, topic_id", key,
            ).fetchall()  # fmt: skip
            pool = conn.execute(
                "SELECT topic_id, doc_id FROM judge_pool WHERE tenant_id = %s AND book = %s "
                "ORDER BY topic_id, place, doc_id", key,
            ).fetchall()  # fmt: skip
            words = conn.execute(
                "SELECT topic_id, doc_id, judge, grade, judged_at, guideline_version, comment "
                "FROM judgement WHERE tenant_id = %s AND book = %s "
                "ORDER BY topic_id, doc_id, judge", key,
            ).fetchall()  # fmt: skip
            row = AuditRow("R", "judge-book", entities=[f"book/{name}"], detail={"rows": len(pool)})
            audit.record(conn, access, row)
        pooled: dict[str, tuple[str, ...]] = {topic: () for topic, _ in topics}
        for topic, doc_id in pool:
            pooled[topic] = (*pooled[topic], doc_id)
        return TenantBook(heads[0], dict(topics), pooled, tuple(Word(*word) for word in words))

    def store(self, access: Access, book: TenantBook) -> None:
        """Take in a book from elsewhere; of one judge's two words the later counts."""
        name, tenant = book_name(book.head.name), access.tenant_id
        with self._database.tenant(tenant) as conn:
            conn.execute(
                "INSERT INTO judge_book VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (tenant, name, book.head.guideline, book.head.guideline_version),
            )
            with conn.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO judge_topic (tenant_id, book, topic_id, text) VALUES "
                    "(%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    [(tenant, name, topic, text) for topic, text in book.topics.items()],
                )
                cursor.executemany(
                    "INSERT INTO judge_pool VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    [(tenant, name, topic, doc_id, place) for topic, docs in book.pooled.items()
                     for place, doc_id in enumerate(docs)],
                )  # fmt: skip
                cursor.executemany(
                    f"{_SAY} WHERE old.judged_at <= excluded.judged_at",
                    [(tenant, name, w.topic_id, w.doc_id, w.judge, w.grade, w.at,
                      w.guideline_version, w.comment) for w in book.words],
                )  # fmt: skip
            row = AuditRow(
                "C", "judge-book", entities=[f"book/{name}"], detail={"rows": len(book.words)}
            )
            audit.record(conn, access, row)


_SAY = """
INSERT INTO judgement AS old (tenant_id, book, topic_id, doc_id, judge, grade, judged_at,
    guideline_version, comment)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, book, topic_id, doc_id, judge) DO UPDATE SET grade = excluded.grade,
    judged_at = excluded.judged_at, guideline_version = excluded.guideline_version,
    comment = excluded.comment
"""


def _said(
    conn: Connection, access: Access, book: str, topic: str, doc_id: str, judge: str, grade: int,
    comment: str,
) -> None:  # fmt: skip
    """Store a word as of now, under the guideline as it stands."""
    conn.execute(
        "INSERT INTO judgement AS old (tenant_id, book, topic_id, doc_id, judge, grade, "
        "guideline_version, comment) SELECT b.tenant_id, b.book, %s, %s, %s, %s, "
        "b.guideline_version, %s FROM judge_book b WHERE b.tenant_id = %s AND b.book = %s "
        "ON CONFLICT (tenant_id, book, topic_id, doc_id, judge) DO UPDATE SET "
        "grade = excluded.grade, judged_at = clock_timestamp(), comment = excluded.comment, "
        "guideline_version = excluded.guideline_version",
        (topic, doc_id, judge, grade, comment, access.tenant_id, book),
    )


def _topic(conn: Connection, access: Access, book: str, text: str, docs: Sequence[str]) -> str:
    """Store a question and its pool in a book, made where it is new; return the topic's id."""
    key = (access.tenant_id, book_name(book), topic_id(text))
    conn.execute(
        "INSERT INTO judge_book (tenant_id, book) VALUES (%s, %s) ON CONFLICT DO NOTHING", key[:2]
    )
    conn.execute(
        "INSERT INTO judge_topic (tenant_id, book, topic_id, text) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        (*key, text),
    )
    conn.execute(
        "INSERT INTO judge_pool SELECT %s, %s, %s, doc_id, place FROM "
        "unnest(%s::text[]) WITH ORDINALITY AS pooled (doc_id, place) ON CONFLICT DO NOTHING",
        (*key, list(docs)),
    )
    return key[2]


def _heads(conn: Connection, access: Access, name: str | None) -> list[BookHead]:
    rows = conn.execute(
        """
        SELECT b.book, b.guideline, b.guideline_version,
            (SELECT count(*) FROM judge_topic t
             WHERE t.tenant_id = b.tenant_id AND t.book = b.book),
            (SELECT count(*) FROM judge_pool p
             WHERE p.tenant_id = b.tenant_id AND p.book = b.book),
            (SELECT count(*) FROM judgement j
             WHERE j.tenant_id = b.tenant_id AND j.book = b.book),
            (SELECT count(*) FROM judge_pool p
             WHERE p.tenant_id = b.tenant_id AND p.book = b.book AND NOT EXISTS
                (SELECT 1 FROM judgement j WHERE j.tenant_id = p.tenant_id AND j.book = p.book
                 AND j.topic_id = p.topic_id AND j.doc_id = p.doc_id))
        FROM judge_book b WHERE b.tenant_id = %s AND (%s::text IS NULL OR b.book = %s)
        ORDER BY b.book
        """,
        (access.tenant_id, name, name),
    ).fetchall()
    return [BookHead(*row) for row in rows]

"""Keep judges' books: questions, the documents shown for them, and every judge's word."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

TABLES = ("judge_book", "judge_topic", "judge_pool", "judgement")


def upgrade() -> None:
    """A topic's text is what somebody asked: patient data like any note."""
    op.execute(
        """
        CREATE TABLE judge_book (
            tenant_id uuid NOT NULL,
            book text COLLATE "C" NOT NULL,
            guideline text NOT NULL DEFAULT '',
            guideline_version text NOT NULL DEFAULT '',
            PRIMARY KEY (tenant_id, book)
        );
        CREATE TABLE judge_topic (
            tenant_id uuid NOT NULL,
            book text COLLATE "C" NOT NULL,
            topic_id text COLLATE "C" NOT NULL,
            text text NOT NULL,
            added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, book, topic_id),
            FOREIGN KEY (tenant_id, book) REFERENCES judge_book ON DELETE CASCADE
        );
        CREATE TABLE judge_pool (
            tenant_id uuid NOT NULL,
            book text COLLATE "C" NOT NULL,
            topic_id text COLLATE "C" NOT NULL,
            doc_id text COLLATE "C" NOT NULL,
            place integer NOT NULL,
            PRIMARY KEY (tenant_id, book, topic_id, doc_id),
            FOREIGN KEY (tenant_id, book, topic_id) REFERENCES judge_topic ON DELETE CASCADE
        );
        CREATE TABLE judgement (
            tenant_id uuid NOT NULL,
            book text COLLATE "C" NOT NULL,
            topic_id text COLLATE "C" NOT NULL,
            doc_id text COLLATE "C" NOT NULL,
            judge text COLLATE "C" NOT NULL,
            grade smallint NOT NULL CHECK (grade BETWEEN 0 AND 3),
            judged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            guideline_version text NOT NULL DEFAULT '',
            comment text NOT NULL DEFAULT '',
            PRIMARY KEY (tenant_id, book, topic_id, doc_id, judge),
            FOREIGN KEY (tenant_id, book, topic_id) REFERENCES judge_topic ON DELETE CASCADE
        );
        ALTER TABLE trap_candidate ADD COLUMN settled text NOT NULL DEFAULT ''
        """
    )
    for table in TABLES:
        op.execute(f"SELECT protect('{table}')")

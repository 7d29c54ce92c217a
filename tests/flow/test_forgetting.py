"""A note that is withdrawn takes with it what was judged of it."""

from __future__ import annotations

import json

from app.wiring import Installation
from indexing.access import Access, Role
from indexing.audit import AuditRow
from indexing.backends.postgres.books import Sheet
from indexing.candidates import Wrong
from indexing.ingest import Ingest
from tests.attack import Hospital, found_hospital, note, person

TABLES = ("judge_topic", "judge_pool", "judgement", "trap_candidate")


def _counts(installation: Installation, hospital: Hospital) -> dict[str, int]:
    with installation.database.tenant(hospital.tenant.tenant_id) as conn:
        found = {t: conn.execute(f"SELECT count(*) FROM {t}").fetchone() for t in TABLES}
    return {table: int(row[0]) for table, row in found.items() if row}


def _store(installation: Installation, hospital: Hospital, body: dict[str, object]) -> None:
    zone = installation.zone_of(hospital.tenant.tenant_id)
    Ingest(installation.records, hospital.access, zone).submit(json.dumps(body).encode())


def test_a_withdrawn_note_leaves_no_judgement_and_no_question_that_was_about_it_alone(
    installation: Installation,
) -> None:
    own, other = note("fo-1", "fo-p", "Zqitch on the arm.", "plain"), note(
        "fo-2", "fo-p", "Cough for a week.", "plain")  # fmt: skip
    hospital = found_hospital(installation, [person("fo-p", "quirrell"), own, other])
    services = hospital.services
    access = Access(
        hospital.tenant.tenant_id, hospital.user_id(Role.CLINICIAN), frozenset({Role.CLINICIAN})
    )
    for asked, docs in (("zqitch arm", ["fo-1"]), ("cough week", ["fo-2", "fo-1"])):
        hits = [{"doc_id": each, "rank": n} for n, each in enumerate(docs, 1)]
        page = services.frozen.freeze(access, {"q": asked}, {"hits": hits}, AuditRow("R", "search"))
        sheet = Sheet(page, asked, "book", "judge")
        for each in docs:
            services.books.judge(access, sheet, each, 1)
            services.candidates.file(access, page, each, Wrong.DENIED)
    assert _counts(installation, hospital) == {
        "judge_topic": 2, "judge_pool": 3, "judgement": 3, "trap_candidate": 3,
    }  # fmt: skip
    _store(installation, hospital, {**own, "status": "entered-in-error"})
    assert _counts(installation, hospital) == {
        "judge_topic": 1, "judge_pool": 1, "judgement": 1, "trap_candidate": 1,
    }  # fmt: skip

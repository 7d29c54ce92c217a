"""A patient is erased: from every table, index, file and audit row; the other one is untouched."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from app.cli import main
from app.erasing import _take_in, alone, by_operator, eraser, erasing
from app.following import catch_up
from app.series_wiring import intake_of
from app.stores import stores
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.backends.postgres import audit
from indexing.backends.postgres.reach import ARRAYS, KEPT, tables, theirs
from indexing.erasure import marks_of
from indexing.errors import InvalidInput, NotFound
from indexing.model import TenantId
from indexing.reconcile import compare
from rankers.answer import SearchRequest
from tests import erased_ward
from tests.attack import Hospital, found_hospital, note, person
from tests.erased_ward import GONE, OTHER, STAYS, WORD, ingest, plain_scan

# Lists that hold codes, labels and roles.
NAME_NOBODY = {
    "roles", "labels", "compliance", "observed", "excluded", "conditions", "medications",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Erased:
    """A hospital after the erasure, and what stood where before."""

    hospital: Hospital
    stood: list[str]
    others: dict[str, int]

    @property
    def tenant_id(self) -> TenantId:
        return self.hospital.tenant.tenant_id


@pytest.fixture(scope="module")
def erased(installation: Installation) -> Erased:
    hospital = erased_ward.build(installation)
    tenant_id = hospital.tenant.tenant_id
    stood, others = plain_scan(installation, tenant_id, GONE), _rows(installation, tenant_id, STAYS)
    _erase(installation, hospital)
    return Erased(hospital, stood, others)


@pytest.fixture
def hospital(installation: Installation) -> Hospital:
    return erased_ward.build(installation)


def _operator(hospital: Hospital) -> Access:
    return by_operator(hospital.tenant.tenant_id, "operator:test")


def _erase(installation: Installation, hospital: Hospital, patient: str = GONE) -> None:
    with alone(installation):
        erasure, proof = eraser(installation).erase(_operator(hospital), patient, "request 17")
    assert [s for s in proof.stores if not s.clean] == []
    assert erasure.reason == "request 17"
    assert proof.words > 3


def _rows(installation: Installation, tenant_id: TenantId, needle: str) -> dict[str, int]:
    """Count the rows of each table in whose text an id stands."""
    with installation.owner_database.tenant(tenant_id) as conn:
        names = [r[0] for r in conn.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "AND a.attname = 'tenant_id' WHERE c.relnamespace = 'public'::regnamespace "
            "AND c.relkind IN ('r', 'p')").fetchall()]  # fmt: skip
        counts = {n: conn.execute(
            f'SELECT count(*) FROM "{n}" t WHERE tenant_id = %s AND position(%s IN t::text) > 0',
            (tenant_id, needle)).fetchone() for n in names}  # fmt: skip
    return {name: row[0] for name, row in counts.items() if row and row[0]}


def test_nothing_of_a_patient_is_left_and_the_other_is_untouched(
    installation: Installation, erased: Erased
) -> None:
    tenant_id = erased.tenant_id
    assert {
        "resource", "resource_history", "document", "frozen_page", "parked", "outbox",
        "audit_event", "cohort_run", "cohort_review", "judgement", "chart_visit", "copy_print",
        "trap_candidate", "vital_series", "outlook_prediction", "medical_edge", "note_feature",
        "vector_passage", "graph_document", "search_reference", "resource_link",
    } <= set(erased.stood)  # fmt: skip
    for needle in (GONE, WORD):
        assert plain_scan(installation, tenant_id, needle) == [], needle
    catch_up(installation)
    after = _rows(installation, tenant_id, STAYS)
    less = {name for name, count in erased.others.items() if after.get(name, 0) < count}
    assert less == {"outlook_prediction"}  # the one about the patient named the other as alike
    with installation.database.tenant(tenant_id) as conn:
        assert audit.broken_at(conn) is None
    clinician = Access(tenant_id, "dr", frozenset({Role.CLINICIAN}))
    assert installation.search.answer(clinician, SearchRequest(WORD)).hits == ()
    assert installation.search.answer(clinician, SearchRequest(OTHER)).hits
    for store in stores(installation):
        expected = (store.expected or installation.derived.live)(tenant_id)
        assert compare(store.name, expected, store.entries(tenant_id)).equal, store.name


def test_what_others_share_stays_without_the_name(
    installation: Installation, erased: Erased
) -> None:
    cleared = Access(erased.tenant_id, "dr", frozenset({Role.ADMIN}), labels=LABELS)
    group = json.loads(installation.records.read(cleared, "Group", "both-of-them").received)
    assert [each["entity"].get("reference") for each in group["member"]] == [
        None, f"Patient/{STAYS}",
    ]  # fmt: skip
    assert "text" not in group
    told = installation.records.read(cleared, "Provenance", "told-of-both")
    assert told.patient_id == STAYS
    paid = installation.records.read(cleared, "Account", "paid-for-both")
    assert paid.patient_id == STAYS
    assert installation.records.read(cleared, "Binary", f"{STAYS}-scan").version == 1
    for version in (1, 2, 3):
        held = installation.records.read(cleared, "Group", "both-of-them", version)
        assert STAYS.encode() in held.received
        assert GONE.encode() not in held.received


def test_what_was_stored_since_it_was_read_is_not_written_over(
    installation: Installation, erased: Erased
) -> None:
    cleared = Access(erased.tenant_id, "dr", frozenset({Role.ADMIN}), labels=LABELS)
    before = installation.records.read(cleared, "Account", "paid-for-both")
    older = before.received.replace(b'"active"', b'"inactive"')
    assert _take_in(installation, erased.tenant_id, before.version - 1, older)
    after = installation.records.read(cleared, "Account", "paid-for-both")
    assert (after.version, after.received) == (before.version, before.received)


def test_the_patient_does_not_come_back(installation: Installation, erased: Erased) -> None:
    again = [person(GONE, WORD), note("again-note-1", GONE, "HPI:\nBack.", WORD),
             {"resourceType": "Group", "id": "both-of-them", "type": "person", "actual": True,
              "member": [{"entity": {"reference": f"Patient/{GONE}"}}]}]  # fmt: skip
    for resource in again:
        refused = ingest(installation, erased.hospital, resource).rejected
        assert refused is not None
        assert "erased" in refused.reason
    assert ingest(installation, erased.hospital, person("somebody-else", OTHER)).rejected is None
    with pytest.raises(NotFound):
        eraser(installation).plan(erased.tenant_id, GONE)


def test_points_of_an_erased_patient_are_refused_and_others_stored(
    installation: Installation, erased: Erased
) -> None:
    lines = "".join(
        f"vital_signs,patient_id={own},type=heart_rate value={n} {at}\n"
        for n, own in enumerate((STAYS, GONE, STAYS), 60)
        for at in (int(time.time()) * 10**9 - n,)
    )
    taken = intake_of(installation).lines(erased.tenant_id, lines.encode())
    assert (taken.points, taken.refused) == (2, 1)
    assert "erased" in taken.faults[0].message
    assert installation.vitals.extents(_operator(erased.hospital), [GONE]) == []
    assert len(installation.vitals.extents(_operator(erased.hospital), [STAYS])) == 2


def _marks(installation: Installation, access: Access) -> list[str]:
    return marks_of(installation.secrets.pepper)(access.tenant_id, [GONE])


def test_the_audit_tells_who_looked_at_somebody_who_is_not_named(
    installation: Installation, erased: Erased
) -> None:
    access = _operator(erased.hospital)
    [mark] = _marks(installation, access)
    rows = erased.hospital.services.trail.read(access, patient_id=mark)
    assert {"patient", "note", "resource", "ingest", "erase"} <= {row.subtype for row in rows}
    [row] = [row for row in rows if row.subtype == "erase"]
    assert row.detail["reason"] == "request 17"
    looked = next(row.seq for row in rows if row.subtype == "patient")
    with installation.owner_database.tenant(erased.tenant_id) as conn:
        conn.execute("UPDATE audit_event SET user_id = 'nobody' WHERE seq = %s", (looked,))
        assert audit.broken_at(conn) == looked
        conn.rollback()


def test_a_changed_row_does_not_pass_as_an_erased_one(
    installation: Installation, erased: Erased
) -> None:
    tenant_id = erased.tenant_id
    forgeries = (
        """
        UPDATE audit_event SET purpose = 'X', erased_in = (SELECT max(erased_in) FROM audit_event)
        WHERE seq = 1
        """,
        "DELETE FROM audit_redaction WHERE seq = (SELECT min(seq) FROM audit_redaction)",
        "UPDATE audit_redaction SET digest = 'x'",
    )
    for forgery in forgeries:
        with installation.owner_database.tenant(tenant_id) as conn:
            conn.execute(forgery)
            assert audit.broken_at(conn) is not None, forgery
            conn.rollback()


@pytest.mark.slow
def test_a_new_table_is_reached_without_being_named(
    installation: Installation, hospital: Hospital
) -> None:
    tenant_id = hospital.tenant.tenant_id
    with installation.owner_database.transaction() as conn:
        conn.execute(
            "CREATE TABLE made_tomorrow (tenant_id uuid NOT NULL, patient_id text, said text)"
        )
        conn.execute("SELECT protect('made_tomorrow')")
    try:
        with installation.owner_database.tenant(tenant_id) as conn:
            for own in (GONE, STAYS):
                conn.execute("INSERT INTO made_tomorrow VALUES (%s, %s, %s)",
                             (tenant_id, own, f"{own} was here"))  # fmt: skip
        _erase(installation, hospital)
        assert "made_tomorrow" not in _rows(installation, tenant_id, GONE)
        assert "made_tomorrow" in _rows(installation, tenant_id, STAYS)
        _erase(installation, hospital, STAYS)  # audit rows that named both let both go
        assert plain_scan(installation, tenant_id, STAYS) == []
        with installation.database.tenant(tenant_id) as conn:
            assert audit.broken_at(conn) is None
    finally:
        with installation.owner_database.transaction() as conn:
            conn.execute("DROP TABLE made_tomorrow")


def test_every_column_that_holds_words_is_known(installation: Installation) -> None:
    """One that is new is sorted here: reached by `reach`, or said to name nobody."""
    with installation.owner_database.transaction() as conn:
        unknown = [
            f"{table.name}.{name}"
            for table in tables(conn)
            for name, kind in table.columns.items()
            if kind.endswith("[]") and kind.startswith("text")
            and table.name not in KEPT and name not in ARRAYS | NAME_NOBODY
        ]  # fmt: skip
        unreached = [
            f"{table.name}.{name}"
            for table in tables(conn)
            for name in table.columns
            if ("patient" in name or "subject" in name) and not theirs(table)
            and table.name not in KEPT
        ]  # fmt: skip
    assert unknown == []
    assert unreached == []


def test_a_scan_finds_what_was_left_behind(installation: Installation, erased: Erased) -> None:
    own, tenant_id = eraser(installation), erased.tenant_id
    assert own.prove(tenant_id, GONE, [WORD]).clean
    stray = installation.home / "stray.txt"
    stray.write_text(f"{WORD.upper()} was here")
    with installation.owner_database.tenant(tenant_id) as conn:
        conn.execute("INSERT INTO judge_book VALUES (%s, 'b', %s, '')",
                     (tenant_id, f"As in {GONE}."))  # fmt: skip
    try:
        left = [each.store for each in own.prove(tenant_id, GONE, [WORD]).stores if each.found]
        assert left == ["judge_book", "files of the home"]
    finally:
        stray.unlink()
        with installation.owner_database.tenant(tenant_id) as conn:
            conn.execute("DELETE FROM judge_book WHERE book = 'b'")


def test_a_reason_that_says_who_is_refused(installation: Installation, erased: Erased) -> None:
    for reason in (f"{OTHER.title()}, {OTHER} asked for it", f"as {STAYS} wishes"):
        with pytest.raises(InvalidInput, match="names the patient"):
            eraser(installation).erase(_operator(erased.hospital), STAYS, reason)
    assert erasing(installation).unfinished(erased.tenant_id) == []


def test_an_erasure_that_emptied_nothing_can_be_given_up(installation: Installation) -> None:
    hospital = found_hospital(installation, [person("not-yet-gone-1", OTHER)])
    access, records = _operator(hospital), erasing(installation)
    marks = marks_of(installation.secrets.pepper)(access.tenant_id, ["not-yet-gone-1"])
    records.begin(access, ["not-yet-gone-1"], marks, "request 5")
    assert len(records.unfinished(access.tenant_id)) == 1
    assert records.lift(access, marks, "withdrawn") == 1
    assert records.unfinished(access.tenant_id) == []
    assert records.of(access.tenant_id, marks) == []


@pytest.mark.slow
def test_the_command_asks_erases_proves_and_lifts(
    installation: Installation, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    own = ["erase", "--tenant", hospital.tenant.code, "--patient", GONE]
    run = CliRunner()
    with pytest.raises(InvalidInput, match="--reason"):
        run.invoke(main.app, own, catch_exceptions=False)
    with pytest.raises(InvalidInput, match="nothing was erased"):
        run.invoke(main.app, [*own, "--reason", "r"], catch_exceptions=False)
    assert run.invoke(main.app, [*own, "--prove", "--json"]).exit_code == 1
    done = run.invoke(main.app, [*own, "--reason", "request 3", "--yes", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["clean"]
    assert told["removed"]["resource"] > 8
    assert WORD not in done.output
    assert run.invoke(main.app, [*own, "--prove"]).exit_code == 0
    assert "no erasure" in run.invoke(main.app, own[:3]).stdout
    lifted = run.invoke(main.app, [*own, "--lift", "--reason", "request 4", "--json"])
    assert json.loads(lifted.stdout) == {"lifted": 1}


@pytest.mark.slow
def test_merged_charts_are_one_person_and_others_who_refer_to_them_stay(
    installation: Installation,
) -> None:
    old, now, other = "merged-away-1", "merged-into-22", "somebody-else-3"
    link = {"link": [{"other": {"reference": f"Patient/{now}"}, "type": "replaced-by"}]}
    heard = {
        "resourceType": "Observation", "id": "heard-of-both-4", "status": "final",
        "code": {"text": "Heartbeat"}, "subject": {"reference": f"Patient/{other}"},
        "focus": [{"reference": f"Patient/{old}", "display": "Zqmerged"}],
        "valueQuantity": {"value": 1.50, "unit": "m"}, "effectiveDateTime": "2024-01-01",
    }  # fmt: skip
    moved = {**heard, "id": "first-theirs-55", "focus": [],
             "subject": {"reference": f"Patient/{old}"}}  # fmt: skip
    hospital = found_hospital(installation, [
        {**person(old, "zqmerged"), **link}, person(now, "zqmerged"), person(other, OTHER),
        note("note-of-the-old-6", old, "HPI:\nThe zqmerged cough is gone.", "zqmerged"),
        heard, moved, {**moved, "subject": {"reference": f"Patient/{other}"}},
    ])  # fmt: skip
    own, access = eraser(installation), _operator(hospital)
    people, held = own.plan(access.tenant_id, old)
    assert people == sorted([old, now])
    assert held["document"] == 1
    with alone(installation):
        assert own.erase(access, old, "request 2")[1].clean
    for needle in (old, now, "zqmerged"):
        assert plain_scan(installation, access.tenant_id, needle) == []
    cleared = Access(access.tenant_id, "dr", frozenset({Role.ADMIN}), labels=LABELS)
    kept = installation.records.read(cleared, "Observation", "heard-of-both-4")
    assert (kept.patient_id, kept.version) == (other, 2)
    assert b'"focus":[{"display":"erased"}]' in kept.received
    assert b'"value":1.5' in kept.received
    # What was moved to somebody else stays with them, without the version from before.
    assert installation.records.read(cleared, "Observation", "first-theirs-55").version == 2
    with pytest.raises(NotFound):
        installation.records.read(cleared, "Observation", "first-theirs-55", 1)
    for barred in (old, now):
        assert ingest(installation, hospital, person(barred, "zqmerged")).rejected is not None

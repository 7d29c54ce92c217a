"""A note comes in: versions, batches, transactions, deletion, supersession, merges, events."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.cli.ingest import ingest_command, notes_command
from app.wiring import Installation
from indexing.access import Access
from indexing.errors import Conflict, Gone, NotFound
from indexing.fhir.faults import Unusable
from indexing.fhir.splice import served
from indexing.ingest import Ingest, Outcome
from indexing.model import Kind, Tenant
from indexing.records import Incoming


def note(identity: str, text: str, patient: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "id": identity,
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "data": base64.b64encode(text.encode()).decode(),
                }
            }
        ],
        **more,
    }


def patient(identity: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": identity, **more}


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def put(resource: dict[str, Any]) -> dict[str, Any]:
    name = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": name}}


@pytest.fixture
def take(installation: Installation, access: Access) -> Callable[..., list[Outcome]]:
    def submit(resource: object, *, strict: bool = False) -> list[Outcome]:
        data = resource if isinstance(resource, bytes) else json.dumps(resource).encode()
        into = Ingest(installation.records, access, ZoneInfo("UTC"), strict=strict)
        return into.submit(data)

    return submit


@pytest.fixture
def live(installation: Installation, tenant: Tenant) -> Callable[[], dict[str, int]]:
    return lambda: dict(installation.derived.live(tenant.tenant_id))


Take = Callable[..., list[Outcome]]
Live = Callable[[], dict[str, int]]


def rejections(outcomes: list[Outcome]) -> list[str]:
    return [outcome.rejected.reason for outcome in outcomes if outcome.rejected is not None]


def test_the_same_bytes_again_are_accepted_and_change_nothing(take: Take, live: Live) -> None:
    first, again = take(note("n1", "cough")), take(note("n1", "cough"))
    assert first[0].stored
    assert first[0].stored.changed
    assert again[0].stored
    assert not again[0].stored.changed
    assert again[0].stored.version == 1
    assert live() == {"n1": 1}


def test_other_bytes_are_a_new_version_and_the_old_one_stands_in_history(
    take: Take, installation: Installation, access: Access
) -> None:
    take(note("n1", "cough"))
    take(note("n1", "cough and fever"))
    new = installation.records.read(access, "DocumentReference", "n1")
    old = installation.records.read(access, "DocumentReference", "n1", version=1)
    assert (new.version, old.version) == (2, 1)
    assert json.loads(old.received) == note("n1", "cough")
    assert json.loads(new.received) == note("n1", "cough and fever")


def test_the_bytes_received_are_kept_to_the_letter(
    take: Take, installation: Installation, access: Access
) -> None:
    raw = b'{ "resourceType":"Observation","id":"o1", "status":"final",\n"code":{"text":"x"},'
    raw += b'"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":1.500}}'
    take(raw)
    held = installation.records.read(access, "Observation", "o1")
    assert held.received == raw
    shown = served(held.received, "o1", held.version, held.last_updated, held.links)
    assert b'"value":1.500}' in shown
    assert b'"versionId":"1"' in shown.replace(b" ", b"")


def test_a_batch_lands_its_good_resources_and_says_where_the_bad_ones_are(
    take: Take, live: Live
) -> None:
    outcomes = take(
        bundle("batch", put(patient("p1")), put(patient("p2", birthDate="2023-02-29")),
               put(note("n1", "cough")))
    )  # fmt: skip
    assert [o.rejected is None for o in sorted(outcomes, key=lambda o: o.index or 0)] == [
        True, False, True,
    ]  # fmt: skip
    rejected = next(o.rejected for o in outcomes if o.rejected)
    assert rejected.where.entry == 1
    assert "birthDate" in rejected.where.path
    assert "2023-02-29" not in rejected.reason
    assert live() == {"n1": 1}


def test_a_transaction_lands_whole_or_not_at_all(
    take: Take, live: Live, installation: Installation, access: Access
) -> None:
    outcomes = take(
        bundle("transaction", put(patient("p1")), put(patient("p2", birthDate="2023-02-29")),
               put(note("n1", "cough")))
    )  # fmt: skip
    assert len(rejections(outcomes)) == 3
    assert live() == {}
    with pytest.raises(NotFound):
        installation.records.read(access, "Patient", "p1")


def test_references_inside_a_transaction_are_resolved(
    take: Take, installation: Installation, access: Access
) -> None:
    uuid = "urn:uuid:11111111-2222-4333-8444-555555555555"
    body = note("n1", "cough")
    body["subject"] = {"reference": uuid}
    mother = {"fullUrl": uuid, "resource": patient("p9"),
              "request": {"method": "POST", "url": "Patient"}}  # fmt: skip
    take(bundle("transaction", mother, put(body)))
    held = installation.records.read(access, "DocumentReference", "n1")
    assert held.patient_id == "p9"
    shown = json.loads(served(held.received, "n1", 1, held.last_updated, held.links))
    assert shown["subject"]["reference"] == "Patient/p9"


def test_a_conditional_reference_finds_its_target(
    take: Take, installation: Installation, access: Access
) -> None:
    take(patient("p7", identifier=[{"system": "urn:mrn", "value": "4711"}]))
    body = note("n1", "cough")
    body["subject"] = {"reference": "Patient?identifier=urn:mrn|4711"}
    take(bundle("transaction", put(body)))
    assert installation.records.read(access, "DocumentReference", "n1").patient_id == "p7"


def test_two_contents_under_one_id_in_one_bundle_are_refused(take: Take) -> None:
    outcomes = take(bundle("batch", put(note("n1", "cough")), put(note("n1", "fever"))))
    assert rejections(outcomes)


@pytest.mark.parametrize(
    "data",
    [b"not json", b"[]", b'{"resourceType":"Nonsense","id":"x"}', b'{"id":"x"}', b"\xff\xfe\x00",
     b'{"resourceType":"Patient","id":"a","id":"b"}', b'{"resourceType":"Patient","id":"a b"}',
     b'{"resourceType":"Patient","id":"a","gender":"\\u0000"}',
     b'{"resourceType":"Patient","id":"a","gender":"\\ud800"}'],
)  # fmt: skip
def test_what_cannot_be_stored_safely_is_refused(take: Take, data: bytes) -> None:
    try:
        outcomes = take(data)
    except Unusable:
        return
    assert len(rejections(outcomes)) == 1


def test_lesser_faults_are_stored_and_strict_refuses_them(
    take: Take, installation: Installation, tenant: Tenant
) -> None:
    odd = patient("p1", unknownElement="x")
    assert rejections(take(odd, strict=True))
    assert not rejections(take(odd))
    with installation.database.tenant(tenant.tenant_id) as conn:
        row = conn.execute("SELECT issues FROM resource WHERE id = 'p1'").fetchone()
    assert row is not None
    assert any("unknownElement" in json.dumps(issue) for issue in row[0])


def test_deletion_empties_the_document_and_keeps_history(
    take: Take, live: Live, installation: Installation, access: Access
) -> None:
    take(note("n1", "cough"))
    take(bundle("transaction", {"request": {"method": "DELETE", "url": "DocumentReference/n1"}}))
    assert live() == {}
    with pytest.raises(Gone):
        installation.records.read(access, "DocumentReference", "n1")
    old = installation.records.read(access, "DocumentReference", "n1", version=1)
    assert json.loads(old.received) == note("n1", "cough")
    take(note("n1", "cough"))
    assert set(live()) == {"n1"}


def test_entered_in_error_leaves(take: Take, live: Live) -> None:
    take(note("n1", "cough"))
    take(note("n1", "cough", status="entered-in-error"))
    assert live() == {}


def test_a_superseded_note_leaves_and_comes_back_with_the_deletion_of_its_successor(
    take: Take, live: Live
) -> None:
    replaces = [{"code": "replaces", "target": {"reference": "DocumentReference/n1"}}]
    take(note("n1", "cough"))
    take(note("n2", "cough, amended", relatesTo=replaces))
    assert set(live()) == {"n2"}
    take(bundle("transaction", {"request": {"method": "DELETE", "url": "DocumentReference/n2"}}))
    assert set(live()) == {"n1"}


def test_a_successor_that_arrives_first_still_supersedes(take: Take, live: Live) -> None:
    replaces = [{"code": "replaces", "target": {"reference": "DocumentReference/n1"}}]
    take(note("n2", "cough, amended", relatesTo=replaces))
    take(note("n1", "cough"))
    assert set(live()) == {"n2"}


def test_a_merged_patients_notes_stand_in_the_surviving_chart(
    take: Take, installation: Installation, access: Access
) -> None:
    def chart_of(name: str) -> str | None:
        return installation.documents.fetch(access, [name])[name].document.patient_id

    take(note("n1", "cough", "p1"))
    take(patient("p1", link=[{"type": "replaced-by", "other": {"reference": "Patient/p2"}}]))
    take(note("n2", "fever", "p1"))
    assert (chart_of("n1"), chart_of("n2")) == ("p2", "p2")
    take(patient("p1", active=True))
    assert (chart_of("n1"), chart_of("n2")) == ("p1", "p1")


def test_merges_chain_and_the_survivor_may_say_them(
    take: Take, installation: Installation, access: Access
) -> None:
    def chart_of(name: str) -> str | None:
        return installation.documents.fetch(access, [name])[name].document.patient_id

    def linked(kind: str, other: str) -> list[dict[str, Any]]:
        return [{"type": kind, "other": {"reference": f"Patient/{other}"}}]

    take(note("n1", "cough", "p1"))
    take(patient("p2", link=linked("replaces", "p1")))
    assert chart_of("n1") == "p2"
    take(patient("p2", link=[*linked("replaces", "p1"), *linked("replaced-by", "p3")]))
    assert chart_of("n1") == "p3"
    take(note("n2", "fever", "p1"))
    assert chart_of("n2") == "p3"
    take(patient("p3", link=linked("replaced-by", "p1")))  # a ring: still somebody's chart
    assert chart_of("n1") is not None
    take(patient("p2", active=True))
    assert chart_of("n1") == "p1"


def test_every_document_change_is_announced_with_a_rising_version(
    take: Take, installation: Installation, tenant: Tenant
) -> None:
    take(note("n1", "cough"))
    take(note("n1", "fever"))
    take(bundle("transaction", {"request": {"method": "DELETE", "url": "DocumentReference/n1"}}))
    with installation.database.tenant(tenant.tenant_id) as conn:
        rows = conn.execute(
            "SELECT version, deleted FROM outbox WHERE kind = %s ORDER BY xid, row",
            (Kind.DOCUMENT.value,),
        ).fetchall()
    assert rows == [(1, False), (2, False), (3, True)]


def test_each_store_and_read_leaves_its_audit_row(
    take: Take, installation: Installation, tenant: Tenant, access: Access
) -> None:
    take(note("n1", "cough"))
    installation.records.read(access, "DocumentReference", "n1")
    with installation.database.tenant(tenant.tenant_id) as conn:
        rows = conn.execute(
            "SELECT subtype, patient_ids, entities FROM audit_event ORDER BY seq"
        ).fetchall()
    assert rows == [
        ("ingest", ["p1"], ["DocumentReference/n1"]),
        ("resource", ["p1"], ["DocumentReference/n1"]),
    ]


def test_a_stale_if_match_is_a_conflict_and_stores_nothing(
    installation: Installation, access: Access, take: Take
) -> None:
    take(note("n1", "cough"))
    late = Incoming("DocumentReference", "n1", b"{}", if_match=7)
    with pytest.raises(Conflict):
        installation.records.store(access, [late], reason="")


def test_many_resources_take_the_staged_way_with_the_same_result(
    take: Take, live: Live, installation: Installation, access: Access
) -> None:
    entries = [put(note(f"n{number}", f"note {number}", f"p{number % 7}")) for number in range(120)]
    assert not rejections(take(bundle("batch", *entries)))
    assert live() == {f"n{number}": 1 for number in range(120)}
    held = installation.records.read(access, "DocumentReference", "n77")
    assert json.loads(held.received) == note("n77", "note 77", "p0")


def test_one_index_alone_can_find_a_resource_by_its_id(installation: Installation) -> None:
    """To the planner a tenant that it has no statistics of is empty, and any index beginning with
    tenant_id as good as the key: then each look-up by id reads all that the tenant has."""
    with installation.database.transaction() as conn:
        rows = conn.execute(
            "SELECT indexrelid::regclass::text FROM pg_index "
            "WHERE indrelid = 'resource'::regclass AND indpred IS NULL"
        ).fetchall()
    assert rows == [("resource_pkey",)]


def test_a_folder_of_other_files_is_not_passed_over_without_a_word(
    installation: Installation, tenant: Tenant, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    monkeypatch.setattr("sys.setswitchinterval", lambda _: None)  # it would outlive this test
    (tmp_path / "patient.fhir").write_text('{"resourceType":"Patient"}')
    assert ingest_command(tenant.code, [tmp_path], False, False, None, as_json=True) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["accepted"] == 0
    assert "files are read that end in .json, .ndjson, .jsonl" in told.err
    mapped = ["text=text"]
    assert notes_command(tenant.code, mapped, [tmp_path], False, None, as_json=True) == 0
    assert ".csv" in capsys.readouterr().err
    (tmp_path / "patient.json").write_text('{"resourceType":"Patient"}')
    assert ingest_command(tenant.code, [tmp_path], False, False, None, as_json=True) == 0
    assert "Nothing" not in capsys.readouterr().err


def test_a_column_that_no_row_has_is_told_beside_what_was_taken_in(
    installation: Installation, tenant: Tenant, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    monkeypatch.setattr("sys.setswitchinterval", lambda _: None)  # it would outlive this test
    (tmp_path / "n.jsonl").write_text('{"text": "Orthopnea.", "mrn": "p1"}\n')
    mapped = ["text=text", "patient=nrm"]
    assert notes_command(tenant.code, mapped, [tmp_path], False, None, as_json=True) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["accepted"] == 1
    assert "no row has the column nrm that --map gives" in told.err

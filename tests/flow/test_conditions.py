"""Conditional creates, updates, deletions and references, in Bundles and over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.wiring import Installation
from indexing.access import Access
from indexing.errors import Gone, NotFound
from indexing.fhir.splice import served
from indexing.ingest import Ingest, Outcome
from indexing.model import Tenant

NPI = "http://hl7.org/fhir/sid/us-npi"
Take = Callable[..., list[Outcome]]


def practitioner(identity: str = "", npi: str = "1", **more: Any) -> dict[str, Any]:
    named = {"id": identity} if identity else {}
    return {
        "resourceType": "Practitioner", **named,
        "identifier": [{"system": NPI, "value": npi}], **more,
    }  # fmt: skip


def note(identity: str, subject: str = "Patient/p1", **more: Any) -> dict[str, Any]:
    data = base64.b64encode(b"cough").decode()
    return {
        "resourceType": "DocumentReference", "id": identity, "status": "current",
        "subject": {"reference": subject},
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}], **more,
    }  # fmt: skip


def entry(resource: dict[str, Any] | None, url: str, method: str, **more: Any) -> dict[str, Any]:
    request = {"method": method, "url": url}
    request |= {key: more.pop(key) for key in ("ifNoneExist", "ifMatch") if key in more}
    return ({"resource": resource} if resource else {}) | {"request": request} | more


def create(resource: dict[str, Any], npi: str | None = None, **more: Any) -> dict[str, Any]:
    condition = {"ifNoneExist": f"identifier={NPI}|{npi}"} if npi else {}
    return entry(resource, resource["resourceType"], "POST", **condition, **more)


def bundle(*entries: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


@pytest.fixture
def take(installation: Installation, access: Access) -> Take:
    def submit(resource: object, who: Access = access) -> list[Outcome]:
        into = Ingest(installation.records, who, ZoneInfo("UTC"))
        outcomes = into.submit(json.dumps(resource).encode())
        return sorted(outcomes, key=lambda outcome: outcome.index or 0)

    return submit


@pytest.fixture
def ids(installation: Installation, tenant: Tenant) -> Callable[[str], list[str]]:
    def of(kind: str) -> list[str]:
        with installation.database.tenant(tenant.tenant_id) as conn:
            rows = conn.execute(
                "SELECT id FROM resource WHERE type = %s AND NOT deleted ORDER BY id", (kind,)
            ).fetchall()
        return [row[0] for row in rows]

    return of


Ids = Callable[[str], list[str]]


def codes(outcomes: list[Outcome]) -> list[str]:
    return [outcome.rejected.code for outcome in outcomes if outcome.rejected is not None]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_what_exists_is_not_created_again(take: Take, ids: Ids, kind: str) -> None:
    take(practitioner("first"))
    (outcome,) = take(bundle(create(practitioner("second"), "1"), kind=kind))
    assert outcome.stored
    assert (outcome.stored.resource_id, outcome.stored.changed) == ("first", False)
    (outcome,) = take(bundle(create(practitioner("third", "2"), "2"), kind=kind))
    assert outcome.stored
    assert (outcome.stored.resource_id, outcome.stored.version) == ("third", 1)
    assert ids("Practitioner") == ["first", "third"]


def test_the_audit_names_what_a_condition_found(
    take: Take, installation: Installation, tenant: Tenant
) -> None:
    mrn = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "1"}]}
    take(mrn | {"id": "known"})
    take(bundle(entry(mrn, "Patient", "POST", ifNoneExist="identifier=urn:mrn|1")))
    with installation.database.tenant(tenant.tenant_id) as conn:
        row = conn.execute(
            "SELECT patient_ids, entities, detail FROM audit_event ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    assert row == (["known"], ["Patient/known"], {"resources": 0, "changed": 0})


def test_of_two_that_ask_the_same_the_first_creates(take: Take, ids: Ids) -> None:
    two = bundle(create(practitioner("a"), "1"), create(practitioner("b", name=[]), "1"))
    first, second = take(two)
    assert first.stored
    assert second.stored
    assert (first.stored.changed, second.stored.changed) == (True, False)
    assert second.stored.resource_id == "a"
    assert ids("Practitioner") == ["a"]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_several_matches_are_an_error_and_nothing_lands(take: Take, ids: Ids, kind: str) -> None:
    take(practitioner("a"))
    take(practitioner("b"))
    for made in (
        create(practitioner("c"), "1"),
        entry(practitioner(), f"Practitioner?identifier={NPI}|1", "PUT"),
        entry(None, f"Practitioner?identifier={NPI}|1", "DELETE"),
    ):
        assert codes(take(bundle(made, kind=kind))) == ["multiple-matches"]
    assert ids("Practitioner") == ["a", "b"]


def test_references_follow_an_entry_to_what_it_turned_out_to_be(
    take: Take, installation: Installation, access: Access
) -> None:
    urn = "urn:uuid:11111111-2222-4333-8444-555555555555"
    mrn = {"identifier": [{"system": "urn:mrn", "value": "1"}]}
    take({"resourceType": "Patient", "id": "known", **mrn})
    made = entry(
        {"resourceType": "Patient", **mrn}, "Patient", "POST",
        ifNoneExist="identifier=urn:mrn|1", fullUrl=urn,
    )  # fmt: skip
    outcomes = take(bundle(made, entry(note("n1", urn), "DocumentReference/n1", "PUT")))
    assert codes(outcomes) == []
    held = installation.records.read(access, "DocumentReference", "n1")
    assert held.patient_id == "known"
    shown = json.loads(served(held.received, "n1", 1, held.last_updated, held.links))
    assert shown["subject"]["reference"] == "Patient/known"


def test_a_conditional_update_changes_the_match_or_creates(
    take: Take, ids: Ids, installation: Installation, access: Access
) -> None:
    url = f"Practitioner?identifier={NPI}|1"
    (made,) = take(bundle(entry(practitioner("a"), url, "PUT")))
    assert made.stored
    assert made.stored.resource_id == "a"
    (changed,) = take(bundle(entry(practitioner(active=True), url, "PUT")))
    assert changed.stored
    assert (changed.stored.resource_id, changed.stored.version) == ("a", 2)
    held = installation.records.read(access, "Practitioner", "a")
    shown = json.loads(served(held.received, "a", 2, held.last_updated, held.links))
    assert (shown["id"], shown["active"]) == ("a", True)
    assert codes(take(bundle(entry(practitioner("other"), url, "PUT")))) == ["invalid"]
    assert ids("Practitioner") == ["a"]


def test_a_conditional_deletion_deletes_the_match_or_nothing(take: Take, ids: Ids) -> None:
    take(practitioner("a"))
    take(practitioner("b", "2"))
    url = f"Practitioner?identifier={NPI}|1"
    first, second = (take(bundle(entry(None, url, "DELETE")))[0] for _ in range(2))
    assert first.stored
    assert (first.stored.resource_id, first.stored.version, first.deleted) == ("a", 2, True)
    assert (second.stored, second.rejected, second.deleted) == (None, None, True)
    assert ids("Practitioner") == ["b"]


def test_two_entries_of_a_transaction_may_not_meet_in_one_resource(take: Take, ids: Ids) -> None:
    take(practitioner("a"))
    url = f"Practitioner?identifier={NPI}|1"
    changed = entry(practitioner("a", active=True), "Practitioner/a", "PUT")
    outcomes = take(bundle(entry(None, url, "DELETE"), changed))
    assert codes(outcomes) == ["invalid", "invalid"]
    assert ids("Practitioner") == ["a"]


def test_a_stale_version_stops_the_transaction_and_names_its_entry(take: Take, ids: Ids) -> None:
    take(practitioner("a"))
    late = entry(practitioner("a", active=True), "Practitioner/a", "PUT", ifMatch='W/"7"')
    odd = entry(practitioner("a", active=True), "Practitioner/a", "PUT", ifMatch='W/"x"')
    for made in (late, odd):
        outcomes = take(bundle(create(practitioner("b", "2")), made))
        assert codes(outcomes) == ["processing", "conflict"]
    gone = entry(None, "Practitioner/a", "DELETE", ifMatch='W/"7"')
    assert codes(take(bundle(gone))) == ["conflict"]
    assert ids("Practitioner") == ["a"]
    good = entry(practitioner("a", active=True), "Practitioner/a", "PUT", ifMatch='W/"1"')
    assert codes(take(bundle(good))) == []


def refers(identity: str, *, author: str) -> dict[str, Any]:
    made = note(identity, author=[{"reference": author}])
    return entry(made, f"DocumentReference/{identity}", "PUT")


def test_a_reference_may_find_its_target_in_the_bundle_or_in_the_store(
    take: Take, installation: Installation, access: Access
) -> None:
    take(practitioner("old", "1"))
    asked = [f"Practitioner?identifier={NPI}|{npi}" for npi in ("1", "2")]
    outcomes = take(
        bundle(
            refers("n1", author=asked[0]), refers("n2", author=asked[1]),
            create(practitioner("new", "2"), "2"),
        )
    )  # fmt: skip
    assert codes(outcomes) == []
    for name, found in (("n1", "old"), ("n2", "new")):
        held = installation.records.read(access, "DocumentReference", name)
        assert list(held.links.values()) == [f"Practitioner/{found}"]
        shown = json.loads(served(held.received, name, 1, held.last_updated, held.links))
        assert shown["author"][0]["reference"] == f"Practitioner/{found}"


@pytest.mark.parametrize(
    ("reference", "others"),
    [
        (f"Practitioner?identifier={NPI}|9", []),
        (f"Practitioner?identifier={NPI}|1", [create(practitioner("twin", "1"))]),
        (f"Practitioner?identifier={NPI}|1", [entry(None, "Practitioner/old", "DELETE")]),
        (f"Practitioner?identifier={NPI}|1",
         [entry(practitioner("old", "5"), "Practitioner/old", "PUT")]),
        ("Practitioner?name=quill", []),
    ],
)  # fmt: skip
def test_a_reference_without_its_one_target_fails_a_transaction(
    take: Take, ids: Ids, reference: str, others: list[dict[str, Any]]
) -> None:
    take(practitioner("old", "1"))
    outcomes = take(bundle(*others, refers("n1", author=reference)))
    rejected = outcomes[-1].rejected
    assert rejected
    assert rejected.where.path.endswith("author[0].reference")
    assert "quill" not in rejected.reason
    assert ids("DocumentReference") == []
    assert ids("Practitioner") == ["old"]


def test_outside_a_transaction_it_is_stored_as_it_came_and_said(
    take: Take, installation: Installation, tenant: Tenant
) -> None:
    asked = f"Practitioner?identifier={NPI}|9"
    (outcome,) = take(bundle(refers("n1", author=asked), kind="batch"))
    assert outcome.stored
    assert any("search" in issue.reason for issue in outcome.issues)


def test_any_type_is_found_by_its_identifier(take: Take) -> None:
    place = {"resourceType": "Location", "id": "l1", "identifier": [{"value": "ward 4"}]}
    take(place)
    changed = place | {"identifier": [{"value": "ward 5"}]}
    assert codes(take(bundle(entry(changed, "Location?identifier=ward%204", "PUT")))) == []
    (gone,) = take(bundle(entry(None, "Location?identifier=ward 4", "DELETE")))
    assert gone.stored is None
    (gone,) = take(bundle(entry(None, "Location?identifier=|ward 5", "DELETE")))
    assert gone.stored


def test_another_tenants_match_and_a_closed_one_are_none(
    take: Take, access: Access, new_tenant: Callable[[], Tenant], ids: Ids
) -> None:
    secret = {"meta": {"security": [{"code": "R"}]}}
    take(practitioner("closed", **secret))
    take(practitioner("elsewhere"), replace(access, tenant_id=new_tenant().tenant_id))
    (outcome,) = take(bundle(create(practitioner("mine"), "1")))
    assert outcome.stored
    assert outcome.stored.resource_id == "mine"
    cleared = replace(access, labels=frozenset({"R"}))
    assert codes(take(bundle(create(practitioner("x"), "1")), cleared)) == ["multiple-matches"]


def test_who_asks_at_the_same_time_creates_one(take: Take, ids: Ids) -> None:
    def one(number: int) -> list[Outcome]:
        return take(bundle(create(practitioner(f"p{number}"), "1")))

    with ThreadPoolExecutor(8) as pool:
        outcomes = [found for each in pool.map(one, range(24)) for found in each]
    assert codes(outcomes) == []
    assert len({outcome.stored.resource_id for outcome in outcomes if outcome.stored}) == 1
    assert len(ids("Practitioner")) == 1


def test_files_that_others_refer_to_come_first(
    take: Take, installation: Installation, access: Access, tmp_path: Any
) -> None:
    from indexing.fhir.sources import read_sources

    (tmp_path / "Ann.json").write_text(
        json.dumps(bundle(refers("n1", author=f"Practitioner?identifier={NPI}|1")))
    )
    (tmp_path / "practitionerInformation1.json").write_text(
        json.dumps(bundle(create(practitioner("a"), "1")))
    )
    into = Ingest(installation.records, access, ZoneInfo("UTC"))
    tally = into.run(read_sources([tmp_path]), on_outcomes=lambda _: None)
    assert (tally.accepted, tally.rejected) == (2, 0)


# Writing what one may not see


def restricted(identity: str, **more: Any) -> dict[str, Any]:
    return note(identity, meta={"security": [{"code": "PSY"}]}, **more)


def test_who_may_not_see_a_resource_may_not_change_it(
    take: Take, installation: Installation, access: Access
) -> None:
    cleared = replace(access, labels=frozenset({"PSY"}))
    take(restricted("n1"))
    plain = take(note("n1"))
    assert codes(plain) == ["forbidden"]
    gone = entry(None, "DocumentReference/n1", "DELETE")
    assert codes(take(bundle(create(practitioner("b")), gone))) == ["processing", "forbidden"]
    assert installation.records.read(cleared, "DocumentReference", "n1").version == 1
    assert codes(take(bundle(gone), cleared)) == []
    with pytest.raises(Gone):
        installation.records.read(cleared, "DocumentReference", "n1")
    with pytest.raises(NotFound) as told:
        installation.records.read(access, "DocumentReference", "n1")
    assert not isinstance(told.value, Gone)
    assert codes(take(note("n1"))) == ["forbidden"]


def test_who_is_let_into_some_charts_writes_into_those_alone(
    take: Take, installation: Installation, access: Access
) -> None:
    one = replace(access, patients=frozenset({"p1"}))
    take(note("other", "Patient/p2"))
    assert codes(take(note("n1"), one)) == []
    assert codes(take(note("n2", "Patient/p2"), one)) == ["forbidden"]
    assert codes(take(note("other"), one)) == ["forbidden"]
    assert codes(take(note("n1", "Patient/p2"), one)) == ["forbidden"]
    gone = bundle(entry(None, "DocumentReference/other", "DELETE"))
    assert codes(take(gone, one)) == ["forbidden"]
    take(bundle(entry(None, "DocumentReference/n1", "DELETE")))
    with pytest.raises(Gone):
        installation.records.read(one, "DocumentReference", "n1")
    with pytest.raises(NotFound):
        installation.records.read(
            replace(one, patients=frozenset({"p2"})), "DocumentReference", "n1"
        )

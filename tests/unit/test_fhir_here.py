"""References to this very server by its address, and those that only look so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.settings import Settings
from indexing.fhir.bundle import read_submission
from indexing.fhir.faults import Where
from indexing.fhir.splice import served
from indexing.prepare import Ready, Rules, prepare_entries
from indexing.records import Incoming

OWN = "https://search.example/fhir/"
RULES = Rules(ZoneInfo("UTC"), bases=frozenset({OWN}))


def taken(reference: str, **more: object) -> Incoming:
    body = {"resourceType": "Basic", "id": "b", "subject": {"reference": reference}, **more}
    [item] = prepare_entries(read_submission(json.dumps(body).encode()), Where(), RULES)
    assert isinstance(item, Ready)
    return item.incoming


@pytest.mark.parametrize("rest", ["Patient/a", "Patient/a/_history/2"])
def test_a_reference_by_this_servers_address_is_local_and_its_bytes_stay(rest: str) -> None:
    found = taken(OWN + rest)
    assert found.patient_id == "a"
    [words] = [line.split("\t") for table, line in found.search if table == "search_reference"]
    assert ("Patient" in words, "a" in words) == (True, True)
    assert found.links == {OWN + rest: rest}
    given = served(found.received, "b", 1, datetime(2026, 1, 1, tzinfo=UTC), found.links)
    assert json.loads(given)["subject"] == {"reference": OWN + rest}


@pytest.mark.parametrize(
    "reference",
    [
        "https://search.example/fhir/v2/Patient/a", "https://search.example/Patient/a",
        "https://search.example:8443/fhir/Patient/a", "http://search.example/fhir/Patient/a",
        "https://search.example.evil.example/fhir/Patient/a",
        "https://evil.example/https://search.example/fhir/Patient/a",
        "https://search.example/fhir/Patient/x/Patient/a",
        "https://search.example/fhirPatient/a",
    ],
)  # fmt: skip
def test_another_servers_patient_is_nobody_here(reference: str) -> None:
    found = taken(reference)
    assert (found.patient_id, found.links) == (None, {})


def test_a_bundle_that_is_kept_whole_keeps_its_references() -> None:
    entry = {"resource": {"resourceType": "Basic", "subject": {"reference": OWN + "Patient/a"}}}
    text = json.dumps({"resourceType": "Bundle", "id": "b", "type": "collection", "entry": [entry]})
    [item] = prepare_entries(read_submission(text.encode(), request={}), Where(), RULES)
    assert isinstance(item, Ready)
    assert item.incoming.links == {}


def test_a_server_has_the_address_that_is_set_or_those_that_it_answers_at() -> None:
    set_to = Settings(fhir_base="https://search.example/fhir")
    assert set_to.fhir_bases == {OWN}
    assert Settings(fhir_base=OWN).fhir_bases == {OWN}
    ward = Settings(host="fd00::1", port=81, allowed_hosts=("ward.example",))
    assert ward.fhir_bases == {"http://ward.example:81/fhir/", "http://[fd00::1]:81/fhir/"}


@pytest.mark.parametrize(
    "name", ["localhost", "a.Localhost", "127.0.0.9", "[::1]", "::", "0.0.0.0"]
)
def test_a_name_that_every_machine_has_is_no_servers_own(name: str) -> None:
    """What another server exported calls itself so, too."""
    assert Settings(allowed_hosts=(name,)).fhir_bases == frozenset()
    assert Settings(host=name, allowed_hosts=()).fhir_bases == frozenset()

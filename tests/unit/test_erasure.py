"""What an erasure looks for, and how a reference lets go of a patient."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import erasing
from indexing.access import Access
from indexing.erase import _texts_of
from indexing.erasure import MOST_WORDS, Needles, marks_of
from indexing.errors import EngineUnavailable
from indexing.fhir.unnaming import targets, unnamed
from indexing.model import TenantId

ID = "b7ba1b9a-e850-4300"
IDS = st.text("ABCxyz0189.-", min_size=8, max_size=20).filter(lambda own: own == own.strip("."))


@pytest.mark.parametrize(
    ("hay", "stands"),
    [
        (f"Patient/{ID}", True),
        (f'{{"a":"urn:uuid:{ID}"}}', True),
        (f"seen by {ID}.", True),
        (f"{{{ID},other}}", True),
        (f"{ID}0", False),
        (f"x{ID}", False),
        ("Patient/p1", True),
        ("Observation~p1", False),
        ("Patient/p12", False),
        ("p1", False),  # too short to mean anybody without its type
    ],
)
def test_an_id_stands_as_a_whole_word(hay: str, stands: bool) -> None:
    needles = Needles.of([f"Patient/{ID}", "Patient/p1"], ())
    assert needles.named(hay.encode()) is stands


@given(own=IDS, before=st.sampled_from(["", " ", '"', "/", ",", "\x1f"]))
def test_any_id_is_found_behind_any_border(own: str, before: str) -> None:
    assert Needles.of([f"Patient/{own}"], ()).named(f"{before}{own}{before}".encode())


def test_texts_are_found_whatever_their_case_and_set_aside_when_shared() -> None:
    needles = Needles.of((), (), ["Ada Núñez", "MRN-77", "x"])
    assert needles.told("by ADA NÚÑEZ, mrn-77".encode()) == needles.told(
        "by ada núñez, mrn-77".encode()
    )
    assert len(needles.told("by ADA NÚÑEZ, mrn-77".encode())) == 2
    left = needles.without(frozenset({b"mrn-77"}))
    assert (left.aside, left.told(b"MRN-77")) == (1, [])


def test_who_it_is_comes_before_lines_of_thousands_of_notes() -> None:
    lines = [f"line {n} of a note that nobody else has written in these words" for n in range(600)]
    needles = Needles.of((), (), ["Ada Núñez", "MRN-77", *lines])
    assert len(needles.words) == MOST_WORDS
    assert len(needles.told("by ADA NÚÑEZ, mrn-77".encode())) == 2


def test_a_patient_is_told_by_texts_wherever_they_stand() -> None:
    patient = {
        "name": [{"given": "Ada", "family": "Lovelace"}, {"given": 7, "family": "King"}],
        "address": {"line": [8, "St James's Square 12"]}, "identifier": [{"value": 5}],
    }  # fmt: skip
    assert [*_texts_of(patient)] == [
        "Ada Lovelace", "Ada Lovelace", "Lovelace, Ada", "Lovelace Ada", "St James's Square 12",
    ]  # fmt: skip


def test_one_tenants_erasure_that_fails_keeps_no_other_from_being_finished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[UUID] = []

    def go_on(_installation: object, access: Access) -> None:
        tried.append(access.tenant_id)
        raise EngineUnavailable("down")

    begun = SimpleNamespace(unfinished=lambda _: [SimpleNamespace(asked_by="operator:test")])
    monkeypatch.setattr(erasing, "erasing", lambda _: begun)
    monkeypatch.setattr(erasing, "go_on", go_on)
    every = [SimpleNamespace(tenant_id=TenantId(UUID(int=n))) for n in (1, 2)]
    own: Any = SimpleNamespace(tenants=SimpleNamespace(all=lambda: every))
    erasing.resume(own)
    assert tried == [each.tenant_id for each in every]


def test_a_mark_needs_the_secret_and_differs_by_tenant() -> None:
    one, other = (TenantId(UUID(int=n)) for n in (1, 2))
    marks = marks_of("secret")
    assert marks(one, ["p"]) == marks(one, ["p"])
    assert len({*marks(one, ["p"]), *marks(other, ["p"]), *marks_of("else")(one, ["p"])}) == 3
    assert "p" not in marks(one, ["p"])[0].removeprefix("erased-")


def test_a_reference_lets_go_by_id_by_version_and_by_identifier() -> None:
    resource = {
        "resourceType": "Group", "id": "g", "identifier": [{"value": "MRN-77"}],
        "member": [
            {"entity": {"reference": "Patient/gone/_history/2", "display": "Ada"}},
            {"entity": {"reference": "Patient/stays"}},
            {"entity": {"identifier": {"value": "MRN-77"}, "display": "Ada"}},
        ],
    }  # fmt: skip
    made = unnamed(resource, frozenset({"Patient/gone"}), frozenset({"mrn-77"}))
    assert [each["entity"] for each in made["member"]] == [
        {"display": "erased"}, {"reference": "Patient/stays"}, {"display": "erased"},
    ]  # fmt: skip
    assert made["identifier"] == [{"value": "MRN-77"}]  # the group's own
    assert list(targets(made)) == [("Patient", "stays")]
    assert list(targets(resource)) == [("Patient", "gone"), ("Patient", "stays")]

"""Words of a field on a real database: who may read which values, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from secrets import token_hex
from typing import Any

import pytest

from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres import note_values
from indexing.model import Tenant
from rankers.answer import SearchRequest
from tests.ward import Ward, found_hospital

NOTES = {
    # id: author, type, patient, label
    "one": ("Dr. Jane Smith", "Discharge summary", "p-ada", ""),
    "two": ("Smith, Jane MD", "Nursing discharge note", "p-ada", ""),
    "three": ("John Smith", "Progress note", "p-ben", ""),
    "closed": ("Sigmund Smith", "Secret note", "p-ben", "PSY"),
    "gone": ("Gone Smith", "Progress note", "p-ben", ""),
    "crowd": (token_hex(3_000), "Progress note", "p-ada", ""),
}


def _resources() -> Iterator[dict[str, Any]]:
    for patient in ("p-ada", "p-ben"):
        yield {"resourceType": "Patient", "id": patient}
    for name, (author, kind, patient, label) in NOTES.items():
        note: dict[str, Any] = {
            "resourceType": "DocumentReference", "id": name, "type": {"text": kind},
            "status": "current", "subject": {"reference": f"Patient/{patient}"},
            "author": [{"display": author}],
            "content": [{"attachment": {"contentType": "text/plain",
                                        "data": "Q2hlc3QgcGFpbiBvbiBleGVydGlvbi4="}}],
        }  # fmt: skip
        if label:
            system = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
            note["meta"] = {"security": [{"system": system, "code": label}]}
        yield note
        if name == "gone":
            yield {**note, "status": "entered-in-error"}


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    return found_hospital(installation, list(_resources()))


@pytest.fixture
def clinician(ward: Ward) -> Access:
    return Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))


def found(ward: Ward, access: Access, q: str, **more: Any) -> set[str]:
    answer = ward.services.search().rank(access, SearchRequest(q, **more)).answer
    return {hit.doc_id.rsplit("/")[-1] for hit in answer.hits}


@pytest.mark.parametrize("leg", ["lexical", "vector", "graph"])
def test_every_leg_finds_notes_by_words_of_the_author(
    ward: Ward, clinician: Access, leg: str
) -> None:
    def ask(q: str) -> set[str]:
        return found(ward, clinician, q, rankers=(leg,))

    assert ask("chest pain author:smith") == {"one", "two", "three"}
    assert ask('chest pain author:"jane smith"') == {"one", "two"}
    assert ask("chest pain -author:jane") == {"three", "crowd"}
    assert ask("chest pain type:discharge") == {"one", "two"}
    assert ask("chest pain author:nobody") == set()


def test_a_facet_is_one_whole_value_beside_a_word(ward: Ward, clinician: Access) -> None:
    chosen = {"author": ("Dr. Jane Smith",)}
    assert found(ward, clinician, "chest pain author:smith", only=chosen) == {"one"}
    assert found(ward, clinician, "chest pain", only={"author": ("Smith",)}) == set()


def test_values_are_those_of_notes_that_may_be_read(
    ward: Ward, clinician: Access, new_tenant: Callable[[], Tenant]
) -> None:
    values = ward.services.documents.values
    open_to_all = ["Dr. Jane Smith", "John Smith", "Smith, Jane MD"]
    assert sorted(values(clinician, "author")) == open_to_all
    cleared = replace(clinician, labels=frozenset({"PSY"}))
    assert "Sigmund Smith" in values(cleared, "author")
    shut = replace(clinician, patients=frozenset({"p-ben"}))
    assert values(shut, "type") == ["Progress note"]
    assert values(replace(clinician, tenant_id=new_tenant().tenant_id), "author") == []


def test_a_view_that_hides_names_is_asked_by_whole_values_alone(
    ward: Ward, clinician: Access
) -> None:
    researcher = replace(clinician, roles=frozenset({Role.RESEARCHER}))
    assert researcher.deidentified
    assert found(ward, researcher, "chest pain type:discharge") == set()
    assert found(ward, researcher, 'chest pain type:"discharge summary"') == {"one"}


@pytest.mark.parametrize("name", note_values.FIELDS)
def test_values_are_walked_in_an_index(ward: Ward, name: str) -> None:
    """Under the policy too: what a condition of ours may see, it must not hide from the index."""
    with ward.services.documents._database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("SET LOCAL enable_seqscan = off")
        asked = {"tenant": ward.tenant.tenant_id, "closed": ["PSY"]}
        rows = conn.execute(f"EXPLAIN {note_values._STATEMENTS[name][0]}", asked).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert plan.count(f"using document_{name}") == 2, plan
    assert f"({name} > w.value)" in plan
    assert "Sort" not in plan, plan

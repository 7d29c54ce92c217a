"""The vectors of notes are filtered by what each note says of its patient, by concept."""

from __future__ import annotations

import pytest

from app.wiring import Installation
from indexing.filters import Filters
from tests.ward import Ward


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("conditions", "pulmonary edema", {"note-edema"}),
        ("medications", "furosemide", {"note-edema"}),
        ("medications", "aspirin", {"note-angina"}),
        ("conditions", "diabetes mellitus", set()),  # the mother's
        ("conditions", "furosemide", set()),  # a drug
        ("entity_type", "DocumentReference", {"note-angina", "note-denies", "note-edema"}),
    ],
)
def test_a_follower_fills_what_the_space_of_notes_is_filtered_by(
    ward: Ward, installation: Installation, name: str, value: str, found: set[str]
) -> None:
    terms = installation.terminology
    values = (value,) if name == "entity_type" else tuple(terms.find(value))
    assert values
    [question] = installation.encoder.encode(["chest pain"])
    for filters, wanted in (
        (Filters(only={name: values}), found),
        (Filters(without={name: values}), {"note-angina", "note-denies", "note-edema"} - found),
    ):
        hits = installation.vector.search(ward.access, question, filters, 10).hits
        assert {hit.doc_id for hit in hits} == wanted

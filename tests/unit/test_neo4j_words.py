"""What reaches Lucene's parser is a word, whatever somebody typed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from indexing.access import Access, Role
from indexing.backends.neo4j.compile import EVERYTHING, fits
from indexing.backends.neo4j.words import term
from indexing.filters import Filters
from indexing.model import TenantId
from indexing.spaces import MEDICAL_CONCEPTS, PATIENTS


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("fever", "fever"), ("a-b", "a\\-b"), ('"', '\\"'), ("\\", "\\\\"), ("x:y", "x\\:y"),
        ("na\u00efve", "na\u00efve"), ("fe ver", "fe\\ ver"), ("AND", "\\AND"), ("OR", "\\OR"),
        ("NOT", "\\NOT"), ("and", "and"), ("~*?", "\\~\\*\\?"), ("a/b", "a\\/b"),
    ],
)  # fmt: skip
def test_nothing_in_a_word_is_an_operator(word: str, written: str) -> None:
    assert term(word) == written


def test_conditions_of_an_entry_bind_their_values() -> None:
    access = Access(TenantId(uuid4()), "x", frozenset({Role.CLINICIAN}), patients=frozenset({"P"}))
    assert fits(access, Filters(), MEDICAL_CONCEPTS) == (EVERYTHING, {})
    where, values = fits(access, Filters(only={"system": ("'}) //",)}), PATIENTS)
    assert "false" in where  # patients have no such field
    assert "$open_patients" in where
    where, values = fits(access, Filters(only={"system": ("'}) //",)}), MEDICAL_CONCEPTS)
    assert "//" not in where
    assert values == {"only_system": ["'}) //"]}

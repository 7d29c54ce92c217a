"""Counting many clauses at once: each as if it had been asked alone, on every full-text engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from app.settings import LexicalBackend
from indexing.access import Access
from indexing.clauses import Clause
from indexing.filters import Filters
from indexing.model import Assertion, Document, Mention, Section, TenantId
from indexing.ports import LexicalEntry, LexicalIndex
from rankers.lexical import prepared
from rankers.query import parse
from tests import engines

TENANT = TenantId(uuid4())
ACCESS = Access(TENANT, "dr", frozenset())
ALL = Filters()
NOTES = {
    "denied": "Denies chest pain. Has a cough.",
    "has": "Complains of chest pain and a cough.",
    "asked": "Cancer of the breast in a sister.",
    "old": "Former asthma, no fever.",
}
COUNTED = {
    "cough": 2, '"chest pain"': 2, "nosuchword": 0, "fever OR asthma": 1, "-cough": 2, "canc*": 1,
    "section:subjective cancer": 1, "type:letter": 1, "pains fever": 3,
}  # fmt: skip


@pytest.fixture(params=engines.every(LexicalBackend))
def index(
    request: pytest.FixtureRequest, lexical_index: Callable[[str], LexicalIndex]
) -> LexicalIndex:
    made = lexical_index(request.param)
    made.upsert(TENANT, [entry(doc_id, text) for doc_id, text in NOTES.items()])
    return made


def entry(doc_id: str, text: str) -> LexicalEntry:
    denied = Mention(7, 17, "pain", "pain", Assertion.NEGATED, Assertion.NEGATED, "")
    document = Document(TENANT, doc_id, 1, text, patient_id=doc_id)
    if doc_id == "old":
        document = replace(document, type="Letter")
    sections = (Section(0, 0, len(text), "subjective"),) if doc_id == "asked" else ()
    return LexicalEntry(document, sections, (denied,) if doc_id == "denied" else ())


def asked() -> list[Clause | None]:
    return [None, *(prepared(parse(query).clause) for query in COUNTED)]


def test_each_clause_is_counted_as_if_alone_and_what_is_denied_counts(index: LexicalIndex) -> None:
    found = index.counts(ACCESS, asked(), ALL)
    assert dict(zip(["", *COUNTED], found, strict=True)) == {"": 4, **COUNTED}
    assert tuple(index.counts(ACCESS, [each], ALL)[0] for each in asked()) == found
    again = index.counts(ACCESS, [*asked(), *reversed(asked())], ALL)
    assert again == found + found[::-1]


def test_only_what_the_access_and_the_filters_let_through_is_counted(index: LexicalIndex) -> None:
    one = replace(ACCESS, patients=frozenset({"has", "old"}))
    cough, pain = asked()[1:3]
    assert index.counts(one, [None, cough, pain], ALL) == (2, 1, 1)
    letters = Filters(only={"type": ("letter",)})
    assert index.counts(ACCESS, [None, cough, pain], letters) == (1, 0, 0)
    nobody = replace(ACCESS, patients=frozenset())
    assert index.counts(nobody, asked(), ALL) == (0,) * len(asked())


def test_nothing_asked_is_nothing_counted_and_a_stranger_has_noughts(index: LexicalIndex) -> None:
    assert index.counts(ACCESS, [], ALL) == ()
    stranger = replace(ACCESS, tenant_id=TenantId(uuid4()))
    assert index.counts(stranger, asked(), ALL) == (0,) * len(asked())

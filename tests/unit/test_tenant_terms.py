"""A tenant's terms are made when they are asked for, and hold up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app import tenant_terms
from app.tenant_terms import MOST_KEPT, TenantTerms
from indexing.language.terminology import Addition, Terminology, open_terminology
from indexing.model import TenantId

TENANTS = [TenantId(UUID(int=number)) for number in range(1, MOST_KEPT + 3)]


class Added:
    """What each tenant adds: one name of its own."""

    def of(self, tenant_id: TenantId) -> Sequence[Addition]:
        return (Addition("anm:rash", f"spots {tenant_id.int}"), Addition("gone:1", "nothing"))


@pytest.fixture
def terms(tmp_path: Path) -> TenantTerms:
    nothing: Any = None  # no search is asked for
    return TenantTerms(tmp_path, Added(), lambda: open_terminology(None), nothing)


def test_a_version_is_told_without_compiling_and_is_the_one_that_is_made(
    terms: TenantTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    compile_ = tenant_terms.open_overlaid

    def counted(home: Path, base: Terminology, additions: Sequence[Addition]) -> Terminology:
        made.append(additions[0].name)
        return compile_(home, base, additions)

    monkeypatch.setattr(tenant_terms, "open_overlaid", counted)
    told = [terms.version_of(each) for _ in range(3) for each in TENANTS]
    assert made == []
    assert len(set(told)) == len(TENANTS)
    own = terms.of(TENANTS[0])
    assert own is not None
    assert own.terminology.version == told[0]
    assert len(made) == 1


def test_who_asks_for_another_tenants_does_not_wait(
    terms: TenantTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = TENANTS[:2]
    held = terms.of(second)
    begun, go_on, compiled = threading.Event(), threading.Event(), list[str]()

    def slow(_home: Path, base: Terminology, additions: Sequence[Addition]) -> Terminology:
        compiled.append(additions[0].name)
        begun.set()
        assert go_on.wait(20)
        return base

    monkeypatch.setattr(tenant_terms, "open_overlaid", slow)
    found: list[object] = []
    asking = [threading.Thread(target=lambda: found.append(terms.of(first))) for _ in range(2)]
    for each in asking:
        each.start()
    assert begun.wait(20)
    other = threading.Thread(target=lambda: found.append(terms.of(second)))
    other.start()
    other.join(5)
    waited = other.is_alive()
    go_on.set()
    for each in (*asking, other):
        each.join(20)
    assert not waited
    assert found[0] is held
    assert found[1] is found[2]
    assert len(compiled) == 1  # and who asks for the same one does


def test_what_is_read_again_unchanged_is_not_compared_anew(
    terms: TenantTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_terms, "LOOK_EVERY_S", -1.0)  # it reads each time
    assert terms._added(TENANTS[0]) is terms._added(TENANTS[0])
    assert terms._added(TENANTS[0]) is not terms._added(TENANTS[1])

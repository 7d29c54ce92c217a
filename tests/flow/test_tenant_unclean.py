"""A tenant of which something is found after its erasure: it is not called erased."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app import tenant_erasing
from app.tenant_erasing import erase_tenant, registry, resume_tenants
from app.wiring import Installation
from indexing.erasure import Looked, Proof
from indexing.model import Tenant


@pytest.fixture
def something_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Proof]]:
    """Find something in every proof until the list is emptied."""
    real, found = tenant_erasing.proof_of, [Proof((Looked("words", "rows", 9, 1),), 0, 0, 0)]
    monkeypatch.setattr(
        tenant_erasing, "proof_of", lambda *given: found[0] if found else real(*given)
    )
    yield found
    found.clear()


def test_what_is_left_is_told_and_the_same_command_goes_on(
    installation: Installation, tenant: Tenant, something_left: list[Proof],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    _, proof = erase_tenant(installation, tenant.code, "operator:test", "gone", None)
    assert not proof.clean
    assert [each.code for each in registry(installation).unfinished()] == [tenant.code]
    resume_tenants(installation)
    assert f"something is left: {tenant.code}" in caplog.text
    assert [each.code for each in registry(installation).unfinished()] == [tenant.code]
    something_left.clear()
    begun, proof = erase_tenant(installation, tenant.code, "operator:test", "", None)
    assert proof.clean
    assert begun.finished_at is not None
    assert registry(installation).unfinished() == []


def test_something_that_came_in_meanwhile_is_taken_out_in_the_second_round(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, rounds = tenant_erasing.proof_of, iter([Proof((Looked("words", "rows", 9, 1),), 0, 0, 0)])
    monkeypatch.setattr(
        tenant_erasing, "proof_of", lambda *given: next(rounds, None) or real(*given)
    )
    begun, proof = erase_tenant(installation, tenant.code, "operator:test", "gone", None)
    assert proof.clean
    assert begun.finished_at is not None

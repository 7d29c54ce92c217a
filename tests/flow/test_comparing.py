"""The status page of a hospital with many notes: told of a moment, compared beside the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import pytest
from fastapi.testclient import TestClient

from app import comparing
from app.cli.output import operator
from app.comparing import AGAIN_S, DIFFERING_S, Comparing
from app.following import catch_up
from app.index_status import status_of
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.model import Tenant, TenantId
from tests.browsing import sign_in
from tests.flow.test_index_status import put
from tests.ward import Ward

MANY = 30_000


class Held:
    """Lets a store be listed when the test says so, and counts."""

    def __init__(self, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.count, self._entries = threading.Event(), 0, installation.lexical.entries
        monkeypatch.setattr(installation.lexical, "entries", self._listed)

    def _listed(self, tenant_id: TenantId) -> Mapping[str, int]:
        assert self.go.wait(60)
        self.count += 1
        return self._entries(tenant_id)


@pytest.fixture
def held(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Held:
    return Held(installation, monkeypatch)


def ended(own: Comparing, tenant: Tenant) -> None:
    """Wait for the comparison under way."""
    running = own._last[tenant.tenant_id].running
    assert running is not None
    running.result(timeout=60)


def test_many_notes_are_compared_beside_the_page(
    installation: Installation, tenant: Tenant, held: Held
) -> None:
    now = 0.0
    own, access = Comparing(installation, clock=lambda: now), operator(tenant)
    put(installation, tenant)
    first = own.status(access, MANY)  # the store hangs, the page does not
    assert first["compared_at"] is None
    assert first["indexes"]["lexical"]["count"] is None
    assert "error" not in first["indexes"]["lexical"]
    assert first["followers"]["language"] == 1  # what waits is of now
    assert own.status(access, MANY)["compared_at"] is None  # and no second one is begun
    held.go.set()
    ended(own, tenant)
    assert held.count == 1
    then = own.status(access, MANY)
    assert then["compared_at"] is not None
    assert then["indexes"]["lexical"]["count"] == 0
    assert not then["indexes"]["lexical"]["equal"]

    catch_up(installation, tenants=[tenant.tenant_id])
    now = DIFFERING_S
    assert own.status(access, MANY)["compared_at"] == then["compared_at"]
    assert own.status(access, MANY)["followers"]["language"] == 0
    now = DIFFERING_S + 1
    begun = own.status(access, MANY)  # the new one has begun, and is told of
    assert begun["compared_at"] == then["compared_at"]
    assert begun["comparing"]
    ended(own, tenant)
    anew = own.status(access, MANY)
    assert anew["compared_at"] > then["compared_at"]
    assert not anew["comparing"]
    assert anew["indexes"] == status_of(installation, access)["indexes"]
    assert anew["indexes"]["lexical"]["equal"]

    count = held.count
    now += AGAIN_S
    assert own.status(access, MANY)["compared_at"] == anew["compared_at"]
    assert held.count == count
    now += 1
    own.status(access, MANY)
    ended(own, tenant)
    assert held.count == count + 1


def test_what_failed_is_told_once_and_tried_again(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError

    own, access = Comparing(installation), operator(tenant)
    with monkeypatch.context() as patch:
        patch.setattr(comparing, "compared", broken)
        own.status(access, MANY)
        with pytest.raises(ZeroDivisionError):
            ended(own, tenant)
        with pytest.raises(ZeroDivisionError):
            own.status(access, MANY)
    assert own.status(access, MANY)["compared_at"] is None
    ended(own, tenant)
    assert own.status(access, MANY)["compared_at"] is not None


def test_few_notes_are_compared_at_once(installation: Installation, tenant: Tenant) -> None:
    own, access = Comparing(installation, few=1), operator(tenant)
    put(installation, tenant)
    assert own.status(access, 1)["indexes"]["lexical"]["count"] == 0
    catch_up(installation, tenants=[tenant.tenant_id])
    assert own.status(access, 1)["indexes"]["lexical"]["count"] == 1
    assert own.status(access, 2)["compared_at"] is None


def test_the_page_says_of_which_moment_it_speaks(
    client: TestClient, ward: Ward, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, ward, Role.ADMIN)
    held.go.set()
    assert "Stores compared with the records at" in client.get("/status").text
    held.go.clear()
    own = ward.services.index_status.__self__  # type: ignore[attr-defined]
    monkeypatch.setattr(own, "_few", 1)
    page = client.get("/status").text
    held.go.set()
    assert "being compared with the records for the first time" in page
    assert "being compared</td>" in page
    ended(own, ward.tenant)
    assert "Stores compared with the records at" in client.get("/status").text
    now = time.monotonic() + AGAIN_S + 1
    monkeypatch.setattr(own, "_clock", lambda: now)
    assert "They are being compared anew" in client.get("/status").text
    ended(own, ward.tenant)
    assert "They are being compared anew" not in client.get("/status").text


def test_who_may_read_few_notes_does_not_have_many_compared_while_waiting(
    client: TestClient, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Access] = []

    def total(access: Access) -> int:
        asked.append(access)
        return MANY if access.patients is None and access.labels == LABELS else 0

    sign_in(client, ward, Role.ADMIN)
    monkeypatch.setattr(ward.services.documents, "total", total)
    own = ward.services.index_status.__self__  # type: ignore[attr-defined]
    own._last.clear()
    assert "being compared with the records for the first time" in client.get("/status").text
    ended(own, ward.tenant)
    assert any(access.labels != LABELS for access in asked)  # the page counts what is open

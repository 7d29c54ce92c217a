"""Vectors of a tenant that nobody asks are put away in Weaviate, and come back with a question."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from weaviate.classes.tenants import TenantActivityStatus

from app.resting import UNASKED, put_away, put_away_unasked
from app.settings import Settings
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.filters import Filters
from indexing.ingest import Ingest
from indexing.model import Document, Passage, Tenant
from indexing.ports import VectorEntry
from tests.engines import PATIENT_S, EngineServer
from tests.unit.test_linking import Counted


@pytest.fixture
def site(installation: Installation, weaviate: EngineServer) -> Iterator[Installation]:
    """The installation with a site's Weaviate, and a model that costs nothing."""
    made = Installation(
        Settings(
            home=installation.home, vector="weaviate", leg_patience_s=PATIENT_S, **weaviate.settings
        )
    )
    made.__dict__ |= {"encoder": Counted("resting"), "database": installation.database}
    yield made
    made.weaviate.close()


def statuses(site: Installation, tenant: Tenant) -> set[TenantActivityStatus]:
    index, space = site.vector.at(site.vector.places(tenant.tenant_id)[0])
    with site.weaviate.calling("look") as client:
        return {
            client.collections.use(shelf.name)
            .tenants.get_by_name(shelf.tenant(space))
            .activity_status
            for shelf in (index._passages, index._notes.shelf)  # type: ignore[attr-defined]
        }


@pytest.mark.engines
def test_a_week_without_a_question_puts_a_tenant_away_until_the_next(
    site: Installation, tenant: Tenant
) -> None:
    t, encoder = tenant.tenant_id, site.encoder
    assert put_away_unasked(site, [t]) == 1  # nothing is there, and nothing fails
    rows = encoder.encode(["fever"])
    site.vector.upsert(
        t, [VectorEntry(Document(t, "a", 1, "x"), encoder.model, (Passage(0, 0, 1),), rows)]
    )
    access = Access(t, "dr", frozenset({Role.ADMIN}), labels=LABELS)
    patient = b'{"resourceType": "Patient", "id": "p"}'
    assert Ingest(site.records, access, ZoneInfo("UTC")).submit(patient)[0].rejected is None
    now = datetime.now(UTC)
    assert put_away_unasked(site, [t], now) == 0
    assert statuses(site, tenant) == {TenantActivityStatus.ACTIVE}
    assert put_away_unasked(site, [t], now + UNASKED + timedelta(hours=1)) == 1
    assert statuses(site, tenant) == {TenantActivityStatus.INACTIVE}
    found = site.vector.search(access, np.asarray(rows[0]), Filters(), 3).hits
    assert [hit.doc_id for hit in found] == ["a"]
    assert put_away(site, t)
    assert site.vector.entries(t) == {"a": 1}
    site.vector.drop(t)


def test_an_embedded_engine_keeps_all_at_hand(installation: Installation, tenant: Tenant) -> None:
    assert put_away_unasked(installation, [tenant.tenant_id]) == 0

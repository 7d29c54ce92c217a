"""The hot reads use indexes: no table of more than 1,000 rows is read from end to end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from zlib import crc32

import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient

from app.following import catch_up
from app.settings import Settings
from app.web import create_app
from app.wiring import Installation
from eval.hospital import bundles, hospital_bundle
from indexing.access import Access, Role
from indexing.backends.postgres.embedded import Server
from indexing.ingest import Ingest
from indexing.ports import Encoder, Vectors
from tests.ward import PASSWORD, Ward, build

pytestmark = pytest.mark.slow

MANY = 1_000  # rows
PATIENTS = 80
# A small tenant's vectors are scanned on purpose: exact beats an approximate graph there.
SCANNED = "vector_passage"
SITE = "http://127.0.0.1:8080"


class _Dice:
    """Any unit rows do: what is measured is how tables are read."""

    model, dimension = "dice", 384

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.stack(
            [np.random.default_rng(crc32(t.encode())).normal(size=self.dimension) for t in texts]
        )
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class _Quick(Installation):
    @cached_property
    def encoder(self) -> Encoder:
        return _Dice()


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two hospitals of the same size, so that a tenant is half of every table."""
    home = tmp_path_factory.mktemp("plans")
    installation = _Quick(Settings(home=home))
    yield installation
    installation.close()
    Server(home).stop()


@pytest.fixture(scope="module")
def ward(quick: Installation) -> Ward:
    wards = [build(quick), build(quick)]
    charts = [orjson.dumps(hospital_bundle()), *bundles(PATIENTS)]
    for ward in wards:
        access = Access(ward.tenant.tenant_id, "loader", frozenset({Role.ADMIN}))
        into = Ingest(quick.records, access, quick.zone_of(ward.tenant.tenant_id))
        for chart in charts:
            assert not [o for o in into.submit(chart) if o.rejected]
    catch_up(quick)
    with quick.owner_database.session() as conn:
        conn.execute("VACUUM ANALYZE")
    return wards[0]


def test_hot_reads_scan_no_large_table(quick: Installation, ward: Ward) -> None:
    with TestClient(create_app(ward.services), base_url=SITE) as client:
        for _ in range(3):  # the first readings fill what a process keeps
            _read(client, ward)
        before = _read_whole(quick)
        _read(client, ward)
        after = _read_whole(quick)
    large = {name for name, (rows, _) in after.items() if rows > MANY}
    assert len(large) >= 5, "the hospital is too small to tell anything"
    scanned = {
        name: after[name][1] - before[name][1]
        for name in large
        if after[name][1] > before[name][1] and not name.startswith(SCANNED)
    }
    assert not scanned


def _read(client: TestClient, ward: Ward) -> None:
    """Ask as a clinician does, in the browser and by the API."""
    bearer = {"Authorization": f"Bearer {ward.token(Role.CLINICIAN)}"}
    found = client.post("/api/search", json={"q": "chest pain", "k": 10}, headers=bearer).json()
    hit = next(hit for hit in found["hits"] if hit["patient_id"])
    for path in (f"/api/notes/{hit['doc_id']}", f"/api/patients/{hit['patient_id']}"):
        assert client.get(path, headers=bearer).status_code == 200
    path = f"/fhir/Patient/{hit['patient_id']}"
    assert client.get(path, headers=bearer).status_code == 200
    _sign_in(client, ward)
    for question in ("chest pain", '"chest pain" date:2023', "type:radiology pneumonia"):
        page = client.post("/search", data={"form_token": _token(client, "/search"), "q": question})
        assert page.status_code == 200, page.text
    assert client.get(f"/patients/{hit['patient_id']}").status_code == 200
    assert client.get(f"/notes/{hit['doc_id']}").status_code == 200


def _sign_in(client: TestClient, ward: Ward) -> None:
    if client.get("/search", follow_redirects=False).status_code == 200:
        return
    client.post(
        "/login",
        data={
            "form_token": _token(client, "/login"), "tenant": ward.tenant.code,
            "name": Role.CLINICIAN.value, "password": PASSWORD,
        },
    )  # fmt: skip


def _token(client: TestClient, path: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', client.get(path).text)
    assert found is not None
    return found.group(1)


def _read_whole(installation: Installation) -> dict[str, tuple[int, int]]:
    """Return {table: (rows, rows read by sequential scans)}; a backend that ends hands in its
    counts, so the pool's are ended first."""
    others = "FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
    with installation.database.session() as conn:
        conn.execute(f"SELECT pg_terminate_backend(pid) {others}")
        while conn.execute(f"SELECT pid {others}").fetchall():
            os.sched_yield()
    installation.database._pool.check()
    with installation.database.session() as conn:
        rows = conn.execute(
            "SELECT relname, n_live_tup, seq_tup_read FROM pg_stat_user_tables"
        ).fetchall()
    return {name: (live, read) for name, live, read in rows}

"""The hospital that benches measure: a filling that was broken off goes on where it stopped."""

from __future__ import annotations

import pytest

from app.cli import bench_patients
from app.cli.bench_hospital import tenant_of
from app.wiring import Installation
from eval.hospital import DEFAULT_SEED, chart
from eval.hospital.course import patient_id


def test_a_filling_goes_on_where_it_was_broken_off(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    invented: list[int] = []

    def noted(seed: int, index: int) -> object:
        invented.append(index)
        return chart(seed, index)

    monkeypatch.setattr(bench_patients, "chart", noted)
    bench_patients._take_in(installation, 2)
    bench_patients._take_in(installation, 3)
    assert invented == [0, 1, 2]
    expected = sorted(patient_id(DEFAULT_SEED, index) for index in range(3))
    assert bench_patients.known_patients(installation) == expected
    with installation.database.tenant(tenant_of(installation).tenant_id) as conn:
        versions = conn.execute("SELECT DISTINCT version FROM resource").fetchall()
    assert versions == [(1,)]

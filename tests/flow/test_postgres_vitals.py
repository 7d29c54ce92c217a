"""Series in PostgreSQL: what its locks and the halves of its windows promise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from app.wiring import Installation
from indexing.access import Access
from indexing.backends.postgres import vital_rows, vitals
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.vitals import PostgresVitals
from indexing.model import Tenant
from indexing.vitals.model import SeriesKey, Span, batch_of, micros
from tests.engines import PATIENT_S


def test_who_is_forgotten_while_somebody_writes_leaves_no_point_behind(
    installation: Installation, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SeriesKey("vital_signs", "p1", "heart_rate", "/min", "watch")
    own, tenant = installation.vitals, access.tenant_id

    def write(minute: int) -> None:
        at = micros(datetime(2026, 3, 1, 12, minute, tzinfo=UTC))
        own.write(tenant, batch_of([key], [0], [at], [70.0]))

    write(0)  # from now on the series' number is remembered
    forgetting = threading.Thread(target=own.forget, args=(tenant, "p1"))

    def meanwhile(conn: Any) -> None:
        """Forget before the points are committed, and go on once that waits for them."""
        forgetting.start()
        for _ in range(3_000):
            [waits] = conn.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
            ).fetchone()
            if waits or not forgetting.is_alive():
                return
            forgetting.join(0.01)
        pytest.fail("whoever forgets neither waits nor ends")

    with monkeypatch.context() as patched:
        patched.setattr(own, "_sealed", meanwhile)
        write(1)
    forgetting.join(PATIENT_S)
    with installation.database.tenant(tenant) as conn:
        for table in ("vital_point", "vital_series", "vital_stale"):
            assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    write(2)
    assert [each.value.tolist() for each in own.points(access, ["p1"], Span())] == [[70.0]]


def test_a_window_over_many_is_read_in_halves_that_make_the_whole(
    installation: Installation, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [SeriesKey("vital_signs", f"p{n}", "heart_rate", "/min") for n in range(7)]
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    at = [micros(noon + timedelta(minutes=minute)) for minute in range(90) for _ in keys]
    values = [60.0 + n % 11 for n in range(len(at))]
    batch = batch_of(keys, [*range(7)] * 90, at, values)
    installation.vitals.write(access.tenant_id, batch)
    asked = (access, "heart_rate", noon + timedelta(minutes=17), noon + timedelta(minutes=77))
    whole = installation.vitals.window(*asked)
    monkeypatch.setattr(vitals, "_LOT", 1)
    assert installation.vitals.window(*asked) == whole
    assert [(each.key, each.count) for each in whole] == [(key, 60) for key in keys]


def test_whose_hours_are_open_is_told_in_one_question(
    installation: Installation, access: Access
) -> None:
    key = SeriesKey("vital_signs", "p1", "heart_rate", "/min", "watch")
    asked = installation.tenants.with_open_hours
    assert access.tenant_id not in asked()
    at = micros(datetime(2026, 3, 1, 12, tzinfo=UTC))
    installation.vitals.write(access.tenant_id, batch_of([key], [0], [at], [70.0]))
    assert access.tenant_id in asked()
    installation.vitals.settle(access.tenant_id)
    assert access.tenant_id not in asked()


@pytest.fixture
def own(installation: Installation) -> Iterator[Database]:
    """A connection that nothing was staged on."""
    made = Database(installation.conninfos.app, size=1)
    yield made
    made.close()


_STAGED = "SELECT to_regclass('pg_temp.stage_vital') IS NOT NULL"
_KEPT = "SELECT at, value, quality, battery, score, flag FROM vital_point ORDER BY at"


def test_few_points_land_as_many_do_and_leave_no_table_to_empty_at_each_commit(
    own: Database, new_tenant: Callable[[], Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SeriesKey("vital_signs", "p1", "heart_rate", "/min")
    days = [datetime(year, 3, 1, 12, 59, 59, 999_999, UTC) for year in (1960, 2024, 2025, 2199)]
    odd = batch_of([key], [0] * 4, [micros(day) for day in days], [1 / 3, -1e-9, 1e300, 70.0])
    odd = replace(
        odd, quality=np.array([0.1, np.nan, 1.0, 0.0]), battery=np.array([np.nan] * 3 + [99.9]),
        score=np.array([-3.7, np.nan, np.nan, 1e300]), flag=np.array([0, 1, 2, 3], np.int16),
    )  # fmt: skip

    def landed() -> list[list[Any]]:
        """Write them, correct them, and return what stands after each."""
        store, tenant_id, found = PostgresVitals(own), new_tenant().tenant_id, []
        for batch in (odd, replace(odd, value=odd.value + 1)):
            with np.errstate(over="ignore"):  # a score that no float4 holds is infinite
                store.write(tenant_id, batch)
            with own.tenant(tenant_id) as conn:
                found.append(conn.execute(_KEPT).fetchall())
        with own.tenant(tenant_id) as conn:
            found.append(conn.execute(_STAGED).fetchall())
        return found

    *few, left = landed()
    monkeypatch.setattr(vital_rows, "_STAGE_FROM", 0)
    *many, staged = landed()
    assert few == many
    assert [row[0] for row in few[0]] == days
    assert [row[1] for row in few[0]] == [1 / 3, -1e-9, 1e300, 70.0]
    assert (left, staged) == ([(False,)], [(True,)])

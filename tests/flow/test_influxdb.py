"""InfluxDB as the store of series: what it holds of a tenant, outages, kill -9, its likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import pytest

from app.cli.doctor_engines import looks
from app.tenant_erasing import erase_tenant
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.influxdb.connect import Connection
from indexing.backends.influxdb.reads import NAMED_AT_ONCE
from indexing.backends.influxdb.schema import tags_of
from indexing.backends.influxdb.vitals import InfluxVitals
from indexing.errors import EngineUnavailable, EventRejected, TenantErased
from indexing.model import Tenant
from indexing.strays import STRAYS
from indexing.vitals.hours import rolled
from indexing.vitals.model import SeriesKey, Span, batch_of, moment_of
from tests.engines import EngineServer

pytestmark = pytest.mark.engines

PULSE = SeriesKey("vital_signs", "p1", "heart_rate", "/min", "watch")
MINUTE = 60_000_000
BASE = 1_772_366_400_000_000  # 2026-03-01T12:00Z
NOON, LATER = moment_of(BASE), moment_of(BASE + 60 * MINUTE)


@pytest.fixture(params=["influxdb", "victoriametrics"])
def server(request: pytest.FixtureRequest) -> EngineServer:
    """InfluxDB, and what speaks half of its interface."""
    found: EngineServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def site(installation: Installation, server: EngineServer) -> Iterator[Installation]:
    changed = {"vitals": "influxdb", **server.settings}
    own = Installation(installation.settings.model_copy(update=changed))
    yield own
    own.close()


def write(own: Installation, access: Access, values: Sequence[float], first: int = 0) -> None:
    at = [BASE + (first + n) * MINUTE for n in range(len(values))]
    own.vitals.write(access.tenant_id, batch_of([PULSE], [0] * len(at), at, values))


def read(own: Installation, access: Access) -> list[float]:
    return [v for each in own.vitals.points(access, ["p1"], Span()) for v in each.value.tolist()]


def test_what_was_written_is_read_and_a_correction_replaces_it(
    site: Installation, access: Access
) -> None:
    write(site, access, [70, 71])
    write(site, access, [80])
    assert read(site, access) == [80, 71]


def test_who_is_forgotten_is_gone(site: Installation, access: Access) -> None:
    write(site, access, [70, 71])
    assert read(site, access) == [70, 71]
    site.vitals.forget(access.tenant_id, "p1")
    assert read(site, access) == []


def test_doctor_tells_a_server_that_cannot_be_read(
    site: Installation, server: EngineServer
) -> None:
    health = looks(site)["influxdb"](site)
    wrong = [trouble.what for trouble in health.troubles]
    if server.name == "influxdb":
        assert wrong == []
        assert "1." in health.words
    else:
        assert wrong == ["it takes points and answers no InfluxQL, as VictoriaMetrics does"]


@pytest.mark.parametrize("server", ["influxdb"], indirect=True)
def test_a_point_of_another_tenant_is_dropped_and_counted(
    site: Installation, access: Access, new_tenant: Callable[[], Tenant]
) -> None:
    write(site, access, [70])
    store = site.vitals
    assert isinstance(store, InfluxVitals)
    database = store._database(access.tenant_id)
    other = tags_of(new_tenant().tenant_id, PULSE)
    foreign = f"vital_signs{other} value=99,quality=1,battery=1,score=0,flag=0i,odd=0i {BASE}"
    site.influxdb.write(database, foreign)
    before = STRAYS.labels("influxdb", "vitals")._value.get()
    assert read(site, access) == [70]
    assert STRAYS.labels("influxdb", "vitals")._value.get() == before + 1
    assert [w.key.subject for w in store.window(access, "heart_rate", NOON, LATER)] == ["p1"]


@pytest.mark.parametrize("server", ["influxdb"], indirect=True)
def test_no_text_in_a_tag_leads_out_of_it(site: Installation, access: Access) -> None:
    odd = "a,b=c d\\' \"; DROP DATABASE x\n%2C$p ü"
    key = replace(PULSE, subject=odd, device=odd + "\\", labels=frozenset({"R", "a,b"}))
    cleared = replace(access, labels=key.labels)
    site.vitals.write(access.tenant_id, batch_of([key], [0], [BASE], [70.0]))
    [found] = site.vitals.points(cleared, [odd], Span())
    assert found.key == key
    assert site.vitals.points(cleared, ["x' OR '1'='1"], Span()) == []
    site.vitals.forget(access.tenant_id, odd)
    assert site.vitals.points(cleared, [odd], Span()) == []


@pytest.mark.parametrize("server", ["influxdb"], indirect=True)
def test_a_time_that_it_cannot_hold_parks_the_event_and_writes_nothing(
    site: Installation, access: Access
) -> None:
    far = batch_of([PULSE], [0, 0], [BASE, BASE * 100], [1.0, 2.0])
    with pytest.raises(EventRejected, match="1678"):
        site.vitals.write(access.tenant_id, far)
    assert read(site, access) == []


@pytest.mark.parametrize("server", ["influxdb"], indirect=True)
def test_killed_with_9_it_has_what_was_acknowledged_and_questions_do_not_wait(
    site: Installation, server: EngineServer, access: Access
) -> None:
    if server.script is None:
        pytest.skip("no test kills a site's own server")
    write(site, access, range(90))
    write(site, access, [-1.0] * 3, first=7)  # corrected
    server.crash()
    with pytest.raises(EngineUnavailable):
        read(site, access)
    with pytest.raises(EngineUnavailable, match="InfluxDB does not answer"):
        write(site, access, [1.0], first=500)
    server.start()
    _until(lambda: write(site, access, [-2.0], first=95))  # late by the clock, after the crash
    _until(lambda: read(site, access))
    expected = [*map(float, range(7)), -1.0, -1.0, -1.0, *map(float, range(10, 90)), -2.0]
    assert read(site, access) == expected
    [hours] = site.vitals.rollups(access, ["p1"], Span())
    [details] = site.vitals.points(access, ["p1"], Span())
    assert hours.count.tolist() == rolled(details).count.tolist()
    assert np.allclose(hours.mean, rolled(details).mean)


def _until(ready: Callable[[], object]) -> None:
    """Ask until the breaker has found the server again."""
    tick = Event()
    for _ in range(300):
        with suppress(EngineUnavailable):
            ready()
            return
        tick.wait(0.1)
    ready()


@pytest.mark.parametrize("server", ["influxdb"], indirect=True)
def test_a_database_is_dropped_with_its_tenant_and_may_come_back(
    site: Installation, access: Access
) -> None:
    write(site, access, [70])
    site.vitals.drop(access.tenant_id)
    assert read(site, access) == []
    write(site, access, [71])
    assert read(site, access) == [71]
    stranger = Access(access.tenant_id, "r", frozenset({Role.RESEARCHER}), patients=frozenset())
    assert site.vitals.points(stranger, ["p1"], Span()) == []


@pytest.mark.parametrize("server", ["influxdb"], indirect=True)
def test_no_database_is_made_for_a_tenant_that_left(site: Installation, tenant: Tenant) -> None:
    access = Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    write(site, access, [70])
    _, proof = erase_tenant(site, tenant.code, "operator:test", "contract ended", None)
    assert proof.clean
    with pytest.raises(TenantErased):
        write(site, access, [71])  # what had been under way all the while
    assert read(site, access) == []


@pytest.mark.parametrize("server", ["influxdb"], indirect=True)
def test_taking_back_reads_no_point_and_deletes_none(
    site: Installation, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each point read, and each deleted, would take the server so long that it counts as dead."""
    key, count = replace(PULSE, source="fhir"), 1000
    at = [BASE + n * MINUTE for n in range(count)]
    origins = [f"Observation/{n}" for n in range(count)]
    site.vitals.write(access.tenant_id, batch_of([key], [0] * count, at, [70.0] * count), origins)
    ask, asked = Connection.ask, list[str]()

    def listening(
        self: Connection, what: str, database: str, statements: Sequence[str],
        bound: Mapping[str, Any],
    ) -> list[list[dict[str, Any]]]:  # fmt: skip
        asked.extend(statements)
        return ask(self, what, database, statements, bound)

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "ask", listening)
        site.vitals.retract(access.tenant_id, ["Observation/x", *origins[: count // 2]])
    assert all(" FROM origins WHERE (bucket = " in each for each in asked)
    assert len(asked) <= 2 * -(-(count // 2 + 1) // NAMED_AT_ONCE)
    assert len(read(site, access)) == count // 2

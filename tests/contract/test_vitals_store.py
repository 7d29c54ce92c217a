"""What every engine of series must do: read back what was written, and roll it up rightly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import VitalsBackend
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.errors import Forbidden
from indexing.model import ChangeEvent, Kind, Position, Tenant, TenantId
from indexing.vitals.anomaly import baseline, baselines
from indexing.vitals.hours import rolled
from indexing.vitals.model import HOUR_US, Batch, SeriesKey, Span, batch_of, micros
from indexing.vitals.observations import LOINC, Judged, Observed, VitalsFollower
from indexing.vitals.store import VitalsStore
from tests.engines import every

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PULSE = SeriesKey("vital_signs", "p1", "heart_rate", "/min", "watch")
OTHER = SeriesKey("vital_signs", "p2", "heart_rate", "/min", "watch")
HIDDEN = SeriesKey("vital_signs", "p1", "heart_rate", "/min", "", "", "fhir", frozenset({"R"}))
TRIAL = SeriesKey("trial_data", "T1", "enrolment", "1", "", "Vienna")


@pytest.fixture(params=every(VitalsBackend))
def store(request: pytest.FixtureRequest, installation: Installation) -> Iterator[VitalsStore]:
    """Each engine; those that need a server of their own say where they would find it."""
    if request.param == "timescale":
        yield request.getfixturevalue("timescale").vitals
        return
    update = {"vitals": request.param}
    if request.param == "influxdb":
        update |= request.getfixturevalue("influxdb").settings
    own = Installation(installation.settings.model_copy(update=update))
    yield own.vitals
    own.close()


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def batch(key: SeriesKey, *points: tuple[float, float], score: float = float("nan")) -> Batch:
    made = batch_of(
        [key], [0] * len(points), [micros(at(m)) for m, _ in points], [v for _, v in points]
    )
    return replace(made, score=np.full(len(points), score))


def values(store: VitalsStore, access: Access, subject: str = "p1") -> list[float]:
    found = store.points(access, [subject], Span())
    return [float(v) for each in found for v in each.value]


def assert_equal_to_recount(store: VitalsStore, access: Access, subject: str = "p1") -> None:
    details = store.points(access, [subject], Span())
    hours = store.rollups(access, [subject], Span())
    assert [h.key for h in hours] == [d.key for d in details]
    for own, points in zip(hours, details, strict=True):
        recount = rolled(points)
        for name in ("at", "count", "low", "high", "anomalies"):
            assert getattr(own, name).tolist() == getattr(recount, name).tolist(), name
        assert own.mean == pytest.approx(recount.mean)
        assert own.deviation == pytest.approx(recount.deviation, abs=1e-6)


def test_points_come_back_in_order_with_all_they_said(store: VitalsStore, access: Access) -> None:
    made = replace(
        batch(PULSE, (5, 80), (1, 70)), quality=np.array([0.5, 1.0]), flag=np.array([4, 0])
    )
    store.write(access.tenant_id, made)
    [found] = store.points(access, ["p1"], Span())
    assert found.key == PULSE
    assert found.at.tolist() == [micros(at(1)), micros(at(5))]
    assert found.value.tolist() == [70, 80]
    assert found.quality.tolist() == [1.0, 0.5]
    assert np.isnan(found.battery).all()
    assert np.isnan(found.score).all()
    assert found.flag.tolist() == [0, 4]


def test_a_point_written_again_is_corrected_and_the_last_of_a_batch_counts(
    store: VitalsStore, access: Access
) -> None:
    store.write(access.tenant_id, batch(PULSE, (1, 70), (1, 71)))
    assert values(store, access) == [71]
    store.write(access.tenant_id, batch(PULSE, (1, 72)))
    assert values(store, access) == [72]
    assert_equal_to_recount(store, access)


def test_a_series_that_stands_twice_in_a_batch_is_one(store: VitalsStore, access: Access) -> None:
    twice = batch_of([PULSE, PULSE], [0, 1, 1], [micros(at(m)) for m in (1, 1, 2)], [70, 71, 72])
    store.write(access.tenant_id, twice)
    assert values(store, access) == [71, 72]
    assert_equal_to_recount(store, access)


def test_rollups_hold_after_late_and_corrected_points_settled_or_not(
    store: VitalsStore, access: Access
) -> None:
    tenant = access.tenant_id
    store.write(tenant, batch(PULSE, *((m, 60 + m % 7) for m in range(150)), score=0.5))
    assert_equal_to_recount(store, access)
    store.settle(tenant)
    assert_equal_to_recount(store, access)
    store.write(tenant, batch(PULSE, (3.5, 200), score=9.0))  # late
    store.write(tenant, batch(PULSE, (70, 10), score=-8.0))  # corrected
    assert_equal_to_recount(store, access)
    store.settle(tenant)
    assert_equal_to_recount(store, access)
    [own] = store.rollups(access, ["p1"], Span())
    assert own.anomalies.tolist() == [1, 1, 0]
    assert own.at.tolist() == [micros(NOON) + HOUR_US * h for h in range(3)]


def test_what_was_read_from_a_resource_is_retracted_with_it(
    store: VitalsStore, access: Access
) -> None:
    tenant, fhir = access.tenant_id, replace(PULSE, source="fhir")
    store.write(tenant, batch(fhir, (1, 70), (61, 75)), ["Observation/a", "Observation/b"])
    store.settle(tenant)
    store.retract(tenant, ["Observation/b", "Observation/unknown"])
    assert values(store, access) == [70]
    assert_equal_to_recount(store, access)
    store.retract(tenant, ["Observation/b"])
    assert values(store, access) == [70]


def test_of_two_resources_at_one_instant_the_other_is_told_until_it_is_read_again(
    store: VitalsStore, access: Access
) -> None:
    tenant, fhir = access.tenant_id, replace(PULSE, source="fhir")
    store.write(tenant, batch(fhir, (1, 70), (2, 60)), ["Observation/a", "Observation/a"])
    store.write(tenant, batch(fhir, (1, 71), (3, 90)), ["Observation/b", "Observation/c"])
    for _ in range(2):  # whoever dies before it is read again is told once more
        assert store.retract(tenant, ["Observation/b"]) == ["Observation/a"]
        assert values(store, access) == [60, 90]
    store.write(tenant, batch(fhir, (1, 70)), ["Observation/a"])
    assert values(store, access) == [70, 60, 90]
    assert store.retract(tenant, ["Observation/a", "Observation/b"]) == []
    assert values(store, access) == [90]
    assert_equal_to_recount(store, access)
    assert store.retract(tenant, ["Observation/a", "Observation/b"]) == []


def test_who_is_forgotten_is_claimed_by_nothing(store: VitalsStore, access: Access) -> None:
    tenant, fhir = access.tenant_id, replace(PULSE, source="fhir")
    for name in ("Observation/a", "Observation/b"):
        store.write(tenant, batch(fhir, (1, 70)), [name])
    store.forget(tenant, "p1")
    assert store.retract(tenant, ["Observation/a"]) == []


class Numbers:
    """Observations of one patient: (minute, beats) by id; those that are gone have none."""

    def __init__(self, **told: tuple[float, float]) -> None:
        self.told = told

    def observed(self, tenant_id: TenantId, ids: Sequence[str]) -> list[Observed]:
        del tenant_id
        return [
            Observed(name, "p1", frozenset(), at(minute), LOINC, "8867-4", beats, "/min", "")
            for name, (minute, beats) in self.told.items()
            if name in ids
        ]

    def judge(self, tenant_id: TenantId, found: Sequence[Judged]) -> None:
        """Scores are looked at elsewhere."""


def test_an_observation_that_goes_leaves_the_other_of_its_instant(
    store: VitalsStore, access: Access
) -> None:
    source = Numbers(a=(1, 70), b=(1, 71), c=(2, 80))
    follower = VitalsFollower(source, store)

    def happened(name: str) -> None:
        deleted = name not in source.told
        key = f"Observation/{name}"
        event = ChangeEvent(Position(0, 0), access.tenant_id, Kind.RESOURCE, key, 1, deleted)
        follower.apply(access.tenant_id, [event])

    for name in "abc":
        happened(name)
    assert values(store, access) == [71, 80]
    del source.told["b"]
    happened("b")
    assert values(store, access) == [70, 80]
    source.told["a"] = (2, 69)  # it moves to where another stands
    happened("a")
    assert values(store, access) == [69]
    del source.told["a"]
    happened("a")
    assert values(store, access) == [80]
    del source.told["c"]
    happened("c")
    assert values(store, access) == []
    assert store.retract(access.tenant_id, ["Observation/a", "Observation/b"]) == []


def test_a_reader_sees_open_patients_and_labels_alone(store: VitalsStore, access: Access) -> None:
    tenant = access.tenant_id
    for key in (PULSE, OTHER, HIDDEN, TRIAL):
        store.write(tenant, batch(key, (1, 70)))
    assert [p.key for p in store.points(access, ["p1"], Span())] == [PULSE]
    cleared = replace(access, labels=frozenset({"R"}))
    assert {p.key for p in store.points(cleared, ["p1"], Span())} == {PULSE, HIDDEN}
    only = replace(access, patients=frozenset({"p2"}))
    assert store.points(only, ["p1"], Span()) == []
    assert {e.key for e in store.extents(only, ["p1", "p2", "T1"])} == {OTHER, TRIAL}
    seen = {w.key for w in store.window(only, "heart_rate", at(0), at(60))}
    assert seen == {OTHER}


def test_tenants_share_nothing(
    store: VitalsStore, access: Access, new_tenant: Callable[[], Tenant]
) -> None:
    store.write(access.tenant_id, batch(PULSE, (1, 70)))
    theirs = Access(new_tenant().tenant_id, "dr", frozenset({Role.CLINICIAN}))
    assert store.points(theirs, ["p1"], Span()) == []
    assert store.rollups(theirs, ["p1"], Span()) == []
    store.drop(theirs.tenant_id)
    store.retract(theirs.tenant_id, ["Observation/a"])
    assert values(store, access) == [70]


def test_a_span_is_half_open_and_names_kinds(store: VitalsStore, access: Access) -> None:
    other = replace(PULSE, kind="respiratory_rate")
    store.write(access.tenant_id, batch(PULSE, (0, 1), (30, 2), (60, 3)))
    store.write(access.tenant_id, batch(other, (30, 9)))
    [found] = store.points(access, ["p1"], Span(at(0), at(60), ["heart_rate"]))
    assert found.value.tolist() == [1, 2]
    [hours] = store.rollups(access, ["p1"], Span(at(30), at(120), ["heart_rate"]))
    assert hours.count.tolist() == [1]
    models = Span(measurements=frozenset({"model_performance"}))
    assert store.points(access, ["p1"], models) == []


@pytest.mark.parametrize(("start", "end"), [(0, 60), (0, 120), (10, 50), (30, 170), (55, 65)])
def test_a_window_counts_exactly_what_lies_in_it(
    store: VitalsStore, access: Access, start: int, end: int
) -> None:
    tenant = access.tenant_id
    for settled, key in ((True, PULSE), (False, OTHER)):
        store.write(tenant, batch(key, *((m, m * m % 31) for m in range(0, 180, 2)), score=4.0))
        if settled:
            store.settle(tenant)
    found = {w.key: w for w in store.window(access, "heart_rate", at(start), at(end))}
    inside = np.array([m * m % 31 for m in range(0, 180, 2) if start <= m < end], float)
    assert set(found) == {PULSE, OTHER}
    for own in found.values():
        assert (own.count, own.low, own.high) == (len(inside), inside.min(), inside.max())
        assert own.mean == pytest.approx(inside.mean())
        assert own.anomalies == len(inside)


def test_retention_drops_streams_and_keeps_their_hours_and_the_records(
    store: VitalsStore, access: Access
) -> None:
    tenant, fhir = access.tenant_id, replace(PULSE, source="fhir", device="")
    for key in (PULSE, fhir):
        store.write(tenant, batch(key, (0, 70), (1, 74), (120, 80)))
    assert store.retain(tenant, at(100), at(-9999)) == (2, 0)
    found = {p.key: p.value.tolist() for p in store.points(access, ["p1"], Span())}
    assert found == {PULSE: [80], fhir: [70, 74, 80]}
    hours = {h.key: h.mean.tolist() for h in store.rollups(access, ["p1"], Span())}
    assert hours == {PULSE: [72, 80], fhir: [72, 80]}
    store.retain(tenant, at(100), at(100))
    hours = {h.key: h.mean.tolist() for h in store.rollups(access, ["p1"], Span())}
    assert hours == {PULSE: [80], fhir: [72, 80]}


def test_a_history_needs_enough_points_and_is_of_the_latest(
    store: VitalsStore, access: Access
) -> None:
    tenant = access.tenant_id
    store.write(tenant, batch(PULSE, *((m, 70 + m % 3) for m in range(19))))
    assert store.baselines(tenant, [PULSE, OTHER]) == {}
    store.write(tenant, batch(PULSE, *((m, 90 + m % 3) for m in range(100, 700))))
    own = store.baselines(tenant, [PULSE])[PULSE]
    assert (own.center, own.count) == (91, 500)
    assert own.spread == pytest.approx(1.4826)


def test_a_forgotten_subject_is_gone_and_may_come_back(store: VitalsStore, access: Access) -> None:
    tenant = access.tenant_id
    for key in (PULSE, OTHER):
        store.write(tenant, batch(key, (1, 70)))
    store.settle(tenant)
    store.forget(tenant, "p1")
    assert store.points(access, ["p1"], Span()) == []
    assert store.rollups(access, ["p1"], Span()) == []
    assert values(store, access, "p2") == [70]
    store.write(tenant, batch(PULSE, (2, 71)))
    assert values(store, access) == [71]


def test_nothing_written_is_nothing(store: VitalsStore, access: Access) -> None:
    store.write(access.tenant_id, batch(PULSE))
    store.retract(access.tenant_id, [])
    assert store.points(access, [], Span()) == []
    assert store.window(access, "heart_rate", at(0), at(1)) == []
    assert store.settle(TenantId(access.tenant_id)) == 0


@pytest.mark.parametrize("again", [2, 3])
def test_what_another_process_wrote_in_between_is_corrected(
    installation: Installation, access: Access, again: int
) -> None:
    mine, other = installation.vitals, Installation(installation.settings)
    mine.write(access.tenant_id, batch(PULSE, (1, 70)))
    other.vitals.write(access.tenant_id, batch(PULSE, (again, 71)))
    other.close()
    mine.write(access.tenant_id, batch(PULSE, (2, 72), (3, 73)))
    assert values(mine, access) == [70, 72, 73]
    assert_equal_to_recount(mine, access)
    mine.write(access.tenant_id, batch(PULSE, (4, 74)))
    assert values(mine, access) == [70, 72, 73, 74]


def test_more_marks_than_one_transaction_takes_are_all_settled(
    monkeypatch: pytest.MonkeyPatch, installation: Installation, access: Access
) -> None:
    monkeypatch.setattr("indexing.backends.postgres.vitals._SETTLE_AT_ONCE", 3)
    store = installation.vitals
    for again in (0.0, 0.5):  # two marks on each hour
        for key in (PULSE, OTHER):
            points = ((60 * hour + again, hour) for hour in range(5))
            store.write(access.tenant_id, batch(key, *points))
    assert store.settle(access.tenant_id) >= 10
    assert store.settle(access.tenant_id) == 0
    assert_equal_to_recount(store, access)


@given(st.lists(st.lists(st.integers(-50, 50), max_size=45), min_size=1, max_size=5))
def test_histories_of_many_series_are_those_of_each(columns: list[list[int]]) -> None:
    which = np.repeat(np.arange(len(columns)), [len(each) for each in columns])
    values = np.array([value for each in columns for value in each], float)
    order = np.random.default_rng(1).permutation(len(values))
    found = baselines(which[order], values[order], len(columns))
    assert found == [baseline(np.array(each, float)) for each in columns]


@pytest.mark.engines
def test_no_chunk_of_a_hypertable_can_be_read_past_the_policy(
    timescale: Installation, access: Access
) -> None:
    timescale.vitals.write(access.tenant_id, batch(PULSE, *((m * 6000, 70) for m in range(20))))
    with timescale.owner_database.transaction() as conn:
        chunks = conn.execute(
            "SELECT i.inhrelid::regclass::text FROM pg_inherits i "
            "WHERE i.inhparent = 'vital_hyper'::regclass"
        ).fetchall()
    assert len(chunks) > 5
    for (chunk,) in chunks:
        with (
            pytest.raises(Forbidden),
            timescale.database.tenant(access.tenant_id) as conn,
        ):
            conn.execute(f"SELECT count(*) FROM {chunk}")

"""Line protocol: good lines land, bad ones are named by line and column."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.vitals.lines import Parsed, Precision, parse
from indexing.vitals.model import FLAGS, micros

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
T = int(NOW.timestamp()) - 60


def read(*lines: str, precision: Precision = "s") -> Parsed:
    oldest = NOW - timedelta(days=730)
    return parse("\n".join(lines).encode(), now=NOW, oldest=oldest, precision=precision)


def faults(parsed: Parsed) -> list[tuple[int, int]]:
    return [(fault.line, fault.column) for fault in parsed.faults]


def test_a_line_says_whose_what_when_and_how_much() -> None:
    own = read(
        "# a comment",
        f"vital_signs,patient_id=p1,type=heart_rate,unit=/min,device=w1 value=72,battery=88i {T}",
        "",
        f'glucose_monitoring,patient_id=p\\ 2 value=101.5,quality=0.9,interpretation="H" {T}\r',
    )
    assert (own.lines, own.refused, own.faults) == (2, 0, ())
    first, second = (own.batch.series[i] for i in own.batch.which)
    assert (first.subject, first.kind, first.unit, first.device) == (
        "p1",
        "heart_rate",
        "/min",
        "w1",
    )
    assert (second.subject, second.kind, second.unit) == ("p 2", "glucose", "mg/dL")
    assert own.batch.value.tolist() == [72, 101.5]
    assert own.batch.battery[0] == 88
    assert own.batch.quality[1] == 0.9
    assert [FLAGS[flag] for flag in own.batch.flag] == ["", "H"]
    assert own.batch.at.tolist() == [T * 1_000_000] * 2


@pytest.mark.parametrize(
    ("unit", "sent", "stored"),
    [("[degF]", 98.6, 37.0), ("Cel", 36.999999999998, 36.999999999998), ("K", 310.15, 37.0)],
)
def test_a_value_comes_into_its_kinds_unit(unit: str, sent: float, stored: float) -> None:
    own = read(f"vital_signs,patient_id=p,type=body_temperature,unit={unit} value={sent} {T}")
    assert own.batch.value[0] == stored  # without the noise of the conversion
    assert own.batch.series[0].unit == "Cel"
    assert read(f"vital_signs,patient_id=p,type=body_temperature,unit=K value=1e300 {T}").refused


def test_glucose_by_amount_comes_to_mass() -> None:
    own = read(f"glucose_monitoring,patient_id=p,unit=mmol/L value=5.5 {T}")
    assert own.batch.value[0] == pytest.approx(99.09, abs=0.01)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (f"vitals,patient_id=p,type=heart_rate value=1 {T}", 1),
        (f"vital_signs,type=heart_rate value=1 {T}", 1),
        (f"vital_signs,patient_id=p value=1 {T}", 1),
        (f"vital_signs,patient_id=p,type=heart_rate,colour=red value=1 {T}", 42),
        (f"vital_signs,patient_id=p,type=heart_rate,unit=bpm value=1 {T}", 42),
        (f"vital_signs,patient_id=p,type=heart_rate,unit=kg value=1 {T}", 42),
        (f"vital_signs,patient_id=p,type=Heart value=1 {T}", 26),
        (f"vital_signs,patient_id=p,patient_id=q,type=a value=1 {T}", 26),
        (f"vital_signs,patient_id=p,type=heart_rate value=NaN {T}", 48),
        (f"vital_signs,patient_id=p,type=heart_rate value=x {T}", 48),
        (f"vital_signs,patient_id=p,type=heart_rate value=1_0 {T}", 48),
        (f"vital_signs,patient_id=p,type=heart_rate value=900 {T}", 48),
        (f"vital_signs,patient_id=p,type=heart_rate battery=90 {T}", 42),
        (f"vital_signs,patient_id=p,type=heart_rate value=1,battery=900 {T}", 58),
        ("vital_signs,patient_id=p,type=heart_rate value=1", 49),
        ("vital_signs,patient_id=p,type=heart_rate value=1 now", 50),
        (f"vital_signs,patient_id=p,type=heart_rate value=1 {T + 3600}", 50),
        ("vital_signs,patient_id=p,type=heart_rate value=1 99999999999999999999999", 50),
        ("vital_signs,patient_id=p,type=heart_rate value=1 9999999999999999999", 50),
        ("vital_signs,patient_id=p,type=heart_rate value=1 1000", 50),
        ("vital_signs,patient_id=p,type=heart_rate", 41),
    ],
)
def test_a_bad_line_is_named_and_the_good_ones_land(line: str, column: int) -> None:
    good = f"vital_signs,patient_id=p,type=heart_rate value=70 {T}"
    own = read(good, line, good)
    assert faults(own) == [(2, column)]
    assert own.batch.value.tolist() == [70, 70]
    assert (own.lines, own.refused) == (3, 1)
    again = read(line, good, line)  # whether its tags were met before or not
    assert faults(again) == [(1, column), (3, column)]
    assert len(again.batch) == 1


@pytest.mark.parametrize(
    ("line", "lacks", "begins"),
    [
        ("vital_signs value=1", "patient_id", "vital_signs,patient_id=…,type=…"),
        ("trial_data,trial=T1 value=1", "type", "trial_data,trial=…,type=…"),
        ("glucose_monitoring value=90", "patient_id", "glucose_monitoring,patient_id=…"),
    ],
)
def test_who_leaves_out_a_tag_is_told_how_a_line_begins(line: str, lacks: str, begins: str) -> None:
    told = f"the tag {lacks} is missing; a line begins {begins}"
    assert [fault.message for fault in read(line).faults] == [told]


def test_a_models_line_needs_no_value_and_each_field_is_a_series() -> None:
    own = read(
        f"model_performance,model=risk,version=2 accuracy=0.91,auc=0.8 {T}",
        f"trial_data,trial=T1,site=Graz,type=enrolment value=12,adverse_events=1i {T}",
    )
    named = [(k.kind, k.device or k.place) for k in own.batch.series if k.kind != "value"]
    assert named == [
        ("accuracy", "2"), ("auc", "2"), ("enrolment", "Graz"),
        ("enrolment.adverse_events", "Graz"),
    ]  # fmt: skip
    assert own.batch.value.tolist() == [0.91, 0.8, 12, 1]


def test_a_clock_that_jumps_back_is_counted_and_its_points_are_late_ones() -> None:
    line = "vital_signs,patient_id=p,type=heart_rate value=1 "
    own = read(line + str(T), line + str(T - 7200), line + str(T - 7100))
    assert (len(own.batch), own.jumps) == (3, 1)


@pytest.mark.parametrize(("precision", "scale"), [("ns", 10**9), ("us", 10**6), ("ms", 1000)])
def test_a_precision_scales_the_times(precision: Precision, scale: int) -> None:
    line = f"vital_signs,patient_id=p,type=heart_rate value=1 {T * scale}"
    assert read(line, precision=precision).batch.at.tolist() == [T * 1_000_000]


@given(st.lists(st.text(max_size=60), max_size=8))
def test_no_text_breaks_the_reader_and_every_refusal_has_its_place(texts: list[str]) -> None:
    body = "\n".join(texts).encode()
    own = parse(body, now=NOW, precision="s")
    lines = body.split(b"\n")
    assert own.refused == len({fault.line for fault in own.faults})
    for fault in own.faults:
        assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1
        assert lines[fault.line - 1].strip()


@given(
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.integers(0, 2**31),
    st.text("abc ,=\\", min_size=1, max_size=5),
)
def test_what_is_written_is_read(value: float, second: int, subject: str) -> None:
    plain = subject.replace("\\", "\\\\")
    for mark in ",= ":
        plain = plain.replace(mark, f"\\{mark}")
    line = f"vital_signs,patient_id={plain},type=thing,unit=kg value={value!r} {second}"
    late = datetime(2100, 1, 1, tzinfo=UTC)
    own = parse(line.encode(), now=late, precision="s")
    assert own.faults == ()
    assert own.batch.series[0].subject == subject
    assert own.batch.value.tolist() == [value]
    assert own.batch.at.tolist() == [micros(datetime.fromtimestamp(second, UTC))]
    assert np.isnan(own.batch.score).all()


_LINES = st.sampled_from(
    (
        "vital_signs,patient_id=p1,type=heart_rate value=72 {t}",
        "vital_signs,patient_id=p2,type=heart_rate value=72.5,battery=88 {t}",
        "vital_signs,patient_id=p2,type=heart_rate value=73i,quality=0.5,battery=7 {t}",
        'vital_signs,patient_id=p1,type=heart_rate value=74,interpretation="H" {t}',
        "vital_signs,patient_id=p\\ 1,type=heart_rate value=75 {t}",
        "vital_signs,patient_id=p1,type=heart_rate value=76,battery=101 {t}",
        "vital_signs,patient_id=p1,type=heart_rate value=-5 {t}",
        "vital_signs,patient_id=p1,type=nothing,unit=zz value=1 {t}",
        "vital_signs,patient_id=p1,type=heart_rate values=1 {t}",
        "x vital_signs,patient_id=p1,type=heart_rate value=1 {t}",
        "model_performance,model=m auc=0.8,brier=0.1 {t}",
        "# a comment", "", " ",
    )
)  # fmt: skip


@given(st.lists(_LINES, max_size=40), st.integers(1, 400), st.booleans())
def test_many_lines_at_once_are_read_as_each_by_itself(
    lines: list[str], piece: int, ended: bool
) -> None:
    sent = [line.format(t=T + n % 50) for n, line in enumerate(lines)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexing.vitals.lines._PIECE_BYTES", piece)
        whole = read(*sent, *[""] * ended)
    alone = [read(line) for line in sent]
    assert whole.lines == sum(each.lines for each in alone)
    assert whole.refused == sum(each.refused for each in alone)
    assert faults(whole) == [
        (number, column) for number, each in enumerate(alone, 1) for _, column in faults(each)
    ]
    assert points(whole) == [point for each in alone for point in points(each)]


def points(parsed: Parsed) -> list[str]:
    own = parsed.batch
    columns = (own.at, own.value, own.quality, own.battery, own.flag)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [f"{own.series[of]} {row}" for of, row in zip(own.which, rows, strict=True)]

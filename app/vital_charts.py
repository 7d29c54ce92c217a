"""Vital signs drawn on the server: SVG by shapes alone, each with its words.

A panel per series over one common time, so that what happened together stands below each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from app.series import Mask
from app.services import Services
from app.standing import came_about
from app.units_shown import shown_unit
from app.views import View
from indexing.access import Access
from indexing.charts import Chart, Item
from indexing.dated import local
from indexing.vitals.anomaly import LEAST, METHOD, THRESHOLD
from indexing.vitals.drawing import Course, Trend, downsampled, trend
from indexing.vitals.kinds import KINDS
from indexing.vitals.model import Span, micros, moment_of

WIDTH, HEIGHT, EDGE = 640.0, 64.0, 5.0
MOST_PANELS = 10
MOST_PLACES = 60  # marked one by one
MOST_ODD = 12  # anomalies that are told one by one
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Panel:
    """One series: `band` is the polygon from lowest to highest, `line` the means, `places` the path
    of dots where single values stand, "" where there are many, `dots` where anomalies are; `words`
    says the same without the picture and `odd` the newest anomalies one by one."""

    title: str
    unit: str
    device: str
    last: str
    band: str
    line: str
    dots: tuple[tuple[float, float], ...]
    top: str
    bottom: str
    words: str
    anomalies: int
    places: str = ""
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """The common time: `ticks` are (x, label)."""

    start: datetime
    end: datetime
    ticks: tuple[tuple[float, str], ...]

    def x(self, at: datetime) -> float:
        """Return where an instant is drawn."""
        whole = (self.end - self.start) / _DAY
        return round(EDGE + (WIDTH - 2 * EDGE) * ((at - self.start) / _DAY) / whole, 1)


@dataclass(frozen=True, slots=True)
class VitalsView:
    """Everything a page draws; `more` counts series that are not drawn."""

    axis: Axis
    panels: tuple[Panel, ...]
    more: int
    method: str = METHOD
    threshold: float = THRESHOLD
    least: int = LEAST


@dataclass(frozen=True, slots=True)
class Mark:
    """An encounter (with a width) or the start of a drug, on the axis."""

    x: float
    width: float
    label: str


def read(own: Services, access: Access, view: View, patient_id: str) -> VitalsView | None:
    """Read and draw a patient's series, as the view shows them; None where there is none."""
    courses = own.vitals.courses(access, patient_id, Span())
    known = [course for course in courses if course.key.kind in KINDS and len(course.at) > 1]
    if not known:
        return None
    if access.deidentified:
        hider = own.hider(access)
        days = hider.pseudonyms.shift(patient_id)
        known = Mask(view.shown_patient(patient_id), days, hider.zone).courses(known)
    return draw(known, ZoneInfo(access.time_zone))


def draw(courses: Sequence[Course], zone: tzinfo) -> VitalsView:
    """Draw these series over their common time."""
    order = list(KINDS)
    chosen = sorted(courses, key=lambda c: (order.index(c.key.kind), -len(c.at)))
    first = moment_of(min(int(c.at[0]) for c in chosen))
    last = max(moment_of(max(int(c.at[-1]) for c in chosen)), first + timedelta(minutes=1))
    axis = Axis(first, last, _ticks(first, last, zone))
    panels = tuple(_panel(course, axis, zone) for course in chosen[:MOST_PANELS])
    return VitalsView(axis, panels, max(0, len(chosen) - MOST_PANELS))


def _ticks(first: datetime, last: datetime, zone: tzinfo) -> tuple[tuple[float, str], ...]:
    long = last - first > 3 * _DAY
    axis, form = Axis(first, last, ()), "%Y-%m-%d" if long else "%m-%d %H:%M"
    places = [first + (last - first) * part / 4 for part in range(5)]
    return tuple((axis.x(at), local(at, zone).strftime(form)) for at in places)


def _panel(course: Course, axis: Axis, zone: tzinfo) -> Panel:
    start, end = micros(axis.start), micros(axis.end)
    shown = downsampled(course, start, end, int(WIDTH / 2))
    low, high = float(shown.low.min()), float(shown.high.max())
    room, floor = (high - low, low) if high > low else (1.0, low - 0.5)  # a flat one runs midway
    x = np.round(EDGE + (WIDTH - 2 * EDGE) * (shown.at - start) / (end - start), 1)

    def y(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
        up = np.round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (values - floor) / room, 1)
        return [float(each) for each in up]

    tops, bottoms, means = y(shown.high), y(shown.low), y(shown.mean)
    along = [float(each) for each in x]
    there = zip(along, tops, strict=True)
    back = zip(reversed(along), reversed(bottoms), strict=True)
    odd = np.flatnonzero(shown.anomalies > 0)
    middle = float(np.average(shown.mean, weights=shown.count))
    dots = tuple(
        (along[i], tops[i] if shown.high[i] - middle > middle - shown.low[i] else bottoms[i])
        for i in odd.tolist()
    )
    kind = KINDS[course.key.kind]
    return Panel(
        kind.title, course.key.unit, course.key.device, _number(float(course.mean[-1])),
        " ".join(f"{a},{b}" for a, b in (*there, *back)),
        " ".join(f"{a},{b}" for a, b in zip(along, means, strict=True)),
        dots, _number(high), _number(low), _words(course, zone), int(course.anomalies.sum()),
        _places(along, means), _odd(course, zone),
    )  # fmt: skip


def _places(along: Sequence[float], up: Sequence[float]) -> str:
    """Return the path of a dot at each place: a line alone hides that nothing was measured in
    between."""
    if len(along) > MOST_PLACES:
        return ""
    return " ".join(f"M{a},{b}h0" for a, b in zip(along, up, strict=True))


def _odd(course: Course, zone: tzinfo) -> tuple[str, ...]:
    """Say the newest anomalies, each by its time and value; of an hour what it holds."""
    unit = shown_unit(course.key.unit)
    found = []
    for i in np.flatnonzero(course.anomalies > 0)[::-1][:MOST_ODD].tolist():
        low, high = _number(float(course.low[i])), _number(float(course.high[i]))
        value = low if low == high else f"{low} to {high}"
        of = f", {int(course.anomalies[i])} of {int(course.count[i])} values"
        at = local(moment_of(int(course.at[i])), zone)
        told = f"{at:%Y-%m-%d %H:%M}: {value} {unit}".rstrip()
        found.append(told + (of if course.count[i] > 1 else ""))
    return tuple(found)


def _words(course: Course, zone: tzinfo) -> str:
    unit = shown_unit(course.key.unit)
    first, last = (local(moment_of(int(course.at[i])), zone) for i in (0, -1))
    low, high = float(course.low.min()), float(course.high.max())
    mean = float(np.average(course.mean, weights=course.count))
    odd = int(course.anomalies.sum())
    parts = [
        f"{int(course.count.sum())} values from {first:%Y-%m-%d} to {last:%Y-%m-%d}",
        (f"between {_number(low)} and {_number(high)}" if high > low else f"always {_number(low)}")
        + f" {unit}".rstrip(),
        f"mean {_number(mean)}, last {_number(float(course.mean[-1]))}",
        _trend_words(trend(course), unit),
        f"{odd} far from this patient's own history" if odd else "",
    ]
    return "; ".join(part for part in parts if part) + "."


def _trend_words(found: Trend | None, unit: str) -> str:
    if found is None:
        return "too few for a trend"
    if found.sign == 0:
        return "no trend beyond the scatter"
    way = "rising" if found.sign > 0 else "falling"
    return f"{way} by {_number(abs(found.per_day) * 30)} {unit}".rstrip() + " in 30 days"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}".removesuffix(".0")


def encounter_marks(axis: Axis, chart: Chart | None) -> list[Mark]:
    """Return the encounters that fall on the axis, without those that never took place."""
    return _marks(axis, chart.encounters if chart else ())


def drug_marks(axis: Axis, chart: Chart | None) -> list[Mark]:
    """Return the drugs whose start falls on the axis, without orders that were taken back."""
    return _marks(axis, chart.medications if chart else ())


def _marks(axis: Axis, items: Sequence[Item]) -> list[Mark]:
    found = []
    for item in items:
        if item.start is None or not axis.start <= item.start <= axis.end or not came_about(item):
            continue
        over = item.ended or item.end
        end = min(over, axis.end) if over and over > item.start else item.start
        x = axis.x(item.start)
        found.append(Mark(x, max(1.5, round(axis.x(end) - x, 1)), item.text or "not named"))
    return found

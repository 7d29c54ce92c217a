"""From a chart to its page: a timeline, what is new, and small lines of values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from itertools import groupby
from urllib.parse import quote

from app.pages import partial_date, plural
from app.standing import stands
from app.units_shown import shown_unit
from indexing.charts import Chart, Item, Note, Series
from indexing.dated import Width, spanned, written
from indexing.vitals.anomaly import METHOD, THRESHOLD

SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 96.0, 20.0, 2.5
MOST_ENTRIES = 400
SHOWN_VALUES = 4  # of one day in the timeline
_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline; `href` leads to a note, "" for what has no page; `stands` says what
    nobody would take for granted of it: not done, refuted."""

    at: datetime
    when: str
    kind: str
    text: str
    detail: str
    href: str
    fresh: bool
    stands: str = ""


@dataclass(frozen=True, slots=True)
class Spark:
    """A small line in a box of 96 × 20; (x, y) is its last point, `words` say the same."""

    points: str
    x: float
    y: float
    words: str


def timeline(chart: Chart, zone: tzinfo) -> list[tuple[str, list[Entry]]]:
    """Return the newest entries by year, the undated at the end."""
    found = sorted(_entries(chart, zone), key=lambda entry: entry.at, reverse=True)

    def year(entry: Entry) -> str:
        return "undated" if entry.at == _BEFORE_ALL else written(entry.at, Width.YEAR, zone)

    return [(label, list(group)) for label, group in groupby(found[:MOST_ENTRIES], key=year)]


def entries(chart: Chart) -> int:
    """Count what the timeline would show of the whole chart; a day's values are one entry."""
    whole = ("notes", "problems", "medications", "statements", "encounters", "procedures")
    return sum(chart.totals[name] for name in whole) + len(_days(chart, UTC))


def _entries(chart: Chart, zone: tzinfo) -> Iterator[Entry]:
    for note in chart.notes:
        yield _note(note, zone)
    for kind, items in (
        ("problem", chart.problems),
        ("medication", chart.medications),
        ("encounter", chart.encounters),
        ("procedure", chart.procedures),
    ):
        for item in items:
            yield _item(item, kind, zone)
    for day, values in _days(chart, zone).items():
        yield _values(day, values)


Value = tuple[datetime, Series, str]


def _days(chart: Chart, zone: tzinfo) -> dict[str, list[Value]]:
    """Group the values that the chart's series hold by day."""
    days: dict[str, list[Value]] = {}
    for series in chart.series:
        for reading in series.readings:
            day = written(reading.at, reading.width, zone)
            shown = short_value(format(reading.value, "f"))
            days.setdefault(day, []).append((reading.at, series, shown))
    return days


def _values(day: str, values: list[Value]) -> Entry:
    told = [
        f"{series.name} {shown} {shown_unit(series.unit)}".strip()
        for _, series, shown in values[:SHOWN_VALUES]
    ]
    more = len(values) - len(told)
    return Entry(
        max(at for at, _, _ in values), day, "observation", plural(len(values), "value"),
        " · ".join([*told, f"and {more} more"] if more else told), "", False,
    )  # fmt: skip


def _note(note: Note, zone: tzinfo) -> Entry:
    title = note.title or note.type or "Untitled note"
    facts = [note.type if note.type != title else "", note.specialty, note.author]
    return Entry(
        note.start or _BEFORE_ALL, partial_date(note.start, note.end, zone)[:10], "note", title,
        " · ".join(fact for fact in facts if fact), note_href(note.doc_id),
        note.fresh,
    )  # fmt: skip


def note_href(doc_id: str) -> str:
    """Return where a note stands."""
    return f"/notes/{quote(doc_id, safe='')}"


def _item(item: Item, kind: str, zone: tzinfo) -> Entry:
    when = (
        spanned(item.start, item.until, item.end, zone, item.ended).partition("–")[0] or "undated"
    )
    detail = item.detail if item.detail != item.text else ""
    return Entry(
        item.start or _BEFORE_ALL, when, kind, item.text or "not named", detail, "", item.fresh,
        stands(item),
    )  # fmt: skip


def news(chart: Chart) -> list[str]:
    """Say what came since the last visit, in counts."""
    kinds: Sequence[tuple[str, Sequence[Item | Note | Series]]] = (
        ("note", chart.notes),
        ("problem", chart.problems),
        ("medication", chart.medications),
        ("encounter", chart.encounters),
        ("procedure", chart.procedures),
    )
    counts = [(noun, sum(each.fresh for each in items)) for noun, items in kinds]
    found = [plural(number, noun) for noun, number in counts if number]
    allergies = sum(each.fresh for each in chart.allergies)
    if allergies:
        found.append(plural(allergies, "allergy", "allergies"))
    series = sum(each.fresh for each in chart.series)
    if series:
        found.append(f"values of {plural(series, 'observation')}")
    return found


def spark(series: Series) -> Spark | None:
    """Draw a series; None where there is no course to show."""
    readings = series.course
    if len(readings) < 2:
        return None
    values = [float(each.value) for each in readings]
    low, high = min(values), max(values)
    first, last = readings[0].at.timestamp(), readings[-1].at.timestamp()
    points = []
    for reading, value in zip(readings, values, strict=True):
        along = (reading.at.timestamp() - first) / (last - first) if last > first else 1.0
        up = (value - low) / (high - low) if high > low else 0.5
        x = SPARK_EDGE + along * (SPARK_WIDTH - 2 * SPARK_EDGE)
        y = SPARK_HEIGHT - SPARK_EDGE - up * (SPARK_HEIGHT - 2 * SPARK_EDGE)
        points.append((round(x, 1), round(y, 1)))
    lowest, highest, newest = (short_value(f"{v:g}") for v in (low, high, values[-1]))
    words = f"{series.times} values between {lowest} and {highest}, the last {newest}"
    return Spark(" ".join(f"{x},{y}" for x, y in points), *points[-1], words)


def odd(series: Series) -> str:
    """Say how far the last value lies from the patient's own history, "" for one that does not."""
    score = series.score
    return "" if score is None or abs(score) < THRESHOLD else f"z {score:+.1f}"


def odd_method(rows: Sequence[Series]) -> str:
    """Say what a table's z are, "" where it has none."""
    return f"z: {METHOD}, told from {THRESHOLD} on." if any(map(odd, rows)) else ""


def short_value(shown: str) -> str:
    """Shorten a value for a table: a number to four digits, words to sixty characters.

    Digits before the point are never dropped: 11000 stays 11000.
    """
    head = shown.lstrip("<>=~")
    try:
        number = Decimal(head)
    except InvalidOperation:
        return shown if len(shown) <= 60 else shown[:59] + "…"
    places = max(0, 3 - max(number.adjusted(), 0))
    decimals = -int(number.as_tuple().exponent) if number.is_finite() else 0
    if decimals <= places:
        return shown
    return shown[: len(shown) - len(head)] + f"{number:.{places}f}"

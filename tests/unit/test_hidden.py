"""Offsets stay right in what is shown, pseudonyms lead back, and known names go however spelled."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import ModuleType, SimpleNamespace
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pages import partial_date
from indexing.backends.postgres.identities import identity_of
from indexing.charts import Chart, Item, Note, Person, Reading, Series
from indexing.dated import Width, dated
from indexing.errors import ConfigurationError, NotFound
from indexing.hidden import Hider, Identity
from indexing.language import presidio
from indexing.language.deidentify import deidentify
from indexing.model import Assertion, Cue, Document, Mention, Passage, Section, TenantId
from indexing.ports import Derived
from indexing.pseudonyms import Pseudonyms

TENANT, OTHER = TenantId(UUID(int=1)), TenantId(UUID(int=2))
NAMES = Pseudonyms("secret", TENANT)
HIDER = Hider(NAMES, UTC)
WORDS = ["Lind", "Mr. Lind", "denies", "fever", "2021-03-30", "MRN 12345", "\n", "PLAN:", ".", "é"]


def test_no_list_comes_nearer_to_a_day_than_the_chart_does() -> None:
    for owner in ("p1", "p2", "p3"):
        chart = NAMES.shift(owner)
        lists = [NAMES.shift(owner, f"list {number}") for number in range(2_000)]
        assert NAMES.shift(owner, "list 7") == lists[7]
        assert max(lists) == chart - 1  # whoever asks for many lists has the chart's days, no more
        assert min(lists) == chart - 364
        assert len(set(lists[:50])) > 30


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Vienna", "America/Los_Angeles", "Pacific/Auckland"]
)
@pytest.mark.parametrize("owner", ["p1", "p2", "p3"])
def test_a_vague_date_does_not_tell_by_how_many_days_it_was_moved(zone: str, owner: str) -> None:
    def moved(*days: str) -> list[datetime]:
        start, end = (
            datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
            for day in days
        )
        hider = Hider(NAMES, ZoneInfo(zone))
        note = Derived(
            Document(TENANT, "d", 1, "x", "", owner, date_start=start, date_end=end),
            "1", (), (), (),
        )  # fmt: skip
        shown = hider.note(note, Identity()).document
        return [at + hours for at in (shown.date_start, shown.date_end) if at is not None]

    hours = timedelta(hours=12)  # past midnight, whatever summer time does
    for first, after, apart in (("2020-01-01", "2021-01-01", 12), ("2020-02-01", "2020-03-01", 1)):
        begins, ends = (at.astimezone(ZoneInfo(zone)) for at in moved(first, after))
        assert begins.day == ends.day == 1
        assert 12 * (ends.year - begins.year) + ends.month - begins.month == apart
    day = datetime(2020, 5, 6, tzinfo=ZoneInfo(zone)) + timedelta(days=NAMES.shift(owner))
    assert moved("2020-05-06", "2020-05-07")[0] - hours == day.astimezone(UTC)


def test_a_value_of_a_year_is_hidden_as_one_and_the_others_stay_in_order() -> None:
    year = Reading(datetime(2020, 1, 1, tzinfo=UTC), Decimal(1), width=Width.YEAR)
    days = [Reading(datetime(2020, month, 2, tzinfo=UTC), Decimal(2)) for month in range(1, 13)]
    every = (year, *days)
    series = Series("c", "n", "u", every, year.at, "1", course=every, last_width=Width.YEAR)
    chart = Chart(Person("p1", "n"), [], [], [], [], [], [], [series], None)
    shown = HIDER.chart(chart, Identity()).series[0]
    assert (shown.last_at.month, shown.last_at.day) == (1, 1)
    for readings in (shown.readings, shown.course):
        assert [each.at for each in readings] == sorted(each.at for each in readings)
        [told] = (each for each in readings if each.width is Width.YEAR)
        assert (told.at.month, told.at.day) == (1, 1)
        assert readings.index(told) > 0


def test_nobody_hidden_dies_before_the_year_of_birth() -> None:
    vienna = ZoneInfo("Europe/Vienna")
    hider = Hider(NAMES, vienna)
    died = datetime(2024, 7, 4, tzinfo=vienna)
    told = set()
    for number in range(100):
        born = Person(f"p{number}", "n", "", date(2024, 7, 2), date(2024, 7, 3), True, died,
                      deceased_end=died + timedelta(days=1))  # fmt: skip
        shown = hider.person(born.patient_id, born)
        when = dated(shown.deceased_start, shown.deceased_end, vienna)
        assert when is not None
        told.add(when if when == "2024" else when[:4] + "-day")
    assert told == {"2024", "2024-day"}


@given(st.text(max_size=80), st.sampled_from(["note", "patient"]))
def test_a_pseudonym_leads_back_where_it_was_made(real: str, kind: str) -> None:
    made = NAMES.of(kind, real)
    assert NAMES.real(kind, made) == real
    assert made == NAMES.of(kind, real)
    assert made.isascii()
    for strange in (Pseudonyms("secret", OTHER), Pseudonyms("other", TENANT)):
        assert strange.of(kind, real) != made
        with pytest.raises(NotFound):
            strange.real(kind, made)
    with pytest.raises(NotFound):
        NAMES.real("visit", made)


@given(st.text(max_size=60), st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_a_list_has_pseudonyms_of_its_own(real: str, apart: str, other: str) -> None:
    made = NAMES.of("patient", real, apart)
    assert NAMES.real("patient", made) == real
    assert made == NAMES.of("patient", real, apart)
    assert made != NAMES.of("patient", real)
    assert (made == NAMES.of("patient", real, other)) == (apart == other)
    with pytest.raises(NotFound):
        NAMES.real("note", made)


@given(st.text(max_size=60))
def test_what_is_no_pseudonym_is_refused(text: str) -> None:
    with pytest.raises(NotFound):
        NAMES.real("note", text)


def derived(text: str, spans: list[tuple[int, int]]) -> Derived:
    mentions = tuple(
        Mention(
            a, b, "c", "n", Assertion.PRESENT, Assertion.PRESENT, "", Cue(a, b, text[a:b])
        )
        for a, b in spans
    )  # fmt: skip
    whole = len(text)
    cut = whole // 2
    return Derived(
        Document(TENANT, "d", 1, text, "About Lind", "p", author="Dr Lind"),
        "v",
        (Section(0, 0, cut, ""), Section(cut, cut, whole, "plan")),
        (Passage(0, 0, cut), Passage(1, cut, whole)),
        mentions,
    )


@given(st.lists(st.sampled_from(WORDS), max_size=14), st.data())
def test_marks_stand_on_the_same_words(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    place = st.integers(0, len(text))
    spans = sorted(
        (min(a, b), max(a, b))
        for a, b in data.draw(st.lists(st.tuples(place, place), max_size=4))
        if a != b
    )
    shown = HIDER.note(derived(text, spans), Identity(frozenset({"Erik Lind"})))
    new = shown.document.text
    assert "Lind" not in new + shown.document.title + shown.document.author
    assert len(shown.mentions) <= len(spans)
    kept = [text[a:b] for a, b in spans]
    for mention in shown.mentions:
        assert new[mention.start : mention.end] in kept
        assert mention.cue is not None
        assert new[mention.cue.start : mention.cue.end] == mention.cue.text
    first, last = shown.sections
    assert 0 == first.start <= first.end <= len(new) == last.end
    assert first.start <= first.body <= first.end
    assert [p.start for p in shown.passages] == [0, last.start]


def test_a_name_that_is_a_word_goes_only_as_a_name() -> None:
    shown = deidentify(
        "Mrs Rose Will. ROSE rose early; Will will see. lind Lind's", 0, ["Rose Will-Lind"]
    )
    assert shown.text.count("[name]") >= 5
    assert "rose early" in shown.text
    assert "will see" in shown.text
    assert "ind" not in shown.text.replace("[name]", "")


def test_literals_go_as_they_stand() -> None:
    shown = deidentify("Ring 5551 or QZ-1; qz-1, QZ-12.", 0, (), ["QZ-1", "5551", ""]).text
    assert shown == "Ring [id] or [id]; [id], QZ-12."


def test_a_patients_own_record_says_what_identifies() -> None:
    found = identity_of(
        {
            "name": [{"family": "Lind", "given": ["Erik", "O"], "text": "Erik Lind"}],
            "contact": [{"name": {"family": "Berg"}, "telecom": [{"value": "5551"}]}],
            "address": [{"city": "Boden", "line": ["1 A Street"], "state": "NB"}],
            "identifier": [{"value": "QZ-1"}, "odd"], "telecom": None,
        }
    )  # fmt: skip
    assert {"Lind", "Erik", "Berg"} <= found.names
    assert {"5551", "Boden", "1 A Street", "QZ-1"} == found.literals


def test_presidio_is_asked_for_more_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(ConfigurationError):
        presidio.analyzer()
    text = "Then Zelda helps near Boden."

    class Engine:
        def analyze(self, text: str, language: str, entities: list[str]) -> list[SimpleNamespace]:
            at = text.index("Zelda")
            return [
                SimpleNamespace(entity_type="PERSON", start=at, end=at + 5, score=0.9),
                SimpleNamespace(entity_type="LOCATION", start=0, end=4, score=0.1),
            ]

    fake = ModuleType("presidio_analyzer")
    fake.AnalyzerEngine = Engine  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "presidio_analyzer", fake)
    assert deidentify(text, 0).text == text
    shown = deidentify(text, 0, more=presidio.analyzer())
    assert shown.text == "Then [name] helps near Boden."


def _on(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


@pytest.mark.parametrize("start", ["2021-03-03", "2022-03-03", None])
def test_a_note_that_ends_with_a_year_does_not_tell_by_how_many_days_it_was_moved(
    start: str | None,
) -> None:
    began, ended = None if start is None else _on(start), _on("2022-01-01")
    document = Document(TENANT, "d", 1, "x", "", "p1", date_start=began, date_end=ended)
    assert HIDER.note(Derived(document, "1", (), (), ()), Identity()).document.date_end is None
    listed = Note("d", "", "", "", "", began, ended, None)
    chart = Chart(Person("p1", "n"), [], [], [], [], [], [listed], [], None)
    assert HIDER.chart(chart, Identity()).notes[0].end is None


def test_an_instant_of_a_hidden_note_stays_one() -> None:
    at = _on("2021-03-03") + timedelta(hours=10)
    document = Document(TENANT, "d", 1, "x", "", "p1", date_start=at,
                        date_end=at + timedelta(seconds=1))  # fmt: skip
    shown = HIDER.note(Derived(document, "1", (), (), ()), Identity()).document
    assert partial_date(shown.date_start, shown.date_end)[10:] == " 10:00"


def test_what_is_vague_lies_in_a_hidden_list_by_the_date_that_is_told() -> None:
    """By the true one it would lie between days around the first of a month or a year."""
    for number in range(40):
        days = [_on("2019-06-01") + timedelta(days=7 * week) for week in range(100)]
        notes = [Note(f"d{at:%j%y}", "", "", "", "", at, None, None) for at in days]
        items = [Item("Condition", "", f"{at:%j%y}", "resolved", start=at) for at in days]
        year = {"start": _on("2020-01-01"), "end": _on("2021-01-01")}
        notes.append(Note("year", "", "", "", "", **year, encounter_id=None))
        items += [Item("Condition", "", "year", "resolved", **year), Item("Condition", "", "none")]
        items.append(Item("Condition", "", "open", start=_on("1990-02-03"), is_open=True))
        notes.sort(key=lambda note: note.start or days[0], reverse=True)
        chart = Chart(Person(f"p{number}", "n"), items, [], [], [], [], notes, [], None)
        shown = HIDER.chart(chart, Identity())
        for dates in ([n.start for n in shown.notes], [i.start for i in shown.problems[1:-1]]):
            assert dates == sorted(filter(None, dates), reverse=True)
        assert [shown.problems[at].text for at in (0, -1)] == ["open", "none"]

"""A note, a chart, without what identifies; offsets are those of the text as it is shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from msgspec import structs

from indexing.charts import Chart, Item, Note, Person, Reading, Series
from indexing.dated import Width, moved, moved_span, shifted, width
from indexing.language.deidentify import Deidentified, Identifier, deidentify
from indexing.model import Copied, Cue, Document, Mention, Passage, Repeat, Section
from indexing.ports import Derived
from indexing.pseudonyms import Pseudonyms

OLDEST_SHOWN = 89  # years; Source: 45 CFR 164.514(b)(2)(i)(C)
SMALLEST_CELL = 11  # smaller counts of people are not told; Source: CMS cell size suppression
ROUNDED = 10
_INSTANT = timedelta(minutes=1)
_UNDATED = datetime.min.replace(tzinfo=UTC)


def told(count: int) -> int | None:
    """Return a count of people as a de-identified view tells it: None for 1 to 10, others to the
    nearest ten, so that the difference of two counts tells of nobody."""
    if not count:
        return 0
    return None if count < SMALLEST_CELL else (count + ROUNDED // 2) // ROUNDED * ROUNDED


def tells_age(low: int | None, high: int | None) -> bool:
    """Say whether a range of ages tells more than a de-identified view does, where everybody of 90
    and more is of one age: by asking again, a bound above it would find the exact one."""
    return (low or 0) > OLDEST_SHOWN + 1 or (high or 0) > OLDEST_SHOWN


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known to identify somebody: `names` word by word, `literals` as they stand."""

    names: frozenset[str] = frozenset()
    literals: frozenset[str] = frozenset()

    def joined(self, other: Identity) -> Identity:
        """Return both."""
        return Identity(self.names | other.names, self.literals | other.literals)


More = Callable[[str], Iterable[Identifier]]


@dataclass(frozen=True, slots=True)
class Hider:
    """Hides what identifies, for one tenant. Days are of its `zone`; `more` finds what the rules do
    not."""

    pseudonyms: Pseudonyms
    zone: tzinfo
    more: More | None = None

    def words(self, text: str, identity: Identity, shift: int) -> str:
        """Hide what identifies in a short text that has no offsets."""
        return deidentify(text, shift, identity.names, identity.literals, self.more).text

    def note(self, derived: Derived, identity: Identity) -> Derived:
        """Return the note as a researcher reads it: its title and its author are not shown."""
        document = derived.document
        shift = self.pseudonyms.shift(document.patient_id or f"\x00{document.doc_id}")
        known = identity.joined(Identity(frozenset({document.author})))
        shown = deidentify(document.text, shift, known.names, known.literals, self.more)
        places = _Places(shown.found)
        return replace(
            derived,
            document=self._document(document, shown, shift, known),
            sections=tuple(_section(s, places) for s in derived.sections),
            passages=tuple(_passage(p, places) for p in derived.passages),
            mentions=tuple(_mentions(derived.mentions, places, shown.text)),
            copied=tuple(
                Copied(places.start(c.start), places.end(c.end), self.note_id(c.first_id), 0, 0)
                for c in derived.copied
            ),
            repeats=tuple(
                Repeat(places.start(r.start), places.end(r.end), r.notes) for r in derived.repeats
            ),
        )

    def note_id(self, doc_id: str) -> str:
        """Return a note's pseudonym."""
        return self.pseudonyms.of("note", doc_id)

    def patient_id(self, patient_id: str | None) -> str | None:
        """Return a patient's pseudonym, None for none."""
        return None if patient_id is None else self.pseudonyms.of("patient", patient_id)

    def _document(
        self, document: Document, shown: Deidentified, shift: int, known: Identity
    ) -> Document:
        first, last = self._dates(document.date_start, document.told_until, shift)
        return replace(
            document,
            doc_id=self.note_id(document.doc_id),
            patient_id=self.patient_id(document.patient_id),
            text=shown.text,
            title="",
            author="",
            type=self.words(document.type, known, shift),
            specialty=self.words(document.specialty, known, shift),
            encounter_id=None,
            resource_id="",
            date_start=first,
            date_end=last,
            date_until=None,
        )

    def _dates(
        self, start: datetime | None, until: datetime | None, shift: int
    ) -> tuple[datetime | None, datetime | None]:
        """Move a note's date. Of a longer time no more than its beginning is told: its days would
        tell the others, and one that ends with a year by how many they are moved."""
        first, last = moved(start, until, shift, self.zone)
        one = width(start, until, self.zone) is not Width.DAY
        # An instant is told with its hour; what ends before it begins is none.
        if first and last and timedelta() < last - first <= _INSTANT:
            one = True
        return first, last if one else None

    def person(self, patient_id: str, person: Person | None = None) -> Person:
        """Return a patient under the pseudonym: sex and the year of birth stay."""
        own = self.pseudonyms.of("patient", patient_id)
        name = f"Patient {self.pseudonyms.label(own)}"
        if person is None:
            return Person(own, name)
        born, until = birth_year(person.birth_start)
        shift = self.pseudonyms.shift(patient_id)
        died, by = moved(person.deceased_start, person.deceased_end, shift, self.zone)
        if born is not None and until is not None and died is not None:
            year = [datetime.combine(day, time(), self.zone) for day in (born, until)]
            if died < year[0]:  # nobody dies before the year of birth, which is not moved
                died, by = year
        return Person(own, name, person.sex, born, until, person.deceased, died, deceased_end=by)

    def chart(self, chart: Chart, identity: Identity) -> Chart:
        """Return a chart as a researcher reads it, each list ordered by the dates that it tells: by
        the true ones a month would lie between the days around its first."""
        patient_id = chart.person.patient_id
        shift = self.pseudonyms.shift(patient_id)

        def items(found: Sequence[Item]) -> list[Item]:
            shown = [
                replace(
                    _moved(item, shift, self.zone),
                    resource_id="",
                    text=self.words(item.text, identity, shift),
                    detail=self.words(item.detail, identity, shift),
                )
                for item in found
            ]
            shown.sort(key=lambda item: (item.start or _UNDATED, item.text), reverse=True)
            return sorted(shown, key=lambda item: (item.resource_type, not item.is_open))

        notes = [self._listed(note, identity, shift) for note in chart.notes]
        return replace(
            chart,
            person=self.person(patient_id, chart.person),
            problems=items(chart.problems),
            medications=items(chart.medications),
            allergies=items(chart.allergies),
            encounters=items(chart.encounters),
            procedures=items(chart.procedures),
            notes=sorted(notes, key=lambda n: (n.start or _UNDATED, n.doc_id), reverse=True),
            series=[self._series(each, identity, shift) for each in chart.series],
            merged=(),
        )

    def _listed(self, note: Note, identity: Identity, shift: int) -> Note:
        known = identity.joined(Identity(frozenset({note.author})))
        first, last = self._dates(note.start, note.end, shift)
        return replace(
            note,
            doc_id=self.note_id(note.doc_id),
            title="",
            type=self.words(note.type, known, shift),
            specialty=self.words(note.specialty, known, shift),
            author="",
            start=first,
            end=last,
            encounter_id=None,
        )

    def _series(self, series: Series, identity: Identity, shift: int) -> Series:
        return replace(
            series,
            name=self.words(series.name, identity, shift),
            last_text=self.words(series.last_text, identity, shift),
            last_at=shifted(series.last_at, shift, self.zone, series.last_width),
            readings=_taken(series.readings, shift, self.zone),
            course=_taken(series.course, shift, self.zone),
        )


def _moved(item: Item, shift: int, zone: tzinfo) -> Item:
    """Move an entry's days; without `until` and `ended`, what it lasts may be one vague date."""
    if item.until is item.ended is None:
        start, end = moved(item.start, item.end, shift, zone)
        return replace(item, start=start, end=end)
    start, until, end, ended = moved_span(item.start, item.until, item.end, item.ended, shift, zone)
    return replace(item, start=start, until=until, end=end, ended=ended)


def _taken(readings: Sequence[Reading], shift: int, zone: tzinfo) -> tuple[Reading, ...]:
    taken = (replace(e, at=shifted(e.at, shift, zone, e.width)) for e in readings)
    return tuple(sorted(taken, key=lambda each: each.at))


@dataclass(slots=True)
class _Places:
    """From offsets of the original to those of the text that is shown."""

    found: Sequence[Identifier]
    _starts: list[int] = field(init=False)
    _shifts: list[int] = field(init=False)  # after each replacement

    def __post_init__(self) -> None:
        self._starts, self._shifts, total = [one.start for one in self.found], [], 0
        for one in self.found:
            total += len(one.shown) - (one.end - one.start)
            self._shifts.append(total)

    def start(self, at: int) -> int:
        """Move an offset; one inside a replacement goes to its beginning."""
        return self._at(at, inside_goes_back=True)

    def end(self, at: int) -> int:
        """Move an offset; one inside a replacement goes to its end."""
        return self._at(at, inside_goes_back=False)

    def _at(self, at: int, *, inside_goes_back: bool) -> int:
        number = bisect_right(self._starts, at) - 1
        if number < 0:
            return at
        one = self.found[number]
        if at >= one.end or (at == one.start and not inside_goes_back):
            before = self._shifts[number] if at >= one.end else self._before(number)
            return at + before
        return one.start + self._before(number) + (0 if inside_goes_back else len(one.shown))

    def _before(self, number: int) -> int:
        return self._shifts[number - 1] if number else 0

    def touched(self, start: int, end: int) -> bool:
        """Say whether anything in [start, end) was replaced."""
        number = bisect_right(self._starts, end - 1) - 1
        return number >= 0 and self.found[number].end > start


def _section(section: Section, places: _Places) -> Section:
    return structs.replace(
        section, start=places.start(section.start), body=places.start(section.body),
        end=places.end(section.end),
    )  # fmt: skip


def _passage(passage: Passage, places: _Places) -> Passage:
    return structs.replace(passage, start=places.start(passage.start), end=places.end(passage.end))


def _mentions(mentions: Iterable[Mention], places: _Places, text: str) -> Iterable[Mention]:
    """Yield the mentions that are still there; a name that was hidden is none any more."""
    for mention in mentions:
        if places.touched(mention.start, mention.end):
            continue
        cue = mention.cue
        if cue is not None:
            start, end = places.start(cue.start), places.end(cue.end)
            cue = Cue(start, end, text[start:end])
        yield structs.replace(
            mention, start=places.start(mention.start), end=places.end(mention.end), cue=cue
        )


def birth_year(born: date | None) -> tuple[date | None, date | None]:
    """Return the year of birth as an interval; nothing for those older than any that is shown."""
    if born is None or datetime.now(UTC).year - born.year > OLDEST_SHOWN:
        return None, None
    return date(born.year, 1, 1), date(born.year + 1, 1, 1)

"""How what is read is shown: as written, or de-identified for researchers.

Every route and command passes what it read through the view of who asks, so that none can forget.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from msgspec import structs

from app.graph_hiding import hidden_graph
from app.services import Services
from indexing.access import Access
from indexing.accounts import OpenedPage
from indexing.charts import Chart, Person
from indexing.clauses import Clause, Field
from indexing.errors import InvalidInput, InvalidQuery, NotFound
from indexing.filters import Filters
from indexing.hidden import Hider, Identity
from indexing.ports import Derived
from rankers.absence import proof
from rankers.answer import Answer, SearchRequest
from rankers.explain import Reasons
from rankers.medical import Neighbourhood
from rankers.query import ParsedQuery, parse, render
from rankers.screen import Unit, screened, shows, units
from rankers.search import Found

SAMPLE = 20  # notes in which a word is looked for before it counts as one that is not shown
MOST_UNITS = 64  # words and phrases of a question
_NOBODY = "//nobody//"  # no id is that
_REFUSED = {
    "author": "This view does not name authors.",
    "date": "Dates are shifted in this view and cannot be asked for.",
    "patient": "In this view patients are chosen from the list beside the results.",
}
LEFT_OUT = "Words that no note of this view shows match nothing here."


@dataclass(frozen=True, slots=True)
class StudyWords:
    """A study's id, title and passage, "" where a view does not tell them."""

    shown_id: str
    title: str
    passage: str


class View(Protocol):
    """What somebody may see. Ids that come in and go out are those of the view."""

    def patient_id(self, shown: str) -> str:
        """Return the real id. Raises: NotFound."""
        ...

    def note_id(self, shown: str) -> str:
        """Return the real id. Raises: NotFound."""
        ...

    def asked(self, request: SearchRequest) -> SearchRequest:
        """Return a question in real ids. Raises: InvalidInput."""
        ...

    def rank(self, request: SearchRequest) -> tuple[Found, SearchRequest]:
        """Rank; return the answer to be frozen (its hits by real ids, they name nobody) and the
        question as it was put to the engines, in ids of the view.

        Raises: InvalidQuery; InvalidInput; EngineUnavailable.
        """
        ...

    def opened(self, page: OpenedPage) -> OpenedPage:
        """Return the slice of a frozen page with its notes as they are shown."""
        ...

    def described(
        self, found: Found, reading: AbstractContextManager[Mapping[str, Derived]]
    ) -> Answer:
        """Describe a ranking by its notes, which are being read, as they are shown."""
        ...

    def note(self, derived: Derived) -> Derived:
        """Return a note as it is shown."""
        ...

    def people(self, shown: Sequence[str], recorded: Collection[str] = ()) -> Mapping[str, Person]:
        """Return what the patients of a page are called; the audit row names those that are not
        `recorded` yet."""
        ...

    def chart(self, chart: Chart) -> Chart:
        """Return a chart as it is shown."""
        ...

    def graph(self, found: Neighbourhood, patient_id: str) -> Neighbourhood:
        """Return a patient's neighbourhood as it is shown."""
        ...

    def told(self, text: str, patient_id: str) -> str:
        """Return words out of a patient's record as they are shown."""
        ...

    def study(self, study_id: str, title: str, passage: str) -> StudyWords:
        """Return a study as it is shown."""
        ...

    def shown_patient(self, patient_id: str, apart: str = "") -> str:
        """Return the id of the view; where ids are hidden, another one for each list `apart`."""
        ...

    def known_note(self, shown: str) -> str:
        """Return the real id, "" for what is none in this view."""
        ...

    def shown_note(self, doc_id: str) -> str:
        """Return the id of the view."""
        ...

    def why_not(self, request: SearchRequest, shown: str) -> Reasons:
        """Say why a note is not there."""
        ...

    def question(self, asked: str) -> str:
        """Return somebody's question as it is shown: "" where nothing of it may be."""
        ...


@dataclass(frozen=True, slots=True)
class AsWritten:
    """Everything that the access opens, as it is."""

    own: Services
    access: Access

    def patient_id(self, shown: str) -> str:
        return shown

    def note_id(self, shown: str) -> str:
        return shown

    def asked(self, request: SearchRequest) -> SearchRequest:
        return request

    def rank(self, request: SearchRequest) -> tuple[Found, SearchRequest]:
        return self.own.search().rank(self.access, request), request

    def opened(self, page: OpenedPage) -> OpenedPage:
        return page

    def described(
        self, found: Found, reading: AbstractContextManager[Mapping[str, Derived]]
    ) -> Answer:
        with reading as notes:
            return found.described(notes)  # beside the record, which the end of the block waits for

    def note(self, derived: Derived) -> Derived:
        return derived

    def people(self, shown: Sequence[str], recorded: Collection[str] = ()) -> Mapping[str, Person]:
        return self.own.charts.people(self.access, shown, recorded)

    def chart(self, chart: Chart) -> Chart:
        return chart

    def graph(self, found: Neighbourhood, patient_id: str) -> Neighbourhood:
        del patient_id  # nothing is hidden
        return found

    def told(self, text: str, patient_id: str) -> str:
        del patient_id
        return text

    def study(self, study_id: str, title: str, passage: str) -> StudyWords:
        return StudyWords(study_id, title, passage)

    def shown_patient(self, patient_id: str, apart: str = "") -> str:
        del apart  # nothing is hidden
        return patient_id

    def known_note(self, shown: str) -> str:
        return shown

    def shown_note(self, doc_id: str) -> str:
        return doc_id

    def why_not(self, request: SearchRequest, shown: str) -> Reasons:
        return self.own.search().why_not(self.access, request, shown)

    def question(self, asked: str) -> str:
        return asked


@dataclass(frozen=True, slots=True)
class Deidentified:
    """Names, titles, authors and ids hidden, dates shifted; ids are pseudonyms that lead back
    here alone."""

    own: Services
    access: Access
    hider: Hider

    def patient_id(self, shown: str) -> str:
        return self.hider.pseudonyms.real("patient", shown)

    def note_id(self, shown: str) -> str:
        return self.hider.pseudonyms.real("note", shown)

    def asked(self, request: SearchRequest) -> SearchRequest:
        if set(request.only) & {"author", "period"}:
            raise InvalidInput("this view has no such facet")
        patients = tuple(self._known_patient(p) or _NOBODY for p in request.only.get("patient", ()))
        only = {**request.only, "patient": patients} if patients else dict(request.only)
        return replace(request, only=only)

    def rank(self, request: SearchRequest) -> tuple[Found, SearchRequest]:
        asked = self.asked(request)
        zone = ZoneInfo(self.access.time_zone)
        parsed = parse(request.q, plain=request.plain, zone=zone)
        _refuse_fields(parsed.clause)
        left = screened(parsed.clause, self._kept(parsed))
        if left is None:
            return self._nothing(asked), request
        notices: tuple[str, ...] = ()
        if left != parsed.clause:
            suffix = f" assertion:{parsed.assertion}" if parsed.assertion else ""
            q = render(left) + suffix
            request, asked = replace(request, q=q), replace(asked, q=q)
            notices = (LEFT_OUT,)
        found = self.own.search().rank(self.access, asked)
        answer = replace(found.answer, notices=(*found.answer.notices, *notices))
        return replace(found, answer=answer), request

    def opened(self, page: OpenedPage) -> OpenedPage:
        hits = [{**hit, "doc_id": self.hider.note_id(str(hit["doc_id"]))} for hit in page.hits]
        answer = {**page.page.answer, "facets": self._facets(page.page.answer.get("facets") or {})}
        frozen = replace(page.page, answer=answer)
        return replace(page, page=frozen, hits=hits, notes=self._notes(page.notes))

    def described(
        self, found: Found, reading: AbstractContextManager[Mapping[str, Derived]]
    ) -> Answer:
        with reading as notes:
            pass  # to hide is to ask who they are: with this connection in hand, for a second one
        hits = [structs.replace(h, doc_id=self.hider.note_id(h.doc_id)) for h in found.answer.hits]
        facets = self._facets(found.answer.facets)
        answer = replace(found.answer, hits=tuple(hits), facets=facets)
        return replace(found, answer=answer).described(self._notes(notes))

    def note(self, derived: Derived) -> Derived:
        return next(iter(self._notes({derived.document.doc_id: derived}).values()))

    def people(self, shown: Sequence[str], recorded: Collection[str] = ()) -> Mapping[str, Person]:
        del recorded  # nobody is named
        label = self.hider.pseudonyms.label
        return {each: Person(each, f"Patient {label(each)}") for each in shown}

    def chart(self, chart: Chart) -> Chart:
        patient = chart.person.patient_id
        identity = self.own.identities.of(self.access, [patient])[patient]
        return self.hider.chart(chart, identity)

    def graph(self, found: Neighbourhood, patient_id: str) -> Neighbourhood:
        identity = self.own.identities.of(self.access, [patient_id])[patient_id]
        return hidden_graph(found, patient_id, identity, self.hider)

    def study(self, study_id: str, title: str, passage: str) -> StudyWords:
        # A record's words may name who leads it, or a patient whom nobody can know from here.
        del passage
        shift = self.hider.pseudonyms.shift(f"study/{study_id}")
        return StudyWords("", self.hider.words(title, Identity(), shift), "")

    def told(self, text: str, patient_id: str) -> str:
        identity = self.own.identities.of(self.access, [patient_id])[patient_id]
        return self.hider.words(text, identity, self.hider.pseudonyms.shift(patient_id))

    def shown_patient(self, patient_id: str, apart: str = "") -> str:
        return self.hider.pseudonyms.of("patient", patient_id, apart)

    def known_note(self, shown: str) -> str:
        try:
            return self.note_id(shown)
        except NotFound:
            return ""

    def why_not(self, request: SearchRequest, shown: str) -> Reasons:
        real = self.known_note(shown)
        reasons = self.own.search().why_not(self.access, self.asked(request), real)
        return replace(reasons, doc_id=shown if real else "")

    def question(self, asked: str) -> str:
        """Leave out the words that no note of this view shows; what cannot be read is not shown."""
        try:
            parsed = parse(asked, zone=ZoneInfo(self.access.time_zone))
            _refuse_fields(parsed.clause)
            left = screened(parsed.clause, self._kept(parsed))
        except InvalidQuery:
            return ""
        suffix = f" assertion:{parsed.assertion}" if parsed.assertion else ""
        return "" if left is None else render(left) + suffix

    def _notes(self, notes: Mapping[str, Derived]) -> Mapping[str, Derived]:
        """Hide each note, by its pseudonym."""
        of = sorted({n.document.patient_id for n in notes.values() if n.document.patient_id})
        known = self.own.identities.of(self.access, of) if of else {}
        nobody = Identity()
        hidden = (
            self.hider.note(note, known.get(note.document.patient_id or "", nobody))
            for note in notes.values()
        )
        return {note.document.doc_id: note for note in hidden}

    def _facets(
        self, facets: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> dict[str, tuple[Mapping[str, Any], ...]]:
        """Leave out what names people and days, and give patients their pseudonyms."""
        patients = facets.get("patient", ())
        named = [str(each["value"]) for each in patients if each["value"]]
        known = Identity()
        for identity in self.own.identities.of(self.access, named).values() if named else ():
            known = known.joined(identity)

        def shown(name: str, value: str) -> str:
            if name == "patient":
                return self.shown_patient(value) if value else ""
            return self.hider.words(value, known, 0)

        return {
            name: tuple({**each, "value": shown(name, str(each["value"]))} for each in values)
            for name, values in facets.items()
            if name not in ("author", "period")
        }

    def _nothing(self, asked: SearchRequest) -> Found:
        """Answer as for words that stand nowhere: whether they are hidden cannot be told."""
        nobody = Filters(only={"patient": (_NOBODY,)})
        found = self.own.search().rank(self.access, replace(asked, only={}, filters=nobody))
        total = self.own.documents.total(self.access)
        fresh, zone = found.answer.freshness, ZoneInfo(self.access.time_zone)
        absence = proof(total, total, fresh, zone, {})
        answer = replace(
            found.answer, total=0, hits=(), hidden={}, facets={}, absence=absence,
            notices=(*found.answer.notices, LEFT_OUT),
        )  # fmt: skip
        return replace(found, answer=answer)

    def _kept(self, parsed: ParsedQuery) -> Callable[[Unit], bool]:
        """Say of each word and phrase whether it may be searched: it is a name of the terminology,
        or some note of this view shows it."""
        every = {render(unit): unit for unit in units(parsed.clause)}
        if len(every) > MOST_UNITS:
            raise InvalidQuery(f"At most {MOST_UNITS} different words in this view.", 0)
        named = self.own.named(parsed.source)
        kept = {
            spelled
            for spelled, unit in every.items()
            if any(start <= unit.start and unit.end <= end for start, end in named)
            or self._shown(spelled, unit)
        }
        return lambda unit: render(unit) in kept

    def _shown(self, spelled: str, unit: Unit) -> bool:
        """Look for a word in the notes that hold it, as they are shown."""
        asked = SearchRequest(spelled, SAMPLE, ("lexical",), assertion="any", bare=True)
        try:
            hits = self.own.search().rank(self.access, asked).answer.hits
        except InvalidQuery:
            return False
        notes = self.own.documents.fetch(self.access, [hit.doc_id for hit in hits])
        return any(shows(n.document.text, unit) for n in self._notes(notes).values())

    def shown_note(self, doc_id: str) -> str:
        return self.hider.note_id(doc_id)

    def _known_patient(self, shown: str) -> str:
        try:
            return self.patient_id(shown)
        except NotFound:
            return ""


def _refuse_fields(clause: Clause) -> None:
    """Refuse what would ask for a name, an id or a day."""
    if isinstance(clause, Field) and clause.name in _REFUSED:
        raise InvalidQuery(_REFUSED[clause.name], clause.start)
    inner = getattr(clause, "clauses", None) or [getattr(clause, "clause", None)]
    for part in inner:
        if part is not None:
            _refuse_fields(part)


def view_of(own: Services, access: Access) -> View:
    """Return the view of whoever asks."""
    if not access.deidentified:
        return AsWritten(own, access)
    return Deidentified(own, access, own.hider(access))

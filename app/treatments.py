"""Treatment options as the page, the API and the command show them: marked drugs first, counts
with intervals, small cells masked and words hidden where the view asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from app.services import Services
from app.views import View, view_of
from indexing.access import Access
from indexing.errors import Forbidden, InvalidInput
from indexing.hidden import told
from rankers.options import Answer, Evidence
from rankers.outcomes import wilson
from rankers.treatments import Caution, Option

LONGEST = 200  # characters of a condition
MOST_OTHERS = 15
TREATMENTS_USE = (
    "For clinicians to look up what patients alike were given here and what was recorded of it. "
    "It counts records: who was given what was not drawn by chance, and it is no ground for or "
    "against a treatment by itself."
)


@dataclass(frozen=True, slots=True)
class ShownCase:
    """One patient behind an option, in ids of the view; `note` "" where none was written after."""

    patient_id: str
    name: str
    note: str
    given: str
    said_by: str


@dataclass(frozen=True, slots=True)
class ShownOption:
    """`given`, `cases`, `good` are counts of patients, None where the view may not tell them;
    `share`, `low`, `high` in [0, 1], None where too few are known or may be told."""

    name: str
    taken: bool
    given: int | None
    cases: int | None
    good: int | None
    share: float | None
    low: float | None
    high: float | None
    expected: float | None
    cautions: tuple[Caution, ...]
    patients: tuple[ShownCase, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as somebody may see it. `others` were given without a recorded outcome: (name,
    patients); `unnamed` counts options that this view cannot name."""

    patient_id: str
    condition: str
    told: bool
    why: str
    options: tuple[ShownOption, ...]
    others: tuple[tuple[str, int], ...]
    carriers: int | None
    alike: int | None
    unclear: int | None
    unnamed: int
    unknown: tuple[str, ...]
    as_of: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return what the command and the API answer."""
        return {**asdict(self), "intended_use": TREATMENTS_USE}


def treatments(own: Services, access: Access, shown: str, condition: str) -> Shown:
    """Answer for a patient, by the id of the view; recorded with everybody who was counted.

    Raises:
        Forbidden: the tenant has not turned treatment options on.
        NotFound: no such patient that `access` opens.
        InvalidInput: no such condition.
    """
    demand(own, access)
    if not condition.strip() or len(condition) > LONGEST or not condition.isprintable():
        raise InvalidInput(
            f"name a condition, in at most {LONGEST} printable characters",
            hint="such as heart failure, or ICD10CM:I50.9",
        )
    view = view_of(own, access)
    real = own.charts.standing(access, view.patient_id(shown))
    answer = own.options.ask(access, real, condition)
    if access.deidentified:
        return _hidden(view, real, answer)
    near = {each for option in answer.options.options for each in option.patients}
    names = {own: p.name for own, p in view.people(sorted(near)).items()} if near else {}
    options = tuple(_option(each, answer, names) for each in answer.options.options)
    return Shown(
        real, answer.condition, answer.options.told, answer.options.why, options,
        tuple(_others(answer)[:MOST_OTHERS]), answer.carriers, answer.alike, answer.unclear, 0,
        answer.unknown, answer.as_of,
    )  # fmt: skip


def demand(own: Services, access: Access) -> None:
    """Refuse what the tenant has not turned on. Raises: Forbidden."""
    if not own.outlook(access).store.switches(access).treatments:
        raise Forbidden(
            "treatment options are off for this tenant",
            hint="`anamnesis models switch --tenant T --treatments` turns them on",
        )


def _option(option: Option, answer: Answer, names: Mapping[str, str]) -> ShownOption:
    told = not option.withheld
    where = [answer.evidence[each, option.treatment] for each in option.patients]
    return ShownOption(
        answer.names.get(option.treatment, option.treatment), option.treatment in answer.taken,
        answer.given.get(option.treatment, 0), option.cases, option.good,
        option.good / option.cases if told else None, option.low if told else None,
        option.high if told else None, option.expected if told else None, option.cautions,
        tuple(_case(each, names) for each in where),
    )  # fmt: skip


def _case(each: Evidence, names: Mapping[str, str]) -> ShownCase:
    name = names.get(each.patient_id, "") or f"Patient {each.patient_id}"
    return ShownCase(each.patient_id, name, each.note, each.given, each.said_by)


def _others(answer: Answer) -> list[tuple[str, int]]:
    """Return what was given without an outcome and is not marked, the commonest first."""
    told = {each.treatment for each in answer.options.options}
    rest = [(answer.names[key], count) for key, count in answer.given.items() if key not in told]
    return sorted(rest, key=lambda item: (-item[1], item[0]))


def _hidden(view: View, real: str, answer: Answer) -> Shown:
    """Mask small cells, hide words of the record, give ids of the view."""
    coded = [o for o in answer.options.options if not o.treatment.startswith("text:")]
    answer_names = {k: n for k, n in answer.names.items() if not k.startswith("text:")}
    named = replace(answer, names=answer_names, given={
        key: count for key, count in answer.given.items() if key in answer_names
    })  # fmt: skip
    options = tuple(_masked(_option(each, named, {}), view, real) for each in coded)
    others = [(name, about) for name, count in _others(named) if (about := told(count))]
    enough = answer.options.told
    # The words may be another patient's; of a code that has none they are the patient's own.
    coded_only = answer.code and not answer.code.startswith("text:")
    return Shown(
        view.shown_patient(real),
        view.told(answer.code if coded_only else answer.condition, real), enough,
        "" if enough else "too few patients alike to tell by", options,
        tuple(others[:MOST_OTHERS]), told(answer.carriers), told(answer.alike),
        told(answer.unclear), len(answer.options.options) - len(coded),
        tuple(view.told(each, real) for each in answer.unknown), answer.as_of,
    )  # fmt: skip


def _masked(option: ShownOption, view: View, real: str) -> ShownOption:
    cautions = tuple(
        replace(each, words=view.told(each.words, real), source=_source(each.source, view))
        for each in option.cautions
    )
    cases, good = option.cases or 0, option.good or 0
    few = None in (told(cases), told(good), told(cases - good)) or option.share is None
    # A share and its interval tell the counts: they are taken of the rounded ones.
    share = low = high = None
    if not few:
        about, of = min(told(good) or 0, told(cases) or 0), told(cases) or 1
        share, (low, high) = about / of, wilson(about, of)
    people: Sequence[ShownCase] = () if few else option.patients
    return replace(
        option, given=told(option.given or 0), cases=told(cases), good=None if few else told(good),
        share=share, low=low, high=high, expected=None, cautions=cautions,
        patients=tuple(_pseudonymous(each, view) for each in people),
    )  # fmt: skip


def _source(source: str, view: View) -> str:
    kind, _, own = source.partition("/")
    return f"Document/{view.shown_note(own)}" if kind == "Document" else ""


def _pseudonymous(case: ShownCase, view: View) -> ShownCase:
    own = view.shown_patient(case.patient_id)
    note = view.shown_note(case.note) if case.note else ""
    return ShownCase(own, view.people([own])[own].name, note, "", "")

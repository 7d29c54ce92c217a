"""Treatment options of one patient for one condition: facts to cases, cautions and a ranking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from indexing.access import Access
from indexing.errors import InvalidInput
from indexing.model import TenantId
from indexing.treatments import Given, TreatmentFacts, TreatmentRecords
from rankers.cautions import Medicine, Pharmacy
from rankers.composite import Composite
from rankers.neighbours import Carriers, Neighbours
from rankers.recorded import went_well
from rankers.treatments import Case, Caution, Options, rank

MOST_ALIKE = 500  # cases: those most like the patient
_UNDATED = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the outcome of one case stands: "Type/id" of what was given and of what says how it
    went, and the first note afterwards, "" for none."""

    patient_id: str
    given: str
    said_by: str
    note: str


@dataclass(slots=True)
class _Recorded:
    """Outcomes by (patient, treatment): the newest; `unclear` counts those that say neither."""

    good: dict[tuple[str, str], bool] = field(default_factory=dict)
    where: dict[tuple[str, str], Evidence] = field(default_factory=dict)
    unclear: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """`carriers` are the other patients with the condition, `alike` how many of them count; `given`
    counts patients by treatment, with an outcome or without; `names` says treatments' keys in
    words; `taken` are those that the patient takes already; `unclear` counts outcomes that say
    neither; `unknown` are allergens that could be compared by their words alone; `code` is what the
    condition is where only records name it, "" where the terminology does."""

    condition: str
    options: Options
    names: Mapping[str, str]
    given: Mapping[str, int]
    taken: frozenset[str]
    evidence: Mapping[tuple[str, str], Evidence]
    carriers: int
    alike: int
    unclear: int
    unknown: tuple[str, ...]
    as_of: datetime | None
    code: str = ""


class TreatmentOptions:
    """Asks the records for what was given to those with a condition, and the pharmacy for what
    speaks against it."""

    def __init__(
        self, records: TreatmentRecords, neighbours: Neighbours,
        pharmacy: Callable[[TenantId], Pharmacy],
    ) -> None:  # fmt: skip
        self._records, self._neighbours, self._pharmacy = records, neighbours, pharmacy

    def ask(self, access: Access, patient_id: str, condition: str) -> Answer:
        """Answer for a patient that `access` opens, by the real id.

        Raises:
            InvalidInput: no such condition.
        """
        recorded = partial(self._records.worded, access, patient_id)
        found = self._neighbours.carriers(access, patient_id, condition, recorded)
        if found is None:
            raise InvalidInput(
                "no condition is known by this code or name",
                hint="a code such as ICD10CM:I50.9 or SNOMED:84114007, or the condition's name",
            )
        facts = self._records.facts(access, patient_id, found.patient_ids)
        pharmacy = self._pharmacy(access.tenant_id)
        given = _since(facts, found)
        medicines = {each.what.resource: pharmacy.medicine(each.what) for each in given}
        outcomes = _outcomes(given, medicines)
        cases = _cases(found, patient_id, outcomes, medicines.values())
        cautions, unknown = _cautions(pharmacy, facts, medicines)
        people = {(each.patient_id, medicines[each.what.resource].key) for each in given}
        return Answer(
            found.name, rank(cases, cautions), {m.key: m.name for m in medicines.values()},
            Counter(key for _, key in people),
            frozenset(pharmacy.medicine(each).key for each in facts.taken), outcomes.where,
            len(found.patient_ids), len({case.patient_id for case in cases}), outcomes.unclear,
            unknown, found.table.as_of, found.code,
        )  # fmt: skip


def _since(facts: TreatmentFacts, found: Carriers) -> list[Given]:
    """Keep what was given from the day of the diagnosis on, and what is undated."""
    first = {
        patient: min((at for what, at in onsets if found.is_it(what)), default=_UNDATED)
        for patient, onsets in facts.onsets.items()
    }
    return [
        each for each in facts.given
        if each.at is None or each.at >= first.get(each.patient_id, _UNDATED)
    ]  # fmt: skip


def _outcomes(given: Sequence[Given], medicines: Mapping[str, Medicine]) -> _Recorded:
    found = _Recorded()
    for each in sorted(given, key=lambda g: (g.at or _UNDATED, g.what.resource)):
        if not each.said_by:
            continue
        good = went_well(each.outcome, each.outcome_code)
        if good is None:
            found.unclear += 1
            continue
        place = each.patient_id, medicines[each.what.resource].key
        found.good[place] = good
        found.where[place] = Evidence(each.patient_id, each.what.resource, each.said_by, each.note)
    return found


def _cases(
    found: Carriers, patient_id: str, recorded: _Recorded, medicines: Iterable[Medicine]
) -> list[Case]:
    """Return those most like the composite of the patient and of who did well."""
    table = found.table
    given = {each for medicine in medicines for each in medicine.ingredients}
    composite = Composite(table, found.information, given)
    well = sorted(
        {table.number_of[patient] for (patient, _), good in recorded.good.items() if good}
    )
    likeness = composite.likeness(table.number_of.get(patient_id), well)
    cases = [
        Case(patient, key, good, float(likeness[table.number_of[patient]]))
        for (patient, key), good in recorded.good.items()
    ]
    cases.sort(key=lambda case: (-case.likeness, case.patient_id, case.treatment))
    return cases[:MOST_ALIKE]


def _cautions(
    pharmacy: Pharmacy, facts: TreatmentFacts, medicines: Mapping[str, Medicine]
) -> tuple[dict[str, tuple[Caution, ...]], tuple[str, ...]]:
    """Return what speaks against each drug that anybody was given, by any spelling of it."""
    against = pharmacy.against(facts)
    drugs: dict[str, Medicine] = {}
    for resource, each in medicines.items():
        if not resource.startswith("Procedure/"):
            known = drugs.setdefault(each.key, each)
            drugs[each.key] = replace(each, spellings=each.spellings | known.spellings)
    found = {key: pharmacy.cautions(drug, against) for key, drug in drugs.items()}
    unknown = tuple(each.words for each in against.unknown)
    return {key: said for key, said in found.items() if said}, unknown

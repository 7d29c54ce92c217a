"""From a question about similar patients to what may be shown of the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.services import Services
from app.views import View, view_of
from indexing.access import Access
from indexing.charts import Person
from indexing.errors import InvalidInput, InvalidQuery
from indexing.features import Limits, Profile, furthest
from indexing.hidden import Identity, tells_age, told
from indexing.model import TenantId
from rankers.dates import date_range
from rankers.neighbours import Answered, Asked, Shared, Similar

MOST = 200
LONGEST_NOTE = 200_000  # characters
SEXES = ("female", "male", "other", "unknown")
_AGE = re.compile(r"(\d{1,3})?\s*-\s*(\d{1,3})?")
# Scores of parts as the page names them, in its order.
PART_NAMES: Mapping[str, str] = {
    "findings": "the same findings",
    "near": "related findings",
    "absent": "the same absent",
    "graph": "linked by knowledge (disease–phenotype and treatment rows)",
    "text": "notes",
    "meaning": "the record as a whole",
    "group": "its own neighbours",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, as typed; exactly one of patient, note and findings."""

    patient: str = ""
    note: str = ""
    findings: str = ""
    k: int = 10
    sex: str = ""
    age: str = ""
    period: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer in ids of the view; `asked` names what was compared, `of` counts the candidates,
    None for too few to be told in this view."""

    neighbours: tuple[Similar, ...]
    people: Mapping[str, Person]
    found: tuple[str, ...]
    absent: tuple[str, ...]
    of: int | None
    as_of: datetime | None
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what the command and the API answer."""
        return {
            "neighbours": [asdict(each) for each in self.neighbours],
            "asked": {"observed": self.found, "excluded": self.absent},
            "candidates": self.of,
            "as_of": self.as_of,
            "missing": self.missing,
        }


def similar(own: Services, access: Access, asked: Question) -> Shown:
    """Answer in the view of whoever asks; the audit row names everybody shown.

    Raises:
        InvalidInput, InvalidQuery: the question cannot be used; says where.
        NotFound: no such patient that `access` opens; another tenant's reads the same.
    """
    view = view_of(own, access)
    put = _asked(own, access, view, asked)
    answer = own.neighbours.rank(access, put, min(max(asked.k, 1), MOST))
    ids = [each.patient_id for each in answer.neighbours]
    people = own.features.shown(access, put.patient_id, ids, names=not access.deidentified)
    return _shown(own, access, view, answer, people)


def _asked(own: Services, access: Access, view: View, asked: Question) -> Asked:
    given = [each for each in (asked.patient, asked.note.strip(), asked.findings.strip()) if each]
    if len(given) != 1:
        raise InvalidInput(
            "ask for a patient, with a note, or with findings: one of the three",
            hint="findings are written chest pain, dyspnea, !fever",
        )
    limits = _limits(own, access, asked)
    if asked.patient:
        real = own.charts.standing(access, view.patient_id(asked.patient))
        return Asked(real, limits=limits)
    return Asked(None, _profile(own, access.tenant_id, asked), limits)


def _profile(own: Services, tenant_id: TenantId, asked: Question) -> Profile:
    if asked.findings.strip():
        return own.neighbours.of_findings(tenant_id, asked.findings)
    if len(asked.note) > LONGEST_NOTE:
        raise InvalidInput(f"at most {LONGEST_NOTE} characters of a note")
    return own.neighbours.of_note(tenant_id, asked.note)


def _limits(own: Services, access: Access, asked: Question) -> Limits:
    if asked.sex and asked.sex not in SEXES:
        raise InvalidInput("no such sex", hint=f"there are {', '.join(SEXES)}")
    low, high = _ages(asked.age)
    if access.deidentified and tells_age(low, high):
        raise InvalidInput("this view tells no age above 89", hint="write 90- for all of them")
    start, end = None, None
    if asked.period.strip():
        if access.deidentified:
            raise InvalidInput("dates are shifted in this view and cannot be asked for")
        start, end = date_range(asked.period.strip(), 0, ZoneInfo(access.time_zone))
    conditions: frozenset[str] = frozenset()
    if asked.condition.strip():
        wanted = own.neighbours.of_findings(access.tenant_id, asked.condition)
        if wanted.excluded:
            raise InvalidQuery("A condition to be limited to cannot be absent.",
                               asked.condition.index("!"))  # fmt: skip
        conditions = wanted.observed
    return Limits(asked.sex, low, high, start, end, conditions)


def _ages(text: str) -> tuple[int | None, int | None]:
    if not text.strip():
        return None, None
    match = _AGE.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise InvalidInput("an age is written 40-60, 40- or -60, in years")
    low, high = (int(each) if each else None for each in match.groups())
    if low is not None and high is not None and low > high:
        raise InvalidInput("this range of ages ends before it starts")
    return low, high


def _shown(
    own: Services, access: Access, view: View, answer: Answered, people: Mapping[str, Person]
) -> Shown:
    names = answer.names
    if not access.deidentified:
        return Shown(
            answer.neighbours, people, _named(answer.asked.observed, names),
            _named(answer.asked.excluded, names), answer.of, answer.as_of, answer.missing,
        )  # fmt: skip
    hider = own.hider(access)
    known = Identity()
    for identity in own.identities.of(access, sorted(people)).values() if people else ():
        known = known.joined(identity)

    def hidden(name: str) -> str:
        return hider.words(name, known, 0)

    def plainly(told: Sequence[Shared]) -> tuple[Shared, ...]:
        return tuple(
            replace(s, name=hidden(s.name), weight=None, near=hidden(s.near) if s.near else "")
            for s in told if _coded(s.feature)
        )  # fmt: skip

    def plain(each: Similar) -> Similar:
        # A weight is the logarithm of how many have the feature: to its digits it is a count.
        return replace(
            each, patient_id=view.shown_patient(each.patient_id), score=round(each.score, 3),
            parts={name: round(part, 3) for name, part in each.parts.items()},
            shared=plainly(each.shared), common=plainly(each.common),
            differing=tuple(replace(d, name=hidden(d.name), weight=None)
                            for d in each.differing if _coded(d.feature)),
        )  # fmt: skip

    shown = {own: hidden(name) for own, name in names.items() if _coded(own)}
    by_view = {view.shown_patient(each): hider.person(each, who) for each, who in people.items()}
    return Shown(
        tuple(plain(each) for each in answer.neighbours), by_view,
        _named(answer.asked.observed, shown), _named(answer.asked.excluded, shown),
        told(answer.of), answer.as_of, answer.missing,
    )  # fmt: skip


def _coded(feature: str) -> bool:
    """Say whether a feature has a code: what is a record's own words may hold a name."""
    return not feature.startswith("text:")


def _named(features: frozenset[str], names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(names[each] for each in furthest(features) if each in names))

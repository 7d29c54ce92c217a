"""What is known of each patient, as features: the table that similar patients are looked up in.

A feature is a concept's id of the terminology, or "SYSTEM:code" where the terminology has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexing.access import Access
from indexing.charts import Person
from indexing.model import TenantId

Numbers = NDArray[np.int32]

# How far outside its range a value lies, as features: whoever has one has those before it, so that
# two values share more the nearer they are. Times the upper limit, or the lower one by the value.
STEPS = (1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0)
_DEGREE = re.compile(r"(.+)([<>])([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Degree:
    """A value of `test` (a feature) that lies `step` times outside its range, above or below."""

    test: str
    above: bool
    step: float

    @property
    def feature(self) -> str:
        """Return its name among the features."""
        return f"{self.test}{'>' if self.above else '<'}{self.step:g}"


def degrees(test: str, above: bool, times: float) -> list[str]:
    """Return the features of a value so many times outside its range."""
    return [Degree(test, above, step).feature for step in STEPS if times >= step]


def degree_of(feature: str) -> Degree | None:
    """Read a feature of that kind, None for any other."""
    found = _DEGREE.fullmatch(feature) if feature[-1:].isdigit() else None
    return Degree(found[1], found[2] == ">", float(found[3])) if found else None


def furthest(features: Iterable[str]) -> frozenset[str]:
    """Leave of each value's features the one that says most."""
    kept, most = set[str](), dict[tuple[str, bool], Degree]()
    for feature in features:
        degree = degree_of(feature)
        if degree is None:
            kept.add(feature)
            continue
        known = most.get((degree.test, degree.above))
        if known is None or known.step < degree.step:
            most[degree.test, degree.above] = degree
    return frozenset(kept | {each.feature for each in most.values()})


@dataclass(frozen=True, slots=True)
class Profile:
    """One patient: what was found, and what was looked for and is absent. Disjoint."""

    observed: frozenset[str]
    excluded: frozenset[str] = frozenset()

    @classmethod
    def of(cls, observed: Iterable[str], excluded: Iterable[str] = ()) -> Profile:
        """Make a profile; what was found once is not absent."""
        found = frozenset(observed)
        return cls(found, frozenset(excluded) - found)

    @property
    def empty(self) -> bool:
        """Say whether nothing is known."""
        return not self.observed and not self.excluded


@dataclass(frozen=True, slots=True)
class Rows:
    """Pairs (patient number, feature number), grouped by patient: row i of patient p lies in
    `ptr[p]:ptr[p+1]`, as in a CSR matrix without values."""

    ptr: NDArray[np.int64]
    patient: Numbers
    feature: Numbers

    def of(self, patient: int) -> Numbers:
        """Return one patient's features."""
        return self.feature[self.ptr[patient] : self.ptr[patient + 1]]


@dataclass(frozen=True)
class FeatureTable:
    """Every patient of a tenant at one moment; immutable, shared between threads."""

    patient_ids: Sequence[str]
    features: Sequence[str]
    observed: Rows
    excluded: Rows
    names: Mapping[str, str] = field(default_factory=dict)  # of features that are no concept
    as_of: datetime | None = None  # complete to; None: never changes
    version: str = ""

    @cached_property
    def number_of(self) -> Mapping[str, int]:
        """Return each patient's number."""
        return {patient_id: i for i, patient_id in enumerate(self.patient_ids)}

    @cached_property
    def feature_number(self) -> Mapping[str, int]:
        """Return each feature's number."""
        return {feature: i for i, feature in enumerate(self.features)}

    def profile(self, patient: int) -> Profile:
        """Return what is known of the patient of that number."""
        return Profile(
            frozenset(self.features[i] for i in self.observed.of(patient).tolist()),
            frozenset(self.features[i] for i in self.excluded.of(patient).tolist()),
        )


def table_of(
    profiles: Mapping[str, Profile], *, names: Mapping[str, str] | None = None,
    as_of: datetime | None = None, version: str = "",
) -> FeatureTable:  # fmt: skip
    """Lay profiles out, in their order."""
    numbers: dict[str, int] = {}
    for profile in profiles.values():
        for feature in (*profile.observed, *profile.excluded):
            numbers.setdefault(feature, len(numbers))
    found = list(profiles.values())
    return FeatureTable(
        tuple(profiles), tuple(numbers),
        _rows([p.observed for p in found], numbers), _rows([p.excluded for p in found], numbers),
        names or {}, as_of, version,
    )  # fmt: skip


def _rows(sets: Sequence[frozenset[str]], numbers: Mapping[str, int]) -> Rows:
    lengths = np.array([len(each) for each in sets], np.int64)
    ptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    feature = np.array([i for each in sets for i in sorted(map(numbers.__getitem__, each))],
                       np.int32)  # fmt: skip
    patient = np.repeat(np.arange(len(sets), dtype=np.int32), lengths)
    return Rows(ptr, patient, feature)


@dataclass(frozen=True, slots=True)
class Limits:
    """What neighbours are limited to. Ages in years at `now`; the period is when anything of
    theirs was recorded, [from, to); `conditions` must all be among what was found."""

    sex: str = ""
    age_from: int | None = None
    age_to: int | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None
    conditions: frozenset[str] = frozenset()

    @property
    def of_people(self) -> bool:
        """Say whether anything is asked that the features do not tell."""
        asked = (self.age_from, self.age_to, self.date_from, self.date_to)
        return bool(self.sex) or any(each is not None for each in asked)


@dataclass(frozen=True, slots=True)
class Opened:
    """Whom somebody may be shown: `allowed` None opens all but the `closed`."""

    allowed: frozenset[str] | None
    closed: frozenset[str]


class Naming(Protocol):
    """From codes to features; `version` changes with the terminology."""

    @property
    def version(self) -> str: ...
    def feature(self, system: str, code: str, display: str = "") -> str: ...
    def is_concept(self, feature: str) -> bool:
        """Say whether the terminology names it."""
        ...


class FeatureStore(Protocol):
    """Features of a tenant's patients. Restricted sources are left out for everybody."""

    def table(self, tenant_id: TenantId, naming: Naming) -> FeatureTable: ...
    def patients_of(self, tenant_id: TenantId, doc_ids: Sequence[str]) -> Mapping[str, str]:
        """Return whose these notes are."""
        ...

    def opened(self, access: Access, limits: Limits) -> Opened:
        """Say whom this access opens and these limits let through."""
        ...

    def shown(
        self, access: Access, asked: str | None, neighbours: Sequence[str], names: bool
    ) -> Mapping[str, Person]:
        """Write the audit row of what is shown, and return who they are; unknown ones are absent.

        Raises:
            NotFound: the patient asked about is none that `access` opens.
        """
        ...

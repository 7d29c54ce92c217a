"""Similar patients as the page, the API and the command ask for them, with the reasons."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np

from indexing.access import Access
from indexing.analysis import TOKEN
from indexing.clauses import Phrase, Ranked
from indexing.errors import EngineUnavailable, InvalidInput, InvalidQuery, UnknownName
from indexing.features import FeatureStore, FeatureTable, Limits, Profile, degree_of, furthest
from indexing.filters import Filters
from indexing.follow_features import profile_of
from indexing.model import Annotation, TenantId
from indexing.patient_vectors import PatientVectors
from indexing.ports import LexicalIndex
from indexing.treatments import Coded
from rankers.hierarchy import Hierarchy
from rankers.patients import Mask, Neighbour, PatientIndex

MOST_SHOWN = 12  # shared, and differing, features of one neighbour; the weightiest
LEAST_NEAR = 0.2  # a nearness below it is not told as shared
MOST_SAID = 8  # names that notes are searched for
MOST_HITS = 100  # notes
MOST_FINDINGS = 100
Side = Literal["found", "absent"]
How = Literal["opposite", "missing", "besides"]


@dataclass(frozen=True, slots=True)
class Shared:
    """What two patients have in common. `near` names what the neighbour has instead of the same;
    `weight` is its information in nats, None in a view that does not tell how many have it."""

    feature: str
    name: str
    side: Side
    weight: float | None
    near: str = ""


@dataclass(frozen=True, slots=True)
class Differing:
    """What sets a neighbour apart. `opposite`: found here and denied there, or the other way
    (`side` is what holds of the patient asked about); `missing`: found here, not known there;
    `besides`: found there alone."""

    feature: str
    name: str
    how: How
    side: Side
    weight: float | None


@dataclass(frozen=True, slots=True)
class Similar:
    """One neighbour; `parts` sum to `score`. `shared` is what sets both apart from others, the
    weightiest first, `common` what they share with most patients."""

    rank: int
    patient_id: str
    score: float
    parts: Mapping[str, float]
    shared: tuple[Shared, ...]
    differing: tuple[Differing, ...]
    common: tuple[Shared, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose like is looked for: a patient, or findings from a note or a list. `without` are never
    shown, beside the patient."""

    patient_id: str | None = None
    profile: Profile | None = None
    limits: Limits = field(default_factory=Limits)
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Answered:
    """The neighbours, best first, with what was compared; `of` counts who could have been one,
    `missing` names parts that did not answer, `as_of` is when the features were read."""

    neighbours: tuple[Similar, ...]
    asked: Profile
    names: Mapping[str, str]
    of: int
    as_of: datetime | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Carriers:
    """The patients with a condition whom somebody may know of, without the one asked about.
    `information` is what a feature weighs, `is_it` whether a coded thing is the condition or a
    narrower one; `code` is the feature of one that only records name, in their own words, "" for a
    concept of the terminology."""

    name: str
    patient_ids: tuple[str, ...]
    table: FeatureTable
    information: Callable[[str], float]
    is_it: Callable[[Coded], bool]
    code: str = ""


class _Near:
    """How near every feature is to each of those asked for."""

    def __init__(self, index: PatientIndex, asked: Sequence[str]) -> None:
        self._asked, self._numbers = asked, index.table.feature_number
        near = [index.nearness(frozenset({each})) for each in asked]
        every = np.array(near) if near else np.zeros((1, len(self._numbers)))
        self._nearest, self._share = every.argmax(axis=0), every.max(axis=0)

    def to(self, feature: str) -> tuple[str, float]:
        """Return which of those asked for lies nearest, and how near; the first among equals."""
        number = self._numbers[feature]
        own = self._asked[int(self._nearest[number])] if self._asked else ""
        return own, float(self._share[number])


class _Telling:
    """Says what neighbours share with whoever was asked for, and what sets them apart."""

    def __init__(self, index: PatientIndex, hierarchy: Hierarchy, asked: Profile) -> None:
        self._index, self._hierarchy, self._asked = index, hierarchy, asked
        self._near = _Near(index, sorted(filter(hierarchy.is_concept, asked.observed)))

    def of(self, found: Neighbour, rank: int) -> Similar:
        """Return a neighbour as it is told."""
        table = self._index.table
        theirs = table.profile(found.patient)
        shared = self._shared(theirs)
        common = [s for s in shared if self._index.common(s.feature, denied=s.side == "absent")]
        # A kind that counts for nothing, such as a specialty, is no reason either.
        apart = [each for each in shared if each.weight and each not in common]
        return Similar(
            rank, table.patient_ids[found.patient], round(found.score, 6),
            {name: round(share, 6) for name, share in found.parts.items()},
            tuple(apart[:MOST_SHOWN]), tuple(self._differing(theirs))[:MOST_SHOWN], tuple(common),
        )  # fmt: skip

    def name(self, feature: str) -> str:
        """Return a feature's name for people."""
        return self._hierarchy.name(feature, self._index.table.names)

    def _shared(self, theirs: Profile) -> list[Shared]:
        asked = self._asked
        found = [self._same(f, "found") for f in furthest(asked.observed & theirs.observed)]
        found += [self._same(f, "absent") for f in asked.excluded & theirs.excluded]
        for feature in theirs.observed - asked.observed:
            own, share = self._near.to(feature)
            if share > LEAST_NEAR:
                weight = round(share * self._index.information(feature), 3)
                found.append(Shared(feature, self.name(own), "found", weight, self.name(feature)))
        return sorted(found, key=lambda s: (s.side == "absent", -(s.weight or 0.0), s.name))

    def _same(self, feature: str, side: Side) -> Shared:
        weight = round(self._index.information(feature), 3)
        return Shared(feature, self.name(feature), side, weight)

    def _differing(self, theirs: Profile) -> list[Differing]:
        asked = self._asked
        groups: tuple[tuple[frozenset[str], How, Side], ...] = (
            (asked.observed & theirs.excluded, "opposite", "found"),
            (asked.excluded & theirs.observed, "opposite", "absent"),
            (asked.observed - theirs.observed - theirs.excluded, "missing", "found"),
            (theirs.observed - asked.observed - asked.excluded, "besides", "absent"),
        )
        order = {"opposite": 0, "missing": 1, "besides": 1}
        found = [
            Differing(f, self.name(f), how, side, round(self._index.information(f), 3))
            for features, how, side in groups
            for f in furthest(features)
        ]
        return sorted(found, key=lambda d: (order[d.how], -(d.weight or 0.0), d.name))


class Neighbours:
    """Keeps one index per tenant as long as its features and the terminology stay the same."""

    def __init__(
        self, store: FeatureStore, hierarchy: Callable[[TenantId], Hierarchy],
        annotate: Callable[[TenantId, str], Annotation],
        lexical: LexicalIndex | None = None,
        vectors: Callable[[], PatientVectors | None] = lambda: None,
    ) -> None:  # fmt: skip
        self._store, self._hierarchy, self._annotate = store, hierarchy, annotate
        self._lexical, self._vectors = lexical, vectors
        self._held: dict[TenantId, PatientIndex] = {}
        self._lock = threading.Lock()

    def let_go(self, tenant_id: TenantId) -> None:
        """Keep nothing of a tenant in this process."""
        self._held.pop(tenant_id, None)

    def of_note(self, tenant_id: TenantId, text: str) -> Profile:
        """Return what a pasted note tells of its patient. Raises: InvalidInput."""
        found = profile_of(self._annotate(tenant_id, text).mentions)
        if found.empty:
            raise InvalidInput(
                "the note names no finding that this terminology knows",
                hint="paste a longer note, or list findings: chest pain, !fever",
            )
        return found

    def of_findings(self, tenant_id: TenantId, text: str) -> Profile:
        """Read "A, B, !C": names or SYSTEM:code, `!` for absent.

        Raises:
            InvalidQuery: one is no concept, or both found and absent; at its character.
        """
        hierarchy, at = self._hierarchy(tenant_id), 0
        sides: dict[str, set[str]] = {"found": set(), "absent": set()}
        parts = text.split(",")
        if len(parts) > MOST_FINDINGS:
            raise InvalidQuery(f"At most {MOST_FINDINGS} findings.", 0)
        for part in parts:
            place = at + len(part) - len(part.lstrip())
            at += len(part) + 1
            name = part.strip()
            side: Side = "absent" if name.startswith("!") else "found"
            feature = _feature(hierarchy, name.removeprefix("!").strip(), place)
            if feature is None:
                continue
            if feature in sides["found" if side == "absent" else "absent"]:
                raise InvalidQuery(f"{name!r} stands there as found and as absent.", place)
            sides[side].add(feature)
        found = Profile.of(sides["found"], sides["absent"])
        if found.empty:
            raise InvalidQuery("No finding is named.", 0, hint="chest pain, dyspnea, !fever")
        return found

    def index(self, tenant_id: TenantId) -> PatientIndex:
        """Return the index over a tenant's features as they stand."""
        hierarchy = self._hierarchy(tenant_id)
        table = self._store.table(tenant_id, hierarchy)
        held = self._held.get(tenant_id)
        if held is not None and held.table is table:
            return held
        with self._lock:
            held = self._held.get(tenant_id)
            if held is None or held.table is not table:
                held = PatientIndex(table, hierarchy.ancestors, hierarchy.weight)
                self._held[tenant_id] = held
        return held

    def carriers(
        self, access: Access, patient_id: str, condition: str,
        recorded: Callable[[str], Coded | None],
    ) -> Carriers | None:  # fmt: skip
        """Return who has a condition, by its name or code; None for one that nothing knows.
        `recorded` says how the records that are open word what the terminology does not know:
        what the table of everybody's features calls it may be told to nobody."""
        index, hierarchy = self.index(access.tenant_id), self._hierarchy(access.tenant_id)
        table = index.table
        feature, name = hierarchy.meant(condition.strip(), {}), ""
        if feature is None:
            said = recorded(condition.strip())
            if said is None:
                return None
            feature, name = hierarchy.feature(said.system, said.code, said.name), said.name
        asked = Asked(patient_id, limits=Limits(conditions=frozenset({feature})))
        allowed = np.flatnonzero(self._allowed(access, table, asked)).tolist()

        def is_it(what: Coded) -> bool:
            own = hierarchy.feature(what.system, what.code, what.name)
            return own == feature or feature in hierarchy.ancestors(own)

        return Carriers(
            hierarchy.name(feature, {feature: name}), tuple(table.patient_ids[n] for n in allowed),
            table, index.information, is_it, "" if hierarchy.is_concept(feature) else feature,
        )  # fmt: skip

    def alike(self, access: Access, asked: Asked, k: int) -> list[tuple[str, float]]:
        """Return the k patients most like the one asked about with their scores, undescribed."""
        index = self.index(access.tenant_id)
        profile = _profile(index.table, asked)
        allowed = self._allowed(access, index.table, asked)
        related = self._hierarchy(access.tenant_id).related(profile.observed)
        best = index.rank(profile, k, allowed, related)
        return [(index.table.patient_ids[each.patient], each.score) for each in best]

    def rank(self, access: Access, asked: Asked, k: int = 10) -> Answered:
        """Return the k patients most like the one asked about; nobody, where nothing is known.

        Whoever shows it asks `FeatureStore.shown` first, which refuses a patient that is not open
        and writes the audit row.
        """
        index = self.index(access.tenant_id)
        profile = _profile(index.table, asked)
        allowed = self._allowed(access, index.table, asked)
        hierarchy = self._hierarchy(access.tenant_id)
        said, missing = self._said(access, hierarchy, index, profile)
        meant, silent = self._meant(access, hierarchy, index, profile)
        best = index.rank(profile, k, allowed, hierarchy.related(profile.observed), said, meant)
        telling = _Telling(index, hierarchy, profile)
        names = {each: telling.name(each) for each in profile.observed | profile.excluded}
        return Answered(
            tuple(telling.of(neighbour, rank) for rank, neighbour in enumerate(best, 1)),
            profile, names, int(allowed.sum()), index.table.as_of, missing + silent,
        )  # fmt: skip

    def _allowed(self, access: Access, table: FeatureTable, asked: Asked) -> Mask:
        opened = self._store.opened(access, asked.limits)
        mask = np.ones(len(table.patient_ids), np.bool_)
        if opened.allowed is not None:
            mask[:] = False
            mask[_numbers(table, opened.allowed)] = True
        mine = frozenset({asked.patient_id} if asked.patient_id else ())
        mask[_numbers(table, opened.closed | asked.without | mine)] = False
        ancestors = self._hierarchy(access.tenant_id).ancestors
        for condition in asked.limits.conditions:
            mask &= _having(ancestors, table, condition)
        return mask

    def _said(
        self, access: Access, hierarchy: Hierarchy, index: PatientIndex, asked: Profile
    ) -> tuple[dict[str, float], tuple[str, ...]]:
        """Score patients by the best note that asserts what was asked, by name: the words of the
        note that was pasted are never searched for, so that no template finds its twin."""
        if self._lexical is None or not asked.observed:
            return {}, ()
        said = [feature for feature in asked.observed if degree_of(feature) is None]
        rarest = sorted(said, key=lambda f: (-index.information(f), f))[:MOST_SAID]
        names = [hierarchy.name(feature, index.table.names) for feature in rarest]
        clause = Ranked(tuple(Phrase(tuple(words)) for n in names if (words := TOKEN.findall(n))))
        try:
            hits = self._lexical.search(access, clause, Filters(), MOST_HITS, "present").hits
        except EngineUnavailable:
            return {}, ("text",)
        best = max((hit.score for hit in hits), default=0.0)
        of = self._store.patients_of(access.tenant_id, [hit.doc_id for hit in hits])
        found: dict[str, float] = {}
        for hit in hits:
            patient_id = of.get(hit.doc_id)
            if patient_id and best > 0:
                found[patient_id] = max(found.get(patient_id, 0.0), hit.score / best)
        return found, ()

    def _meant(
        self, access: Access, hierarchy: Hierarchy, index: PatientIndex, asked: Profile
    ) -> tuple[Mapping[str, float], tuple[str, ...]]:
        """Score patients by the vectors of their whole records, where there are some."""
        vectors = self._vectors()
        if vectors is None:
            return {}, ()
        try:
            return vectors.near(access, asked, index.table.names, hierarchy), ()
        except EngineUnavailable:
            return {}, ("meaning",)


def _having(
    ancestors: Callable[[str], Mapping[str, int]], table: FeatureTable, condition: str
) -> Mask:
    """Open who has a condition, or one below it."""
    wanted = np.array(
        [f == condition or condition in ancestors(f) for f in table.features], np.bool_
    )
    mask = np.zeros(len(table.patient_ids), np.bool_)
    if len(wanted):
        mask[table.observed.patient[wanted[table.observed.feature]]] = True
    return mask


def _feature(hierarchy: Hierarchy, name: str, place: int) -> str | None:
    """Return the feature of a name, None for an empty one. Raises: InvalidQuery."""
    if not name:
        return None
    found = hierarchy.find(name)
    if found is None:
        like = hierarchy.like(name)
        raise UnknownName(
            "This terminology has no such finding.", place, name,
            hint=f"Do you mean {', '.join(like)}?" if like else "Use a name or SYSTEM:code.",
        )  # fmt: skip
    return found


def _profile(table: FeatureTable, asked: Asked) -> Profile:
    if asked.profile is not None:
        return asked.profile
    number = table.number_of.get(asked.patient_id or "")
    return Profile.of(()) if number is None else table.profile(number)


def _numbers(table: FeatureTable, patient_ids: frozenset[str]) -> list[int]:
    known: Sequence[int | None] = [table.number_of.get(each) for each in patient_ids]
    return [number for number in known if number is not None]

"""The chance of an outcome, told by the patients most alike, calibrated, and withheld where nobody
is alike.

Likeness is Jaccard over findings weighted by their information (how few have them), age counted in
decades as findings, times how near the number of visits in the year before is, where that tells
something of the outcome: care that was needed is what tells most generally of care that will be.
Source: Billings et al. (2006), BMJ 333:327. The raw chance is the share of the outcome among the k
most alike, each by its likeness; the calibrated one is what that raw chance has meant for patients
who were left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from indexing.errors import ConfigurationError, InvalidInput
from rankers.jaccard import Jaccard

Floats = NDArray[np.float64]
Calibration = Literal["none", "isotonic", "platt"]

NEIGHBOURS = 150
LEAST_PATIENTS = 200  # with a known outcome: fewer tell nothing
LEAST_EVENTS = 20
FOLDS = 5
OUTSIDE = 0.01  # who is less alike to everybody than this share of the known is outside
_SHARPNESS = 4.0  # likeness counts by this power
# How much the number of visits counts: at 1 who had half as many is half as like, at 0 all are.
WEIGHTS_OF_VISITS = (0.0, 0.5, 1.0)
_TRIED = 2_000  # left-out patients that one is chosen on
_LEFT_OUT = 5_000  # that tell what a raw chance means, and who is outside: of each all are compared
_CELLS = 1 << 20  # pairs of patients compared at once
_AGE = re.compile(r"age:(\d)(?:\+(\d))?")


class Calibrator(Protocol):
    """From raw chances to what they have meant."""

    def __call__(self, raw: Floats) -> Floats: ...


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """A patient as features with what became of them; `outcome` None where that is not known.
    `visits` are those of the year before, None where nobody counts them."""

    patient_id: str
    features: frozenset[str]
    age: int | None
    sex: str
    outcome: bool | None = None
    visits: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """`chance` None: withheld, `why` says so in words. [`low`, `high`] is Wilson's 95 % interval of
    the neighbours' share, calibrated like it, `likeness` their mean likeness; `alike` names the
    nearest. Of a file there are no neighbours: [`low`, `high`] is what happened to the `measured`
    patients of whom it told as much when it was registered, and `moved` says by how much each
    finding moved the chance."""

    chance: float | None
    low: float = 0.0
    high: float = 1.0
    likeness: float = 0.0
    neighbours: int = 0
    alike: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    why: str = ""
    measured: int = 0
    moved: tuple[tuple[str, float], ...] = ()


class NearestRisk:
    """k nearest patients over those whose outcome is known. `visits` is how much their number
    counts, None: as much as tells the left-out most.

    Raises:
        InvalidInput: too few patients, or too few with the outcome or without.
        ConfigurationError: a calibration without the extra `outlook`.
    """

    def __init__(
        self, patients: Sequence[KnownPatient], calibration: Calibration = "isotonic",
        k: int = NEIGHBOURS, visits: float | None = None,
    ) -> None:  # fmt: skip
        self.patients = [each for each in patients if each.outcome is not None]
        self.k, self.calibration = min(k, max(1, len(self.patients) // 4)), calibration
        self._outcome = np.array([bool(each.outcome) for each in self.patients], np.float64)
        events = int(self._outcome.sum())
        if len(self.patients) < LEAST_PATIENTS or not (
            LEAST_EVENTS <= events <= len(self.patients) - LEAST_EVENTS
        ):
            raise InvalidInput(
                f"{len(self.patients)} patients with a known outcome, {events} with it, tell "
                "nothing reliable",
                hint=f"at least {LEAST_PATIENTS} are needed, {LEAST_EVENTS} of each kind",
            )
        self._features = [_features(each) for each in self.patients]
        self._jaccard = Jaccard(self._features)
        self._seen, self._visits = _seen(self.patients), visits
        # There are few different numbers of visits: likeness by them is looked up.
        self._numbers, self._number = np.unique(self._seen, return_inverse=True)

    @property
    def base_rate(self) -> float:
        """The share of the known patients with the outcome."""
        return float(self._outcome.mean())

    def likeness(self, patients: Sequence[KnownPatient]) -> Floats:
        """Return (n, known patients) float: 1 for the same findings and as many visits, 0 for
        nothing in common."""
        return self._like([_features(each) for each in patients], _seen(patients), self.visits)

    def _like(self, asked: Sequence[frozenset[str]], seen: Floats, weight: float) -> Floats:
        likeness = self._jaccard.likeness(asked)
        if weight:
            apart = np.abs(seen[:, None] - self._numbers[None, :])
            # 1 where either is not counted.
            likeness *= np.exp(-weight * np.nan_to_num(apart))[:, self._number]
        return likeness

    @cached_property
    def visits(self) -> float:
        """How much the number of visits counts: as given, else the least that tells the left-out
        best by Brier's score."""
        if self._visits is not None or np.isnan(self._seen).all():
            return self._visits or 0.0
        tried = self._spread(_TRIED)
        scores = [
            float(((self._without_own(weight, tried)[0] - self._outcome[tried]) ** 2).mean())
            for weight in WEIGHTS_OF_VISITS
        ]
        return WEIGHTS_OF_VISITS[int(np.argmin(scores))]

    def _spread(self, most: int) -> NDArray[np.intp]:
        """Return the places of at most so many known patients, who are in order of their ids, from
        all over."""
        count = len(self.patients)
        return np.linspace(0, count - 1, min(count, most)).round().astype(np.intp)

    def _blocks(self, count: int) -> Iterator[slice]:
        """Yield as many at once as memory that is near takes."""
        size = max(1, _CELLS // len(self.patients))
        yield from (slice(start, start + size) for start in range(0, count, size))

    def _raw(self, likeness: Floats) -> tuple[Floats, Floats]:
        """Return raw chances and mean likeness of the k nearest."""
        near = np.argpartition(-likeness, self.k - 1, axis=1)[:, : self.k]
        weight = np.take_along_axis(likeness, near, axis=1)
        kernel = weight**_SHARPNESS + 1e-9
        raw = (kernel * self._outcome[near]).sum(axis=1) / kernel.sum(axis=1)
        return raw, weight.mean(axis=1)

    @cached_property
    def _left_out(self) -> tuple[Floats, Floats]:
        """Raw chances and likeness of known patients, each without those of its fold."""
        return self._without_own(self.visits, self._spread(_LEFT_OUT))

    def _without_own(self, weight: float, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        fold = np.arange(len(self.patients)) % FOLDS
        raw, near = np.zeros(len(rows)), np.zeros(len(rows))
        for block in self._blocks(len(rows)):
            own = rows[block]
            asked = [self._features[row] for row in own.tolist()]
            likeness = self._like(asked, self._seen[own], weight)
            likeness[fold[own][:, None] == fold[None, :]] = 0.0
            raw[block], near[block] = self._raw(likeness)
        return raw, near

    @cached_property
    def outside(self) -> float:
        """Below this mean likeness nothing is told."""
        return float(np.quantile(self._left_out[1], OUTSIDE))

    @cached_property
    def calibrate(self) -> Calibrator:
        """What raw chances have meant for patients who were left out."""
        raw, _ = self._left_out
        return calibrator(self.calibration, raw, self._outcome[self._spread(_LEFT_OUT)])

    def strangers(self, patients: Sequence[KnownPatient]) -> NDArray[np.bool_]:
        """Say who is less alike to the known ones than nearly all of these are to each other: a
        model that was measured on them tells nothing of such a patient."""
        found = np.zeros(len(patients), dtype=bool)
        for block in self._blocks(len(patients)):
            found[block] = self._raw(self.likeness(patients[block]))[1] < self.outside
        return found

    def chances(self, patients: Sequence[KnownPatient]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return calibrated chances, and which of them are to be withheld."""
        found = np.zeros(len(patients))
        withheld = np.zeros(len(patients), dtype=bool)
        for block in self._blocks(len(patients)):
            raw, near = self._raw(self.likeness(patients[block]))
            found[block] = self.calibrate(raw)
            withheld[block] = near < self.outside
        return found, withheld

    def estimate(self, patient: KnownPatient) -> Estimate:
        """Tell one patient's chance with its grounds; the patient's own record does not speak."""
        likeness = self.likeness([patient])
        own = [n for n, each in enumerate(self.patients) if each.patient_id == patient.patient_id]
        likeness[:, own] = 0.0
        raw, near = self._raw(likeness)
        order = np.argsort(-likeness[0], kind="stable")[: self.k]
        alike = tuple(self.patients[n].patient_id for n in order[:5].tolist())
        if near[0] < self.outside:
            why = "nobody here is alike enough to tell by"
            return Estimate(None, likeness=float(near[0]), neighbours=self.k, why=why)
        kernel = likeness[0][order] ** _SHARPNESS + 1e-9
        speaking = float(kernel.sum() ** 2 / (kernel**2).sum())  # as many as would weigh the same
        bounds = np.array(wilson(float(raw[0]) * speaking, speaking))
        low, high = (float(each) for each in self.calibrate(bounds))
        return Estimate(
            float(self.calibrate(raw)[0]), low, high, float(near[0]), self.k, alike,
            self._shared(patient, order),
        )  # fmt: skip

    def _shared(self, patient: KnownPatient, order: NDArray[np.intp]) -> tuple[str, ...]:
        """Name the weightiest findings that the patient and the nearest have in common."""
        shared = self._jaccard.shared(_features(patient), order, 8)
        finest = (each for each in shared if not any(o.startswith(f"{each}+") for o in shared))
        return tuple(dict.fromkeys(map(in_words, finest)))


def _seen(patients: Sequence[KnownPatient]) -> Floats:
    """Return the logarithm of one more than the visits; NaN where nobody counts them."""
    counts = [np.nan if each.visits is None else each.visits for each in patients]
    return np.log1p(np.array(counts, np.float64))


def _features(patient: KnownPatient) -> frozenset[str]:
    own = set(patient.features) | ({f"sex:{patient.sex}"} if patient.sex else set())
    if patient.age is not None:
        decade = min(patient.age // 10, 9)
        own |= {f"age:{decade}", f"age:{decade}+{(patient.age % 10) // 5}"}
    return frozenset(own)


def in_words(feature: str) -> str:
    """Say a feature as a reader would: "age:7+1" is 75 to 79 years."""
    kind, _, value = feature.partition(":")
    if kind == "sex" and value:
        return value
    if (found := _AGE.fullmatch(feature)) is None:
        return feature
    first = 10 * int(found[1]) + 5 * int(found[2] or 0)
    if first >= 90:
        return "90 years or more"
    return f"{first} to {first + (4 if found[2] else 9)} years"


def calibrator(kind: Calibration, raw: Floats, outcome: Floats) -> Calibrator:
    """Fit a calibration.

    Raises:
        ConfigurationError: scikit-learn is not installed.
    """
    if kind == "none":
        return lambda chances: chances
    try:
        from sklearn.isotonic import IsotonicRegression
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise ConfigurationError(
            "calibration needs scikit-learn",
            hint="install the extra: pip install anamnesis[outlook]",
        ) from None
    if kind == "isotonic":
        steps = IsotonicRegression(y_min=0.001, y_max=0.999, out_of_bounds="clip")
        steps.fit(raw, outcome)
        return lambda chances: np.asarray(steps.predict(chances), np.float64)
    line = LogisticRegression(C=1e6).fit(_logit(raw)[:, None], outcome)
    return lambda chances: np.asarray(
        line.predict_proba(_logit(chances)[:, None])[:, 1], np.float64
    )


def _logit(chances: Floats) -> Floats:
    held = np.clip(chances, 0.005, 0.995)
    found: Floats = np.log(held / (1 - held))
    return found


def wilson(events: float, of: float, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a share. Source: Wilson (1927), J. Am. Stat. Assoc. 22:209."""
    if of <= 0:
        return 0.0, 1.0
    share = events / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * float(np.sqrt(share * (1 - share) / of + z * z / (4 * of * of)))
    # Rounding must not carry the share itself out of its interval.
    return max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share))


def calibration_error(chances: Floats, outcome: Floats, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal size, 0 to 1.
    Source: Naeini et al. (2015), AAAI; equal-mass bins."""
    parts = np.array_split(np.argsort(chances, kind="stable"), bins)
    return float(
        sum(len(p) * abs(chances[p].mean() - outcome[p].mean()) for p in parts if len(p))
        / len(chances)
    )


def reliability(
    chances: Floats, outcome: Floats, bins: int = 10
) -> tuple[tuple[int, float, float, float, float], ...]:
    """Return by bins of equal size (patients, mean chance, share with the outcome, and its Wilson
    interval), the lowest chances first: what a calibration plot draws."""
    parts = np.array_split(np.argsort(chances, kind="stable"), bins)
    return tuple(
        (len(p), float(chances[p].mean()), float(outcome[p].mean()),
         *wilson(float(outcome[p].sum()), len(p)))
        for p in parts if len(p)
    )  # fmt: skip


Bins = Sequence[Sequence[float]]


def as_told(bins: Bins, chance: float) -> tuple[int, float, float]:
    """Return of how many of a plot's patients about this chance was told, and Wilson's interval of
    how often it happened to them; (0, 0, 1) where there is no plot."""
    if not bins:
        return 0, 0.0, 1.0
    # A file that tells few different chances fills several bins with one of them.
    nearest = min((mean for _, mean, *_ in bins), key=lambda mean: abs(mean - chance))
    near = [(int(count), share) for count, mean, share, *_ in bins if abs(mean - nearest) < 1e-9]
    people = sum(count for count, _ in near)
    return people, *wilson(sum(count * share for count, share in near), people)


def brier_skill(chances: Floats, outcome: Floats, base_rate: float) -> float:
    """Return 1 - Brier / Brier of always saying the base rate: above 0 it tells something."""
    reference = float(((base_rate - outcome) ** 2).mean())
    return 1 - float(((chances - outcome) ** 2).mean()) / reference


def subgroups(
    patients: Sequence[KnownPatient], chances: Floats
) -> Mapping[str, tuple[int, float, float]]:
    """Return by sex and age band (patients, mean chance, share with the outcome)."""
    found: dict[str, list[int]] = {}
    for number, each in enumerate(patients):
        band = (
            "unknown" if each.age is None else f"{each.age // 20 * 20}-{each.age // 20 * 20 + 19}"
        )
        for name in (f"sex {each.sex or 'unknown'}", f"age {band}"):
            found.setdefault(name, []).append(number)
    outcome = np.array([bool(each.outcome) for each in patients], np.float64)
    return {
        name: (len(rows), float(chances[rows].mean()), float(outcome[rows].mean()))
        for name, rows in sorted(found.items())
    }

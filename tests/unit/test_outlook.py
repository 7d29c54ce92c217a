"""The outlook: told only where enough alike are known, calibrated, and never without its marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import outlook
from eval.synthea import crossed
from indexing.errors import InvalidInput
from rankers import outcomes
from rankers.jaccard import Floats, Jaccard
from rankers.outcomes import (
    Estimate,
    KnownPatient,
    NearestRisk,
    as_told,
    brier_skill,
    calibration_error,
    calibrator,
    in_words,
    reliability,
    wilson,
)
from rankers.treatments import LEAST_ALL, SEVERITIES, Case, Caution, rank


def people(count: int = 400) -> list[KnownPatient]:
    """Half have `a`, four in five of them the outcome; half `b`, one in five."""
    return [
        KnownPatient(
            f"p{n}", frozenset({"a" if n % 2 else "b", f"x{n % 7}"}), 50, "female",
            (n // 2) % 5 != 0 if n % 2 else (n // 2) % 5 == 0,
        )
        for n in range(count)
    ]  # fmt: skip


def ask(model: NearestRisk, *features: str, name: str = "new") -> Estimate:
    return model.estimate(KnownPatient(name, frozenset(features), 50, "female"))


def test_those_alike_tell_the_chance_with_their_names_and_what_is_shared() -> None:
    model = NearestRisk(people(), "none")
    high, low = ask(model, "a", "x1"), ask(model, "b", "x1")
    assert high.chance is not None
    assert low.chance is not None
    assert high.chance > 0.6 > 0.4 > low.chance
    assert high.low < high.chance < high.high < 1
    assert "a" in high.shared
    assert len(high.alike) == 5


def visited(tells: bool) -> list[KnownPatient]:
    """Half came often; whether the outcome follows that or chance alone."""
    chance = np.random.default_rng(6)
    return [
        KnownPatient(
            f"p{n}", frozenset({f"x{n % 7}", f"y{n % 11}"}), 50, "female",
            bool(chance.uniform() < (0.7 if n % 2 else 0.1)) if tells else bool(chance.integers(2)),
            9 if n % 2 else 1,
        )
        for n in range(600)
    ]  # fmt: skip


def test_visits_count_where_they_tell_something_and_nowhere_else() -> None:
    told, blind = NearestRisk(visited(True), "none"), NearestRisk(visited(False), "none")
    assert told.visits > 0 == blind.visits
    often = KnownPatient("new", frozenset({"x1", "y1"}), 50, "female", None, 8)
    seldom, much = (told.estimate(replace(often, visits=n)).chance for n in (1, 9))
    assert seldom is not None
    assert much is not None
    assert much - seldom > 0.3
    assert told.estimate(replace(often, visits=500)).chance is None  # nobody alike came as often
    # Nobody's are counted: as if there were none of this.
    uncounted = [replace(each, visits=None) for each in visited(True)]
    plain = NearestRisk(uncounted, "none")
    assert plain.visits == 0.0
    assert told.estimate(replace(often, visits=None)).chance == pytest.approx(
        plain.estimate(often).chance, abs=1e-9
    )
    assert crossed(visited(True), "platt").skill > crossed(uncounted, "platt").skill + 0.1


def test_of_many_patients_some_from_all_over_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each against all: of a hundred thousand that took minutes for one prediction."""
    asked: list[frozenset[str]] = []
    likeness = Jaccard.likeness

    def counted(self: Jaccard, sets: Sequence[frozenset[str]]) -> Floats:
        asked.extend(sets)
        return likeness(self, sets)

    monkeypatch.setattr(Jaccard, "likeness", counted)
    monkeypatch.setattr(outcomes, "_LEFT_OUT", 100)
    monkeypatch.setattr(outcomes, "_CELLS", 1)  # one at once, who is compared alone
    marked = [replace(each, features=each.features | {str(n // 100)})
              for n, each in enumerate(people())]  # fmt: skip
    found = ask(NearestRisk(marked, "isotonic"), "a", "x1", "2")
    assert found.chance is not None
    assert found.chance > 0.6
    assert len(asked) == 101
    assert {next(iter(own & set("0123"))) for own in asked[1:]} == set("0123")


def test_a_patients_own_record_does_not_speak() -> None:
    model = NearestRisk(people(), "none")
    assert "p1" not in ask(model, "a", "x1", name="p1").alike


def test_nothing_is_told_of_somebody_unlike_everybody() -> None:
    found = NearestRisk(people(), "none").estimate(KnownPatient("new", frozenset({"z"}), None, ""))
    assert found.chance is None
    assert found.why


def test_too_few_known_outcomes_tell_nothing() -> None:
    with pytest.raises(InvalidInput, match="nothing reliable"):
        NearestRisk(people(100), "none")
    one_sided = [KnownPatient(f"p{n}", frozenset({"a"}), 50, "", False) for n in range(400)]
    with pytest.raises(InvalidInput):
        NearestRisk(one_sided, "none")


@pytest.mark.parametrize("kind", ["isotonic", "platt"])
def test_a_calibration_undoes_overconfidence(kind: str) -> None:
    chance = np.random.default_rng(5)
    truth = chance.uniform(0.1, 0.5, 4000)
    outcome = (chance.uniform(size=4000) < truth).astype(float)
    raw = np.clip(truth**0.4, 0, 1)
    own = calibrator(kind, raw, outcome)(raw)  # type: ignore[arg-type]
    assert calibration_error(raw, outcome) > 0.2
    assert calibration_error(own, outcome) < 0.03
    assert brier_skill(own, outcome, float(outcome.mean())) > 0


def test_each_known_outcome_is_asked_about_once_by_a_model_that_has_not_seen_it() -> None:
    found = crossed([*people(500), KnownPatient("x", frozenset(), 50, "")], "none")
    assert (found.patients, found.known) == (501, 500)
    assert found.low > 0.1
    chance = np.random.default_rng(3)
    blind = [replace(each, outcome=bool(chance.integers(2))) for each in people(500)]
    assert crossed(blind, "none").low < 0.02  # nothing is learned from what is not there


def test_bins_hold_everybody_once_and_their_share_lies_in_its_interval() -> None:
    chance = np.random.default_rng(4)
    told, happened = chance.uniform(size=203), chance.integers(0, 2, 203).astype(float)
    bins = reliability(told, happened)
    assert sum(each[0] for each in bins) == 203
    assert [each[1] for each in bins] == sorted(each[1] for each in bins)
    assert all(low <= share <= high for _, _, share, low, high in bins)


def test_those_told_alike_are_all_bins_of_the_nearest_chance() -> None:
    bins = [(50, 0.1, 0.2, 0.1, 0.3), (30, 0.7, 0.5, 0.3, 0.7), (30, 0.7, 0.9, 0.8, 1.0)]
    assert as_told(bins, 0.65) == (60, *wilson(42, 60))
    assert as_told(bins, 0.0) == (50, *wilson(10, 50))
    assert as_told((), 0.5) == (0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("feature", "words"),
    [("age:7", "70 to 79 years"), ("age:7+1", "75 to 79 years"), ("age:9+0", "90 years or more"),
     ("sex:male", "male"), ("Heart failure", "Heart failure")],
)  # fmt: skip
def test_what_is_shared_is_told_in_words(feature: str, words: str) -> None:
    assert in_words(feature) == words


@given(st.integers(0, 60), st.integers(1, 60))
def test_an_interval_holds_its_share(events: int, more: int) -> None:
    low, high = wilson(events, events + more)
    assert 0 <= low <= events / (events + more) <= high <= 1


def test_on_invented_patients_the_chances_mean_what_they_say() -> None:
    found = outlook.risk(800, 800, "platt")
    assert found.error < 0.06  # of 800; the figure of the table is taken on 4,000
    assert found.low > -0.02
    assert sum(group[0] for name, group in found.groups.items() if name.startswith("sex")) == (
        800 - found.withheld
    )


def test_on_invented_patients_the_better_option_stands_first() -> None:
    found = outlook.treatments(1000, asked=40)
    assert found.tau > 0.6
    assert found.unmarked == 0


cases = st.lists(
    st.builds(
        Case, st.text("pq", min_size=1, max_size=3), st.sampled_from("ABC"), st.booleans(),
        st.floats(0.01, 1),
    ),
    max_size=60,
)  # fmt: skip
marked = st.dictionaries(
    st.sampled_from("ABCD"),
    st.lists(st.builds(Caution, st.sampled_from(SEVERITIES), st.just("why")), min_size=1),
)


@given(cases, marked)
def test_a_marked_option_is_never_shown_unmarked_nor_behind_an_unmarked_one(
    known: list[Case], cautions: dict[str, list[Caution]]
) -> None:
    found = rank(known, cautions)
    assert found.told == (len(known) >= LEAST_ALL)
    shown = {option.treatment: option.cautions for option in found.options}
    for treatment, own in cautions.items():
        assert shown[treatment] == tuple(own)
    marks = [bool(option.cautions) for option in found.options]
    assert marks == sorted(marks, reverse=True)
    free = [option.withheld for option in found.options if not option.cautions]
    assert free == sorted(free)  # one lucky case stands behind what a share is told of
    for option in found.options:
        assert 0 <= option.low <= option.high <= 1
        assert option.good <= option.cases
